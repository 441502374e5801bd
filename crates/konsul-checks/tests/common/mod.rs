//! What the tests of several kinds share: one run of a check, and small peers on port 0.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use konsul_checks::{Finding, Limit, Machine, OUTPUT_MAX_DEFAULT, Probe, Reach, Runners, Tls};
use konsul_types::CheckStatus;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Long enough for anything that should succeed.
pub const LONG: Duration = Duration::from_secs(20);

/// Runs a check once on a machine with the usual settings.
pub async fn run(probe: Probe) -> Finding {
    run_on(&Machine::default(), probe, LONG).await
}

/// Runs a check once with this time-out.
pub async fn run_for(probe: Probe, timeout: Duration) -> Finding {
    run_on(&Machine::default(), probe, timeout).await
}

/// Runs a check once. It has to end soon after its time-out.
pub async fn run_on(machine: &Machine, probe: Probe, timeout: Duration) -> Finding {
    let runner = machine.runner(&probe);
    let limit = Limit::of(timeout, OUTPUT_MAX_DEFAULT);
    tokio::time::timeout(timeout + LONG, runner.run(limit)).await.expect("a run ends at its deadline")
}

#[track_caller]
pub fn expect(found: &Finding, status: CheckStatus, output: &str) {
    assert_eq!((found.status, &*found.output), (status, output));
}

#[track_caller]
pub fn expect_part(found: &Finding, status: CheckStatus, part: &str) {
    assert_eq!(found.status, status, "{}", found.output);
    assert!(found.output.contains(part), "{part:?} is not in {:?}", found.output);
}

pub fn redirecting() -> Machine {
    Machine { reach: Reach { redirects: true, ..Reach::default() }, ..Machine::default() }
}

/// A port on which nobody listens, and which nobody else gets: a socket is bound to it.
pub struct ClosedPort {
    socket: TcpSocket,
    pub address: SocketAddr,
}

impl ClosedPort {
    pub fn new() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap())
    }

    pub fn at(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address).unwrap();
        let address = socket.local_addr().unwrap();
        Self { socket, address }
    }

    pub fn open(self) -> TcpListener {
        self.socket.listen(64).unwrap()
    }
}

/// A server that hands every connection to a function. It ends when it is dropped.
pub struct Server {
    pub address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub fn on<F, Fut>(listener: TcpListener, serve: F) -> Self
    where
        F: Fn(TcpStream) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream));
            }
        });
        Self { address, task }
    }

    pub fn start<F, Fut>(serve: F) -> Self
    where
        F: Fn(TcpStream) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self::on(ClosedPort::new().open(), serve)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An HTTP server that gives whatever it was last told to give, and remembers what it was asked.
#[derive(Clone, Default)]
pub struct Script {
    answer: Arc<Mutex<String>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Script {
    pub fn say(&self, answer: impl Into<String>) {
        *self.answer.lock().unwrap() = answer.into();
    }

    pub fn status(&self, line: &str, body: &str) {
        self.say(format!("HTTP/1.1 {line}\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub async fn serve(self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let Some(asked) = read_request(&mut stream).await else { return };
        self.asked.lock().unwrap().push(asked);
        let answer = self.answer.lock().unwrap().clone();
        // The other side may be gone: then it has what it wanted.
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }

    pub fn start(&self) -> Server {
        let script = self.clone();
        Server::start(move |stream| script.clone().serve(stream))
    }
}

/// The head and the body of a request.
pub async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_lowercase().strip_prefix("content-length: ").and_then(|n| n.parse::<usize>().ok())
            });
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// A certificate for `localhost`, and TLS that shows it.
pub struct Certified {
    pub acceptor: TlsAcceptor,
    pub pem: Arc<[u8]>,
}

pub fn certified(protocols: &[&str]) -> Certified {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let pem = made.cert.pem().into_bytes().into();
    Certified { acceptor: TlsAcceptor::from(Arc::new(config)), pem }
}

impl Certified {
    /// What believes this certificate.
    pub fn believing(&self) -> Tls {
        Tls { server_name: Some("localhost".into()), authorities: Some(self.pem.clone()), ..Tls::default() }
    }
}
