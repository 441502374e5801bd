//! A server on real sockets: UDP, TCP, change of settings, stop.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use konsul_dns::{Endpoint, Limits, Server, Settings};
use tokio::runtime::Runtime;

use crate::client::{Ask, addresses, ask, read};
use crate::directory::{Fake, node, small};

struct Running {
    runtime: Runtime,
    server: Option<Server>,
    address: SocketAddr,
}

const PATIENCE: Duration = Duration::from_secs(10);

fn start_on(address: SocketAddr, fake: &Arc<Fake>, settings: Settings) -> Running {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let directory: Arc<Fake> = Arc::clone(fake);
    let server = runtime.block_on(async {
        let endpoint = Endpoint::bind(address, settings.limits.udp_sockets).unwrap();
        Server::start(directory, settings, vec![endpoint]).unwrap()
    });
    let address = server.addresses()[0];
    Running { runtime, server: Some(server), address }
}

fn start(fake: &Arc<Fake>, settings: Settings) -> Running {
    start_on((Ipv4Addr::LOCALHOST, 0).into(), fake, settings)
}

impl Running {
    fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    fn udp(&self) -> UdpSocket {
        let socket = UdpSocket::bind((self.address.ip(), 0)).unwrap();
        socket.connect(self.address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    }

    fn tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    fn stop(&mut self) -> bool {
        let server = self.server.take().unwrap();
        self.runtime.block_on(server.stop(PATIENCE))
    }
}

fn exchange(socket: &UdpSocket, ask: &Ask) -> hickory_proto::op::Message {
    socket.send(&ask.packet).unwrap();
    let mut buffer = [0; 65_535];
    let length = socket.recv(&mut buffer).unwrap();
    read(&buffer[..length])
}

fn framed(ask: &Ask) -> Vec<u8> {
    [&(ask.packet.len() as u16).to_be_bytes(), ask.packet.as_slice()].concat()
}

fn next(stream: &mut TcpStream) -> hickory_proto::op::Message {
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut bytes = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut bytes).unwrap();
    read(&bytes)
}

#[test]
fn truncated_over_udp_and_whole_over_tcp_on_the_same_port() {
    let fake = small();
    for at in 0..40 {
        fake.add_node(node(&format!("m{at}"), &format!("10.2.0.{at}"))).add(
            "many",
            &format!("m{at}"),
            &[],
            |_| {},
        );
    }
    let running = start(&fake, Settings { enable_truncate: true, ..Settings::default() });
    let over_udp = exchange(&running.udp(), &ask("many.service.consul A"));
    assert!(over_udp.metadata.truncation && over_udp.answers.len() == 3);
    let mut stream = running.tcp();
    stream.write_all(&framed(&ask("many.service.consul A"))).unwrap();
    let over_tcp = next(&mut stream);
    assert!(!over_tcp.metadata.truncation && over_tcp.answers.len() == 40);
}

#[test]
fn a_burst_is_answered_whole() {
    let running = start(&small(), Settings::default());
    let socket = running.udp();
    let mut missing: std::collections::BTreeSet<u16> = (0..200).collect();
    for id in 0..200 {
        socket.send(&ask("web.service.consul A").id(id).packet).unwrap();
    }
    let mut buffer = [0; 2048];
    while !missing.is_empty() {
        let length = socket.recv(&mut buffer).unwrap();
        let got = read(&buffer[..length]);
        assert!(got.answers.len() == 2 && missing.remove(&got.metadata.id));
    }
    assert_eq!(running.server().figures().udp.load(SeqCst), 200);
}

#[test]
fn a_socket_bound_to_every_address_answers_from_the_one_that_was_asked() {
    let fake = small();
    let running = start_on((Ipv4Addr::UNSPECIFIED, 0).into(), &fake, Settings::default());
    for host in ["127.0.0.1", "127.0.0.9"] {
        // A connected socket takes nothing from anybody else.
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect((host, running.address.port())).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        for _ in 0..3 {
            assert_eq!(addresses(&exchange(&socket, &ask("web.service.consul A"))).len(), 2, "{host}");
        }
    }
}

#[test]
fn every_address_of_ipv6_too() {
    let running = start_on((Ipv6Addr::UNSPECIFIED, 0).into(), &small(), Settings::default());
    let socket = UdpSocket::bind("[::1]:0").unwrap();
    socket.connect(("::1", running.address.port())).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(addresses(&exchange(&socket, &ask("web.service.consul A"))).len(), 2);
    let v4 = UdpSocket::bind("127.0.0.1:0").unwrap();
    v4.connect(("127.0.0.1", running.address.port())).unwrap();
    v4.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(addresses(&exchange(&v4, &ask("web.service.consul A"))).len(), 2);
}

