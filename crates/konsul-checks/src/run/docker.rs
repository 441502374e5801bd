//! Docker checks: a program in a container, through the HTTP API of the engine: make an exec, start it, inspect how it
//! ended. Source: the reference of the Docker Engine API, "Exec".
//!
//! The engine has no way to end an exec. A run that times out is told so, and its program goes on in the container, as
//! in Consul.

use std::io;

use bytes::{Buf as _, Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use konsul_runtime::time::timeout_at;
use konsul_types::GoDuration;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::beside::beside;
use super::errors::system;
use super::script::{command_line, status_of};
use super::{Limit, Run, RunFuture};
use crate::decide::{Finding, Tail, lossy};
use crate::definition::{DockerCheck, Engine};

/// Most bytes of an answer in JSON that are read.
const ANSWER_MAX: usize = 64 << 10;

/// Most bytes of a program's output that are read; it is cut after that, and only its last bytes are kept anyway.
const OUTPUT_READ_MAX: u64 = 16 << 20;

pub(crate) struct DockerRunner {
    container: String,
    arguments: Vec<String>,
    engine: Engine,
}

#[derive(Deserialize)]
struct Made {
    #[serde(rename = "Id")]
    id: String,
}

#[derive(Deserialize)]
struct Inspected {
    #[serde(rename = "ExitCode")]
    exit_code: Option<i64>,
    #[serde(rename = "Running", default)]
    running: bool,
}

impl DockerRunner {
    pub(crate) fn new(check: &DockerCheck, engine: &Engine) -> Self {
        Self {
            container: check.container.clone(),
            arguments: command_line(check.shell.as_deref(), &check.arguments),
            engine: engine.clone(),
        }
    }

    async fn execute(&self, limit: Limit) -> Result<Finding, String> {
        let exec = self.make().await?;
        let output = self.start(&exec, limit).await?;
        let code = self.inspect(&exec).await?;
        Ok(Finding { status: status_of(code), output: output.captured().into() })
    }

    async fn make(&self) -> Result<String, String> {
        let container = &self.container;
        let body = serde_json::json!({
            "AttachStdin": false, "AttachStdout": true, "AttachStderr": true, "Tty": false, "Cmd": self.arguments,
        });
        let path = format!("/containers/{}/exec", escaped(container));
        let failed = |why: String| format!("create exec failed for container {container}: {why}");
        let answer = self.ask(Method::POST, &path, Some(&body), Plain).await.map_err(failed)?;
        match answer.0 {
            StatusCode::CREATED => {
                serde_json::from_slice(&answer.1).map(|made: Made| made.id).map_err(|why| {
                    format!("create exec response for container {container} cannot be parsed: {why}")
                })
            }
            StatusCode::NOT_FOUND => Err(format!("create exec failed for unknown container {container}")),
            StatusCode::CONFLICT => {
                Err(format!("create exec failed since container {container} is paused or stopped"))
            }
            status => Err(failed_with("create", container, status, &answer.1)),
        }
    }

    async fn start(&self, exec: &str, limit: Limit) -> Result<Tail, String> {
        let container = &self.container;
        let body = serde_json::json!({ "Detach": false, "Tty": false });
        let path = format!("/exec/{}/start", escaped(exec));
        let failed = |why: String| format!("start exec failed for container {container}: {why}");
        let take = Output(Tail::new(limit.output_max));
        let (status, answer) = self.ask(Method::POST, &path, Some(&body), take).await.map_err(failed)?;
        match (status, answer) {
            (StatusCode::OK, Started::Output(tail)) => Ok(tail),
            (StatusCode::NOT_FOUND, _) => {
                Err(format!("start exec failed for container {container}: invalid exec id {exec}"))
            }
            (StatusCode::CONFLICT, _) => {
                Err(format!("start exec failed since container {container} is paused or stopped"))
            }
            (status, Started::Refusal(text)) => Err(failed_with("start", container, status, &text)),
            (status, Started::Output(_)) => Err(failed_with("start", container, status, b"")),
        }
    }

    async fn inspect(&self, exec: &str) -> Result<Option<i64>, String> {
        let container = &self.container;
        let path = format!("/exec/{}/json", escaped(exec));
        let failed = |why: String| format!("inspect exec failed for container {container}: {why}");
        let (status, answer) = self.ask(Method::GET, &path, None, Plain).await.map_err(failed)?;
        match status {
            StatusCode::OK => {
                let inspected: Inspected = serde_json::from_slice(&answer).map_err(|why| {
                    format!("inspect exec response for container {container} cannot be parsed: {why}")
                })?;
                if inspected.running {
                    return Err(format!(
                        "exec {exec} of container {container} closed its output and runs on"
                    ));
                }
                Ok(inspected.exit_code)
            }
            StatusCode::NOT_FOUND => {
                Err(format!("inspect exec failed for container {container}: invalid exec id {exec}"))
            }
            status => Err(failed_with("inspect", container, status, &answer)),
        }
    }

    async fn ask<T: Take>(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
        take: T,
    ) -> Result<(StatusCode, T::Taken), String> {
        let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        let request = Request::builder().method(method).uri(path).header(HOST, "docker");
        let request = request.header(CONTENT_TYPE, "application/json").body(Full::new(body));
        let request = request.map_err(|why| why.to_string())?;
        let unreachable = |why: io::Error| format!("the engine cannot be reached: {}", system(&why));
        match &self.engine {
            Engine::Unix(path) => {
                exchange(UnixStream::connect(path).await.map_err(unreachable)?, request, take).await
            }
            Engine::Tcp(address) => {
                exchange(TcpStream::connect(address).await.map_err(unreachable)?, request, take).await
            }
        }
    }
}

impl Run for DockerRunner {
    fn run(&self, limit: Limit) -> RunFuture<'_> {
        Box::pin(async move {
            match timeout_at(limit.until, self.execute(limit)).await {
                Ok(Ok(finding)) => finding,
                Ok(Err(why)) => Finding::critical(why),
                Err(_) => {
                    let nanos = i64::try_from(limit.timeout.as_nanos()).unwrap_or(i64::MAX);
                    Finding::critical(format!("Timed out ({}) running check", GoDuration(nanos)))
                }
            }
        })
    }
}

