//! A collector gets one trace of a write, from HTTP to the log, over both protocols.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use konsul_agent::{Agent, Logs, Running, StopReason};
use konsul_config::{Config, LogLevel, MemoryFiles};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

const PATIENCE: Duration = Duration::from_secs(30);

const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Batches as they came, and the headers that came with them.
type Batches = mpsc::Receiver<(String, ExportTraceServiceRequest)>;

/// A collector that takes OTLP over HTTP: one request for each connection is enough.
async fn collector() -> (SocketAddr, Batches) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (batches, received) = mpsc::channel(64);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(take(stream, batches.clone()));
        }
    });
    (address, received)
}

async fn take(mut stream: TcpStream, batches: mpsc::Sender<(String, ExportTraceServiceRequest)>) {
    let mut bytes = Vec::new();
    loop {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let length: usize = length.trim().parse().unwrap();
            if bytes.len() >= end + 4 + length {
                let body = &bytes[end + 4..end + 4 + length];
                let batch = ExportTraceServiceRequest::decode(body).unwrap();
                batches.send((head, batch)).await.unwrap();
                bytes.drain(..end + 4 + length);
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
                continue;
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    }
}

struct Grpc(mpsc::Sender<(String, ExportTraceServiceRequest)>);

#[tonic::async_trait]
impl TraceService for Grpc {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let head = format!("{:?}", request.metadata());
        self.0.send((head, request.into_inner())).await.unwrap();
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

async fn grpc_collector() -> (SocketAddr, Batches) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (batches, received) = mpsc::channel(64);
    let incoming = futures_util::stream::unfold(listener, |listener| async move {
        let accepted = listener.accept().await.map(|(stream, _)| stream);
        Some((accepted, listener))
    });
    let service = TraceServiceServer::new(Grpc(batches));
    tokio::spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
    (address, received)
}

async fn agent(collector: SocketAddr, more: &[&str]) -> Running {
    let endpoint = format!("-telemetry-otlp-endpoint=http://{collector}");
    let words = ["-dev", "-http-port=0", "-dns-port=-1", endpoint.as_str()];
    let words: Vec<String> = words.iter().chain(more).map(|word| (*word).to_owned()).collect();
    let none: [(&str, &str); 0] = [];
    let config = Config::load(&words, &[], &MemoryFiles::new(none)).unwrap().config;
    let logs = Logs::new(Box::new(std::io::sink()), LogLevel::Error, false);
    Agent { logs, reread: None }.start(config).await.unwrap()
}

async fn ask(address: SocketAddr, request: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let text =
        format!("{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n{headers}\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Every span that comes until there are so many.
async fn spans(batches: &mut Batches, wanted: usize) -> Vec<Span> {
    let mut all = Vec::new();
    while all.len() < wanted {
        let next = tokio::time::timeout(PATIENCE, batches.recv()).await;
        let (_, batch) = next.expect("the spans come in time").expect("the collector lives");
        let scopes = batch.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        all.extend(scopes.flat_map(|scope| scope.spans));
    }
    all
}

/// The path of names from a span to the first one of its trace.
fn path<'a>(span: &'a Span, by_id: &BTreeMap<&'a [u8], &'a Span>) -> Vec<&'a str> {
    let parent = by_id.get(&span.parent_span_id[..]);
    let mut path = parent.map(|parent| path_of(parent, by_id)).unwrap_or_default();
    path.push(&span.name);
    path
}

fn path_of<'a>(span: &'a Span, by_id: &BTreeMap<&'a [u8], &'a Span>) -> Vec<&'a str> {
    path(span, by_id)
}

