//! gRPC and HTTP/2 checks against a server that is made of h2.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use common::{Certified, ClosedPort, Server, certified, expect, expect_part, run, run_for};
use h2::server::SendResponse;
use http::{HeaderMap, Request, Response};
use konsul_checks::{GrpcCheck, H2PingCheck, Probe, Tls};
use konsul_types::CheckStatus::{Critical, Passing};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

fn grpc(target: &impl ToString, tls: Option<Tls>) -> Probe {
    Probe::Grpc(GrpcCheck { target: target.to_string(), tls })
}

fn ping(address: &impl ToString, tls: Option<Tls>) -> Probe {
    Probe::H2Ping(H2PingCheck { address: address.to_string(), tls })
}

/// How the health service answers.
#[derive(Clone)]
enum Health {
    /// This number as status: 1 is SERVING, 2 NOT_SERVING.
    Status(u8),
    /// This status of gRPC and message, without an answer.
    Refused(u8, &'static str),
    /// This status of HTTP, as of a proxy before the server.
    Http(u16),
    /// Bytes without an end.
    Endless,
}

#[derive(Clone)]
struct HealthServer {
    health: Arc<Mutex<Health>>,
    asked: Arc<Mutex<Vec<(String, Bytes)>>>,
}

impl HealthServer {
    fn new() -> Self {
        Self { health: Arc::new(Mutex::new(Health::Status(1))), asked: Arc::default() }
    }

    fn be(&self, health: Health) {
        *self.health.lock().unwrap() = health;
    }

    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let Ok(mut connection) = h2::server::handshake(stream).await else { return };
        // Accepting is what drives the connection, so that answers are given beside it.
        let mut answers = tokio::task::JoinSet::new();
        while let Some(Ok((request, respond))) = connection.accept().await {
            let this = self.clone();
            answers.spawn(async move { this.answer(request, respond).await });
        }
    }

    async fn answer(self, request: Request<h2::RecvStream>, mut respond: SendResponse<Bytes>) {
        let path = request.uri().path().to_owned();
        let message =
            request.into_body().data().await.unwrap_or_else(|| Ok(Bytes::new())).unwrap_or_default();
        self.asked.lock().unwrap().push((path, message));
        let health = self.health.lock().unwrap().clone();
        let head = Response::builder().header("content-type", "application/grpc");
        match health {
            Health::Status(status) => {
                let mut body = respond.send_response(head.body(()).unwrap(), false).unwrap();
                let message = [0, 0, 0, 0, 2, 8, status];
                body.send_data(Bytes::copy_from_slice(&message), false).unwrap();
                let trailers: [(http::HeaderName, http::HeaderValue); 1] =
                    [("grpc-status".parse().unwrap(), "0".parse().unwrap())];
                body.send_trailers(HeaderMap::from_iter(trailers)).unwrap();
            }
            Health::Refused(code, text) => {
                let head = head.header("grpc-status", code.to_string()).header("grpc-message", text);
                respond.send_response(head.body(()).unwrap(), true).unwrap();
            }
            Health::Http(status) => {
                respond.send_response(head.status(status).body(()).unwrap(), true).unwrap();
            }
            Health::Endless => {
                let mut body = respond.send_response(head.body(()).unwrap(), false).unwrap();
                while body.send_data(Bytes::from_static(&[0; 1024]), false).is_ok() {
                    body.reserve_capacity(1024);
                    if std::future::poll_fn(|cx| body.poll_capacity(cx)).await.is_none() {
                        return;
                    }
                }
            }
        }
    }

    fn start(&self) -> Server {
        let this = self.clone();
        Server::start(move |stream| this.clone().serve(stream))
    }

    fn start_with(&self, certified: &Certified) -> Server {
        let (this, acceptor) = (self.clone(), certified.acceptor.clone());
        Server::start(move |stream| {
            let (this, acceptor) = (this.clone(), acceptor.clone());
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    this.serve(stream).await;
                }
            }
        })
    }
}

