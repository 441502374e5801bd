//! TCP and UDP checks against real sockets.

#![allow(clippy::unwrap_used)]

mod common;

use common::{ClosedPort, Server, certified, expect, expect_part, run, run_for};
use konsul_checks::{Probe, TcpCheck, Tls, UdpCheck};
use konsul_types::CheckStatus::{Critical, Passing};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::UdpSocket;

fn tcp(address: &impl ToString, tls: Option<Tls>) -> Probe {
    Probe::Tcp(TcpCheck { address: address.to_string(), tls })
}

fn udp(address: &impl ToString) -> Probe {
    Probe::Udp(UdpCheck { address: address.to_string() })
}

#[tokio::test]
async fn tcp_goes_critical_and_comes_back() {
    let closed = ClosedPort::new();
    let address = closed.address;
    let refused = format!("dial tcp {address}: connect: connection refused");
    let success = format!("TCP connect {address}: Success");
    expect(&run(tcp(&address, None)).await, Critical, &refused);
    let listener = closed.open();
    expect(&run(tcp(&address, None)).await, Passing, &success);
    drop(listener);
    let closed = ClosedPort::at(address);
    expect(&run(tcp(&address, None)).await, Critical, &refused);
    let _listener = closed.open();
    expect(&run(tcp(&address, None)).await, Passing, &success);
}

#[tokio::test]
async fn a_name_leads_to_the_address_that_answers() {
    let listener = ClosedPort::new().open();
    let name = format!("localhost:{}", listener.local_addr().unwrap().port());
    expect(&run(tcp(&name, None)).await, Passing, &format!("TCP connect {name}: Success"));
}

#[tokio::test]
async fn tcp_with_tls_needs_a_handshake() {
    let certified = certified(&[]);
    let acceptor = certified.acceptor.clone();
    let server = Server::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
        }
    });
    let success = format!("TCP+TLS connect {}: Success", server.address);
    expect(&run(tcp(&server.address, Some(certified.believing()))).await, Passing, &success);
    let strange = run(tcp(&server.address, Some(Tls::default()))).await;
    expect_part(&strange, Critical, "certificate signed by unknown authority");
    let silent = Server::start(|mut stream| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let found = run_for(tcp(&silent.address, Some(certified.believing())), Duration::from_millis(200)).await;
    expect(&found, Critical, "context deadline exceeded");
}

#[tokio::test]
async fn an_address_without_a_port_is_told() {
    expect(&run(tcp(&"web", None)).await, Critical, "dial tcp: address web: missing port in address");
    expect(&run(udp(&"web")).await, Critical, "dial udp: address web: missing port in address");
    expect_part(&run(tcp(&"169.254.1.1:80", None)).await, Critical, "link-local");
    expect_part(&run(udp(&"[fe80::1]:80")).await, Critical, "link-local");
}

/// A bound socket that is connected elsewhere: to anybody else the port is closed.
async fn closed_udp(elsewhere: &UdpSocket) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(elsewhere.local_addr().unwrap()).await.unwrap();
    socket
}

#[tokio::test]
async fn udp_goes_critical_and_comes_back() {
    let elsewhere = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let closed = closed_udp(&elsewhere).await;
    let address = closed.local_addr().unwrap();
    let found = run(udp(&address)).await;
    expect_part(&found, Critical, "read: connection refused");
    assert!(found.output.starts_with("read udp ") && found.output.contains(&format!("->{address}: ")));
    drop(closed);
    let open = UdpSocket::bind(address).await.unwrap();
    let answering = tokio::spawn(async move {
        let mut buffer = [0; 8];
        let (length, from) = open.recv_from(&mut buffer).await.unwrap();
        open.send_to(b"pong", from).await.unwrap();
        (length, open)
    });
    let success = format!("UDP connect {address}: Success");
    expect(&run(udp(&address)).await, Passing, &success);
    let (length, _open) = answering.await.unwrap();
    assert_eq!(length, 0, "one empty datagram");
    // Nobody reads it now: silence is good.
    expect(&run_for(udp(&address), Duration::from_millis(100)).await, Passing, &success);
}
