//! Requests over kept HTTP/1.1 connections of the one pool here; `connector` makes them.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use futures_util::future::{Either, select};
use http::header::{AUTHORIZATION, HOST, HeaderValue, USER_AGENT};
use http::{HeaderMap, Response, StatusCode};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::rt::Timer;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::de::DeserializeOwned;

use crate::config::ClientConfig;
use crate::connector::Connector;
use crate::error::Error;
use crate::options::{Answer, Meta};
use crate::request::Request;

/// The largest error text that is kept. What comes after it tells nobody anything.
const ERROR_TEXT_BYTES: usize = 16 * 1024;

/// A request's body: bytes at hand, or bytes that are made while they are sent.
pub struct Body(BodyKind);

enum BodyKind {
    Full(Full<Bytes>),
    Stream(ByteSource),
}

/// Gives the next piece of a body, `None` after the last one. An error breaks the request off.
pub type ByteSource = Box<dyn FnMut() -> std::io::Result<Option<Bytes>> + Send>;

impl Body {
    /// No bytes.
    pub fn empty() -> Body {
        Body::full(Bytes::new())
    }

    /// Bytes at hand.
    pub fn full(bytes: Bytes) -> Body {
        Body(BodyKind::Full(Full::new(bytes)))
    }

    /// Bytes from a source that is asked for more as the connection takes them. The source may block shortly, as files do.
    pub fn stream(source: ByteSource) -> Body {
        Body(BodyKind::Stream(source))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut self.get_mut().0 {
            BodyKind::Full(full) => Pin::new(full).poll_frame(cx).map_err(|never| match never {}),
            BodyKind::Stream(next) => Poll::Ready(next().transpose().map(|piece| piece.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            BodyKind::Full(full) => full.is_end_stream(),
            BodyKind::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            BodyKind::Full(full) => full.size_hint(),
            BodyKind::Stream(_) => SizeHint::default(),
        }
    }
}

/// The connections to one agent.
pub struct Transport {
    config: ClientConfig,
    address: String,
    pool: hyper_util::client::legacy::Client<Connector, Body>,
    broken: Option<String>,
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Transport {
    pub(crate) fn new(config: ClientConfig) -> Transport {
        let (connector, broken) = Connector::new(&config);
        let pool = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(connector);
        Transport { address: config.address(), config, pool, broken }
    }

    /// Whether the configuration's files can be used.
    pub(crate) fn usable(&self) -> Result<(), Error> {
        self.broken.as_ref().map_or(Ok(()), |why| Err(Error::Config(why.clone())))
    }

    pub(crate) fn authority(&self) -> &str {
        self.config.authority()
    }

    /// The address for people.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Sends, and answers whatever status came back.
    pub(crate) async fn send(&self, request: Request) -> Result<Reply, Error> {
        self.usable()?;
        let path = path_of(&request.target);
        let after = self.config.request_timeout.saturating_add(request.patience);
        let request = self.assemble(request)?;
        let sent = Box::pin(self.pool.request(request));
        let response = match select(sent, TokioTimer::new().sleep(after)).await {
            Either::Left((result, _)) => result.map_err(|e| self.failure(&e))?,
            Either::Right(_) => return Err(self.timed_out(after)),
        };
        Ok(Reply { address: self.address().to_owned(), path, response })
    }

    fn assemble(&self, request: Request) -> Result<http::Request<Body>, Error> {
        let config = &self.config;
        let namespace = request.namespace.clone().or_else(|| config.namespace.clone());
        let datacenter = request.datacenter.clone().or_else(|| config.datacenter.clone());
        let partition = config.partition.clone();
        let [ns, dc] = if request.is_native { ["namespace", "datacenter"] } else { ["ns", "dc"] };
        let mut request = request.maybe(ns, namespace).maybe(dc, datacenter).maybe("partition", partition);
        let headers = std::mem::take(&mut request.headers);
        let uri = format!("http://{}{}", self.authority(), request.target);
        let mut built = http::Request::builder()
            .method(request.method)
            .uri(&uri)
            .header(HOST, self.authority())
            .header(USER_AGENT, concat!("konsul-client/", env!("CARGO_PKG_VERSION")))
            .body(request.body)
            .map_err(|e| Error::Config(format!("{uri} is not a request that can be sent: {e}")))?;
        built.headers_mut().extend(headers);
        self.credentials(built.headers_mut())?;
        Ok(built)
    }

    fn credentials(&self, headers: &mut HeaderMap) -> Result<(), Error> {
        let secret = |text: &str| {
            let mut value = HeaderValue::from_str(text).map_err(|_| {
                Error::Config("the token holds characters that no header may hold".to_owned())
            })?;
            value.set_sensitive(true);
            Ok::<_, Error>(value)
        };
        if let Some(token) = &self.config.token {
            headers.insert("x-consul-token", secret(token.reveal())?);
        }
        if let Some(pair) = &self.config.basic_auth {
            let encoded = base64::engine::general_purpose::STANDARD.encode(pair.reveal());
            headers.insert(AUTHORIZATION, secret(&format!("Basic {encoded}"))?);
        }
        Ok(())
    }

    fn failure(&self, error: &hyper_util::client::legacy::Error) -> Error {
        let address = self.address().to_owned();
        let is_connect = error.is_connect();
        let source = innermost(error);
        if is_connect { Error::Connect { address, source } } else { Error::Broken { address, source } }
    }

    fn timed_out(&self, after: Duration) -> Error {
        Error::Timeout { address: self.address().to_owned(), after }
    }

    /// Sends, and reads an answer's JSON; any status but 2xx is an error.
    pub(crate) async fn json<T: DeserializeOwned>(&self, request: Request) -> Result<Answer<T>, Error> {
        self.send(request).await?.success().await?.json().await
    }

    /// Sends, and reads nothing of the answer's body.
    pub(crate) async fn done(&self, request: Request) -> Result<(), Error> {
        self.send(request).await?.success().await?.bytes().await.map(|_| ())
    }

    /// Sends a write whose answer is `true` or `false`.
    pub(crate) async fn verdict(&self, request: Request) -> Result<bool, Error> {
        Ok(self.json(request).await?.value)
    }
}

/// The cause that says most: wrappers tell only that something went wrong.
fn innermost(error: &hyper_util::client::legacy::Error) -> Box<dyn std::error::Error + Send + Sync> {
    let mut text = error.to_string();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    text.into()
}

fn path_of(target: &str) -> String {
    target.split('?').next().unwrap_or(target).to_owned()
}

/// An answer whose body is still on its way.
pub struct Reply {
    address: String,
    path: String,
    response: Response<Incoming>,
}

impl Reply {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// How fresh the answer is, as its headers say.
    pub fn meta(&self) -> Meta {
        let headers = self.response.headers();
        let number = |name: &str| headers.get(name)?.to_str().ok()?.parse().ok();
        Meta {
            index: number("x-konsul-index").or_else(|| number("x-consul-index")).unwrap_or(0),
            known_leader: headers.get("x-consul-knownleader").is_some_and(|v| v == "true"),
            last_contact: Duration::from_millis(number("x-consul-lastcontact").unwrap_or(0)),
        }
    }

    /// A header's value, where it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// How many bytes the body has, if the server knows before it sends it.
    pub fn length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    /// How long the server asks to wait, in whole seconds.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        Some(Duration::from_secs(self.header("retry-after")?.parse().ok()?))
    }

    /// Turns any status but 2xx into an error with the body's text.
    pub(crate) async fn success(self) -> Result<Reply, Error> {
        if self.status().is_success() {
            return Ok(self);
        }
        let code = self.status().as_u16();
        let mut reply = self;
        let mut text = Vec::new();
        while text.len() < ERROR_TEXT_BYTES {
            match reply.piece().await? {
                Some(piece) => text.extend_from_slice(&piece),
                None => break,
            }
        }
        text.truncate(ERROR_TEXT_BYTES);
        Err(Error::Status { code, body: String::from_utf8_lossy(&text).into_owned() })
    }

    /// The next piece of the body; `None` after the last.
    ///
    /// # Errors
    /// [`Error::Broken`] if the connection ends before the body does.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match self.response.body_mut().frame().await {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
                Some(Err(e)) => {
                    return Err(Error::Broken { address: self.address.clone(), source: Box::new(e) });
                }
            }
        }
    }

    pub(crate) async fn bytes(mut self) -> Result<Vec<u8>, Error> {
        let mut all = Vec::new();
        while let Some(piece) = self.piece().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }

    pub(crate) async fn json<T: DeserializeOwned>(self) -> Result<Answer<T>, Error> {
        let meta = self.meta();
        let (address, path) = (self.address.clone(), self.path.clone());
        let body = self.bytes().await?;
        let value = serde_json::from_slice(&body).map_err(|e| Error::Decode {
            address,
            path,
            what: e.to_string(),
        })?;
        Ok(Answer { value, meta })
    }

    pub(crate) fn nonsense(&self, what: impl Into<String>) -> Error {
        Error::Decode { address: self.address.clone(), path: self.path.clone(), what: what.into() }
    }
}