#[tokio::test]
async fn grpc_goes_critical_and_comes_back() {
    let health = HealthServer::new();
    let server = health.start();
    let target = format!("{}/web", server.address);
    let success = format!("gRPC check {target}: success");
    expect(&run(grpc(&target, None)).await, Passing, &success);
    assert_eq!(
        health.asked.lock().unwrap().pop().unwrap(),
        ("/grpc.health.v1.Health/Check".to_owned(), Bytes::from_static(b"\0\0\0\0\x05\x0a\x03web"))
    );
    health.be(Health::Status(2));
    expect(&run(grpc(&target, None)).await, Critical, "gRPC application didn't report service healthy");
    health.be(Health::Status(1));
    expect(&run(grpc(&target, None)).await, Passing, &success);
    let whole = server.address.to_string();
    expect(&run(grpc(&whole, None)).await, Passing, &format!("gRPC check {whole}: success"));
    assert_eq!(&*health.asked.lock().unwrap().pop().unwrap().1, b"\0\0\0\0\0");
}

#[tokio::test]
async fn refusals_of_grpc_are_told_in_its_words() {
    let health = HealthServer::new();
    let server = health.start();
    let check = || run(grpc(&server.address, None));
    health.be(Health::Refused(5, "unknown%20service"));
    expect(&check().await, Critical, "rpc error: code = NotFound desc = unknown service");
    health.be(Health::Refused(12, "unknown service grpc.health.v1.Health"));
    expect_part(
        &check().await,
        Critical,
        "code = Unimplemented desc = unknown service grpc.health.v1.Health",
    );
    health.be(Health::Http(503));
    expect_part(&check().await, Critical, "code = Unavailable desc = unexpected HTTP status code");
    health.be(Health::Endless);
    let large = "rpc error: code = ResourceExhausted desc = grpc: received message larger than max";
    expect(&check().await, Critical, large);
}

#[tokio::test]
async fn grpc_without_a_server_is_unavailable() {
    let closed = ClosedPort::new();
    let why = format!("dial tcp {}: connect: connection refused", closed.address);
    let text = format!(
        "rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: {why}\""
    );
    expect(&run(grpc(&closed.address, None)).await, Critical, &text);
    let silent = silent();
    let found = run_for(grpc(&silent.address, None), Duration::from_millis(200)).await;
    expect(&found, Critical, "rpc error: code = DeadlineExceeded desc = context deadline exceeded");
    let strange = Server::start(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    expect_part(
        &run(grpc(&strange.address, None)).await,
        Critical,
        "code = Unavailable desc = connection error",
    );
}

fn silent() -> Server {
    Server::start(|mut stream| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
}

#[tokio::test]
async fn grpc_and_pings_over_tls() {
    let certified = certified(&["h2"]);
    let health = HealthServer::new();
    let server = health.start_with(&certified);
    let address = server.address;
    let success = format!("gRPC check {address}: success");
    expect(&run(grpc(&address, Some(certified.believing()))).await, Passing, &success);
    let strange = run(grpc(&address, Some(Tls::default()))).await;
    expect_part(&strange, Critical, "authentication handshake failed: tls: failed to verify certificate");
    let found = run(ping(&address, Some(certified.believing()))).await;
    expect(&found, Passing, "HTTP2 ping was successful");
    let strange = run(ping(&address, Some(Tls::default()))).await;
    expect_part(
        &strange,
        Critical,
        &format!("Failed to dial to {address}: tls: failed to verify certificate"),
    );
}

#[tokio::test]
async fn a_ping_needs_http2_to_be_agreed_on() {
    let certified = certified(&[]);
    let server = HealthServer::new().start_with(&certified);
    let found = run(ping(&server.address, Some(certified.believing()))).await;
    expect_part(&found, Critical, "http2: unexpected ALPN protocol \"\"; want \"h2\"");
}

#[tokio::test]
async fn pings_go_critical_and_come_back() {
    let closed = ClosedPort::new();
    let address = closed.address;
    let refused = format!("Failed to dial to {address}: dial tcp {address}: connect: connection refused");
    expect(&run(ping(&address, None)).await, Critical, &refused);
    let health = HealthServer::new();
    let server = Server::on(closed.open(), move |stream| health.clone().serve(stream));
    expect(&run(ping(&address, None)).await, Passing, "HTTP2 ping was successful");
    drop(server);
    tokio::task::yield_now().await;
    let _closed = ClosedPort::at(address);
    expect(&run(ping(&address, None)).await, Critical, &refused);
    let silent = silent();
    let found = run_for(ping(&silent.address, None), Duration::from_millis(200)).await;
    expect(&found, Critical, "HTTP2 ping failed: context deadline exceeded");
}