#[test]
fn several_sockets_share_a_port() {
    let limits = Limits { udp_sockets: 3, ..Limits::default() };
    let running = start(&small(), Settings { limits, ..Settings::default() });
    for _ in 0..20 {
        assert_eq!(exchange(&running.udp(), &ask("web.service.consul A")).answers.len(), 2);
    }
    assert!(Endpoint::bind(running.address, 3).is_err(), "a second server on the port must be told");
}

#[test]
fn one_that_waits_does_not_hold_the_others() {
    let fake = small();
    fake.add("slow", "n2", &[], |_| {});
    let running = start(&fake, Settings::default());
    let mut stream = running.tcp();
    let pipeline = [framed(&ask("slow.service.consul A").id(1)), framed(&ask("db.service.consul A").id(2))];
    stream.write_all(&pipeline.concat()).unwrap();
    assert_eq!(next(&mut stream).metadata.id, 2);
    fake.gate.notify_one();
    assert_eq!(next(&mut stream).metadata.id, 1);
    let socket = running.udp();
    socket.send(&ask("slow.service.consul A").id(3).packet).unwrap();
    assert_eq!(exchange(&socket, &ask("db.service.consul A").id(4)).metadata.id, 4);
    fake.gate.notify_one();
    let mut buffer = [0; 512];
    let length = socket.recv(&mut buffer).unwrap();
    assert_eq!(read(&buffer[..length]).metadata.id, 3);
}

#[test]
fn pieces_of_messages_and_a_half_closed_connection() {
    let running = start(&small(), Settings::default());
    let mut stream = running.tcp();
    let bytes =
        [framed(&ask("web.service.consul A").id(1)), framed(&ask("db.service.consul A").id(2))].concat();
    bytes.chunks(7).for_each(|piece| stream.write_all(piece).unwrap());
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(next(&mut stream).metadata.id, 1);
    assert_eq!(next(&mut stream).metadata.id, 2);
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn what_is_too_long_or_too_slow_is_closed() {
    let tcp_idle = konsul_runtime::time::Duration::from_millis(100);
    let limits = Limits { tcp_idle, tcp_query_bytes: 600, ..Limits::default() };
    let running = start(&small(), Settings { limits, ..Settings::default() });
    let mut long = running.tcp();
    long.write_all(&[2, 89]).unwrap();
    assert!(matches!(long.read(&mut [0; 1]), Ok(0) | Err(_)));
    let mut idle = running.tcp();
    idle.write_all(&[0, 40, 1]).unwrap();
    assert_eq!(idle.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn connections_have_a_bound() {
    let limits = Limits { tcp_connections_per_source: 1, ..Limits::default() };
    let running = start(&small(), Settings { limits, ..Settings::default() });
    let mut first = running.tcp();
    first.write_all(&framed(&ask("web.service.consul A"))).unwrap();
    next(&mut first);
    let mut second = running.tcp();
    assert!(matches!(second.read(&mut [0; 1]), Ok(0) | Err(_)));
    first.write_all(&framed(&ask("db.service.consul A"))).unwrap();
    assert_eq!(next(&mut first).answers.len(), 1);
    assert_eq!(running.server().figures().connections_refused.load(SeqCst), 1);
}

#[test]
fn other_settings_hold_from_the_next_question_on() {
    let running = start(&small(), Settings::default());
    let socket = running.udp();
    assert_eq!(exchange(&socket, &ask("web.service.consul A")).answers[0].ttl, 0);
    let rules = [("*".to_owned(), konsul_runtime::time::Duration::from_secs(30))];
    let settings = Settings { service_ttl: konsul_dns::ServiceTtl::new(rules), ..Settings::default() };
    running.server().set_settings(settings).unwrap();
    assert_eq!(exchange(&socket, &ask("web.service.consul A")).answers[0].ttl, 30);
    let root = Settings { domain: ".".into(), ..Settings::default() };
    assert!(running.server().set_settings(root).is_err());
    assert_eq!(exchange(&socket, &ask("web.service.consul A")).answers[0].ttl, 30);
}

#[test]
fn a_stop_lets_what_is_under_way_finish_and_frees_the_port() {
    let fake = small();
    fake.add("slow", "n2", &[], |_| {});
    let mut running = start(&fake, Settings::default());
    let mut stream = running.tcp();
    stream.write_all(&framed(&ask("slow.service.consul A"))).unwrap();
    while fake.asked.load(SeqCst) == 0 {
        std::thread::yield_now();
    }
    let gate = Arc::clone(&fake.gate);
    let reader = std::thread::spawn(move || {
        gate.notify_one();
        next(&mut stream).answers.len()
    });
    assert!(running.stop());
    assert_eq!(reader.join().unwrap(), 1);
    let again = start_on(running.address, &fake, Settings::default());
    assert_eq!(exchange(&again.udp(), &ask("web.service.consul A")).answers.len(), 2);
}
