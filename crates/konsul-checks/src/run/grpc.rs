//! gRPC checks: `grpc.health.v1.Health/Check`, over a connection of HTTP/2 that is made for it.
//!
//! One call with a message of a single field each way needs no client of gRPC: h2 is the framing that it would bring, and
//! what is left is a prefix of five bytes and the status in the trailers. Source: the gRPC documents "gRPC over HTTP2"
//! and "GRPC Health Checking Protocol".

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use h2::RecvStream;
use http::{HeaderMap, Request, StatusCode};
use konsul_runtime::time::timeout_at;
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite};

use super::address::Reach;
use super::beside::beside;
use super::dial::{self, DialError, Target};
use super::errors::DEADLINE;
use super::tls::Secure;
use super::{Limit, Run, RunFuture};
use crate::decide::{Finding, head};
use crate::definition::GrpcCheck;

/// The answer to a health check has some bytes; a peer that sends more is cut.
const MESSAGE_MAX: usize = 64 << 10;

const SERVING: i32 = 1;

/// `grpc.health.v1.HealthCheckRequest`.
#[derive(Clone, PartialEq, Message)]
struct HealthCheckRequest {
    #[prost(string, tag = "1")]
    service: String,
}

/// `grpc.health.v1.HealthCheckResponse`.
#[derive(Clone, PartialEq, Message)]
struct HealthCheckResponse {
    #[prost(int32, tag = "1")]
    status: i32,
}

pub(crate) struct GrpcRunner {
    shown: String,
    authority: String,
    service: String,
    target: Target,
    secure: Option<Secure>,
    reach: Reach,
}

impl GrpcRunner {
    pub(crate) fn new(check: &GrpcCheck, reach: Reach) -> Result<Self, String> {
        let (address, service) = check.target.split_once('/').unwrap_or((&check.target, ""));
        let target = Target::parse(address).map_err(|why| undialled(&DialError::unresolved("tcp", why)))?;
        Ok(Self {
            shown: check.target.clone(),
            authority: address.to_owned(),
            service: service.to_owned(),
            target,
            secure: check.tls.as_ref().map(|tls| Secure::new(tls, b"h2")).transpose()?,
            reach,
        })
    }

    async fn ask(&self, limit: Limit) -> Result<(), String> {
        let stream = dial::tcp(&self.target, self.reach, limit.until).await.map_err(|why| undialled(&why))?;
        let Some(secure) = &self.secure else { return self.call(stream, "http").await };
        let stream = secure.wrap(stream, &self.target.host, limit.until).await;
        let shaken =
            |why: String| unavailable(&format!("\"transport: authentication handshake failed: {why}\""));
        self.call(stream.map_err(shaken)?, "https").await
    }

    async fn call<S>(&self, stream: S, scheme: &str) -> Result<(), String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let broken = |why: h2::Error| unavailable(&format!("\"error reading server preface: {why}\""));
        let (sender, connection) = h2::client::handshake(stream).await.map_err(broken)?;
        let work = async {
            let mut sender = sender.ready().await.map_err(broken)?;
            let request = self.request(scheme)?;
            let (answer, mut body) = sender.send_request(request, false).map_err(broken)?;
            let question = HealthCheckRequest { service: self.service.clone() };
            body.send_data(framed(&question), true).map_err(broken)?;
            let answer = answer.await.map_err(broken)?;
            let (parts, body) = answer.into_parts();
            judge(parts.status, &parts.headers, body).await
        };
        Box::pin(beside(connection, work)).await
    }

    fn request(&self, scheme: &str) -> Result<Request<()>, String> {
        Request::post(format!("{scheme}://{}/grpc.health.v1.Health/Check", self.authority))
            .header("te", "trailers")
            .header("content-type", "application/grpc")
            .header("user-agent", "Consul Health Check")
            .body(())
            .map_err(|why| status(Code::Internal, &why.to_string()))
    }
}

impl Run for GrpcRunner {
    fn run(&self, limit: Limit) -> RunFuture<'_> {
        Box::pin(async move {
            let asked = timeout_at(limit.until, self.ask(limit)).await;
            match asked.unwrap_or_else(|_| Err(status(Code::DeadlineExceeded, DEADLINE))) {
                Ok(()) => Finding::passing(format!("gRPC check {}: success", self.shown)),
                Err(why) => Finding::critical(head(&why, limit.output_max)),
            }
        })
    }
}

fn framed(message: &HealthCheckRequest) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(message.encoded_len()).unwrap_or(u32::MAX));
    bytes.put_slice(&message.encode_to_vec());
    bytes.freeze()
}

async fn judge(http: StatusCode, headers: &HeaderMap, mut body: RecvStream) -> Result<(), String> {
    if headers.contains_key("grpc-status") {
        trailing(headers)?;
    }
    if http != StatusCode::OK {
        let text = format!("unexpected HTTP status code received from server: {http}");
        return Err(status(Code::Unavailable, &text));
    }
    let cut = |why: h2::Error| status(Code::Unavailable, &why.to_string());
    let mut message = BytesMut::new();
    while let Some(data) = body.data().await {
        let data = data.map_err(cut)?;
        // The window is given back, or a longer answer would never end.
        body.flow_control().release_capacity(data.len()).map_err(cut)?;
        message.extend_from_slice(&data);
        if message.len() > MESSAGE_MAX {
            return Err(status(Code::ResourceExhausted, "grpc: received message larger than max"));
        }
    }
    if let Some(trailers) = body.trailers().await.map_err(cut)? {
        trailing(&trailers)?;
    }
    serving(message.freeze())
}

/// The status that ends a call.
fn trailing(headers: &HeaderMap) -> Result<(), String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let code = text("grpc-status").parse().ok().and_then(|code: usize| CODES.get(code));
    match code {
        Some(&"OK") => Ok(()),
        code => Err(worded(code.unwrap_or(&"Unknown"), &percent_decoded(text("grpc-message")))),
    }
}

fn serving(mut message: Bytes) -> Result<(), String> {
    if message.remaining() < 5 {
        return Err(status(Code::Internal, "the answer holds no message"));
    }
    message.advance(5);
    let answer = HealthCheckResponse::decode(message);
    let answer =
        answer.map_err(|why| status(Code::Internal, &format!("grpc: failed to unmarshal: {why}")))?;
    if answer.status == SERVING {
        Ok(())
    } else {
        Err("gRPC application didn't report service healthy".to_owned())
    }
}

fn percent_decoded(text: &str) -> String {
    String::from_utf8_lossy(&super::url::percent_decoded(text)).into_owned()
}

/// The names of the codes, by number.
const CODES: [&str; 17] = [
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
];

/// Those that are told from this side.
#[derive(Clone, Copy)]
enum Code {
    DeadlineExceeded = 4,
    ResourceExhausted = 8,
    Internal = 13,
    Unavailable = 14,
}

fn status(code: Code, text: &str) -> String {
    worded(CODES[code as usize], text)
}

fn worded(code: &str, text: &str) -> String {
    format!("rpc error: code = {code} desc = {text}")
}

fn unavailable(why: &str) -> String {
    status(Code::Unavailable, &format!("connection error: desc = {why}"))
}

fn undialled(why: &DialError) -> String {
    unavailable(&format!("\"transport: Error while dialing: {why}\""))
}