fn check_one_write(spans: &[Span]) {
    let by_id: BTreeMap<&[u8], &Span> = spans.iter().map(|span| (&span.span_id[..], span)).collect();
    let mut paths: Vec<_> = spans.iter().map(|span| path(span, &by_id).join(" > ")).collect();
    paths.sort();
    let entry = "kv_put > operation kv_put > propose";
    let expect = [
        "kv_put".to_owned(),
        "kv_put > operation kv_put".to_owned(),
        entry.to_owned(),
        format!("{entry} > apply"),
        format!("{entry} > log append"),
        format!("{entry} > log sync"),
    ];
    assert_eq!(paths, expect);
    let first = spans.iter().find(|span| span.name == "kv_put").unwrap();
    assert!(spans.iter().all(|span| span.trace_id == first.trace_id), "one trace");
    for span in spans {
        assert!(span.start_time_unix_nano >= first.start_time_unix_nano, "{} begins in it", span.name);
        assert!(span.end_time_unix_nano <= first.end_time_unix_nano, "{} ends in it", span.name);
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano, "{}", span.name);
        let texts = format!("{:?}", span.attributes);
        assert!(!texts.contains("secret"), "no key, value or token leaves: {texts}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_is_one_trace_from_http_to_the_log() {
    let (collector, mut batches) = collector().await;
    let running = agent(collector, &["-telemetry-sample-ratio=0", "-telemetry-otlp-headers=x-key:k"]).await;
    let address = running.http_addresses()[0];
    // A caller that records decides for its request, also where nothing else is recorded.
    let headers = format!("traceparent: {CALLER}\r\nX-Consul-Token: secret-token\r\n");
    let answer = ask(address, "PUT /v1/kv/secret-key", &headers).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        answer.to_lowercase().contains("traceresponse: 00-4bf92f3577b34da6a3ce929d0e0e4736-"),
        "{answer}"
    );
    let quiet = ask(address, "PUT /v1/kv/quiet", "").await;
    assert!(!quiet.to_lowercase().contains("traceresponse"), "{quiet}");
    let spans = spans(&mut batches, 6).await;
    check_one_write(&spans);
    let first = spans.iter().find(|span| span.name == "kv_put").unwrap();
    assert_eq!(first.parent_span_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes());
    assert_eq!(first.trace_id[..2], [0x4b, 0xf9]);
    assert_eq!(running.stop(StopReason::Asked).await, 0);
    assert!(batches.try_recv().is_err(), "what was not to be recorded was not");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpc_gets_the_same_and_a_stop_sends_the_rest() {
    let (collector, mut batches) = grpc_collector().await;
    let more = ["-telemetry-sample-ratio=1", "-telemetry-otlp-protocol=grpc", "-telemetry-service-name=kv"];
    let running = agent(collector, &more).await;
    let answer = ask(running.http_addresses()[0], "PUT /v1/kv/secret-key", "").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // At once, before a batch is due by itself.
    assert_eq!(running.stop(StopReason::Asked).await, 0);
    check_one_write(&spans(&mut batches, 6).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_shared_a_sync_have_whole_traces_of_their_own() {
    let (collector, mut batches) = collector().await;
    let running = agent(collector, &["-telemetry-sample-ratio=1"]).await;
    let address = running.http_addresses()[0];
    let writes = (0..32).map(|number| async move {
        let answer = ask(address, &format!("PUT /v1/kv/{number}"), "").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    });
    futures_util::future::join_all(writes).await;
    let spans = spans(&mut batches, 32 * 6).await;
    let mut traces: BTreeMap<Vec<u8>, Vec<Span>> = BTreeMap::new();
    for span in spans {
        traces.entry(span.trace_id.clone()).or_default().push(span);
    }
    assert_eq!(traces.len(), 32);
    traces.values().for_each(|spans| check_one_write(spans));
    running.stop(StopReason::Asked).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_not_there_costs_a_line_and_no_request() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let running = agent(nobody, &["-telemetry-sample-ratio=1", "-telemetry-otlp-timeout=200ms"]).await;
    let address = running.http_addresses()[0];
    assert!(ask(address, "PUT /v1/kv/a", "").await.starts_with("HTTP/1.1 200"));
    let told = async {
        loop {
            let health = running.health();
            let line = health.lines.iter().find(|line| line.name == "traces").unwrap();
            if !line.reason.is_empty() {
                return (health.ready, line.reason.clone());
            }
            tokio::task::yield_now().await;
        }
    };
    let (ready, reason) = tokio::time::timeout(PATIENCE, told).await.expect("it is told");
    assert!(ready && reason.contains("requests are not affected"), "{reason}");
    running.stop(StopReason::Asked).await;
}