fn failed_with(what: &str, container: &str, status: StatusCode, text: &[u8]) -> String {
    let text = lossy(text, 1024);
    format!(
        "{what} exec failed for container {container} with status {}: {}",
        status.as_u16(),
        text.trim_end()
    )
}

/// A name as one segment of a path.
fn escaped(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    name.bytes()
        .map(|byte| if plain(byte) { char::from(byte).into() } else { format!("%{byte:02X}") })
        .collect()
}

async fn exchange<S, T: Take>(
    stream: S,
    request: Request<Full<Bytes>>,
    take: T,
) -> Result<(StatusCode, T::Taken), String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let told = |why: hyper::Error| why.to_string();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(told)?;
    let work = async {
        let answer = sender.send_request(request).await.map_err(told)?;
        let status = answer.status();
        Ok((status, take.take(answer).await.map_err(told)?))
    };
    Box::pin(beside(connection, work)).await
}

/// How the body of an answer is read.
trait Take {
    type Taken;
    async fn take(self, answer: Response<Incoming>) -> Result<Self::Taken, hyper::Error>;
}

/// As it is, up to [`ANSWER_MAX`].
struct Plain;

impl Take for Plain {
    type Taken = Bytes;

    async fn take(self, answer: Response<Incoming>) -> Result<Bytes, hyper::Error> {
        let (mut body, mut bytes) = (answer.into_body(), BytesMut::new());
        while bytes.len() < ANSWER_MAX
            && let Some(frame) = body.frame().await
        {
            if let Some(data) = frame?.data_ref() {
                bytes.extend_from_slice(data);
            }
        }
        Ok(bytes.freeze())
    }
}

/// As the output of a program.
struct Output(Tail);

enum Started {
    Output(Tail),
    Refusal(Bytes),
}

impl Take for Output {
    type Taken = Started;

    async fn take(self, answer: Response<Incoming>) -> Result<Started, hyper::Error> {
        if answer.status() != StatusCode::OK {
            return Ok(Started::Refusal(Plain.take(answer).await?));
        }
        let mut frames = Frames { tail: self.0, pending: BytesMut::new(), left: 0 };
        let mut body = answer.into_body();
        while frames.tail.total() < OUTPUT_READ_MAX
            && let Some(frame) = body.frame().await
        {
            if let Some(data) = frame?.data_ref() {
                frames.push(data);
            }
        }
        Ok(Started::Output(frames.tail))
    }
}

/// Without a terminal the engine puts both outputs into one stream, in frames: a byte for which one, three of nothing, four
/// for the length.
struct Frames {
    tail: Tail,
    /// The beginning of a header.
    pending: BytesMut,
    /// What is left of the present frame.
    left: usize,
}

const HEADER: usize = 8;

impl Frames {
    fn push(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            let took = if self.left > 0 { self.payload(data) } else { self.header(data) };
            data = &data[took..];
        }
    }

    fn payload(&mut self, data: &[u8]) -> usize {
        let took = data.len().min(self.left);
        self.tail.push(&data[..took]);
        self.left -= took;
        took
    }

    fn header(&mut self, data: &[u8]) -> usize {
        let took = data.len().min(HEADER - self.pending.len());
        self.pending.extend_from_slice(&data[..took]);
        if self.pending.len() == HEADER {
            self.pending.advance(4);
            self.left = usize::try_from(self.pending.get_u32()).unwrap_or(usize::MAX);
        }
        took
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_taken_apart_wherever_the_stream_is_cut() {
        let stream = b"\x01\0\0\0\0\0\0\x03abc\x02\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\x02de";
        for piece in 1..stream.len() {
            let mut frames = Frames { tail: Tail::new(100), pending: BytesMut::new(), left: 0 };
            stream.chunks(piece).for_each(|data| frames.push(data));
            assert_eq!(frames.tail.captured(), "abcde", "in pieces of {piece}");
        }
    }

    #[test]
    fn a_name_cannot_leave_its_segment() {
        assert_eq!(escaped("a/../b?c"), "a%2F..%2Fb%3Fc");
    }
}
