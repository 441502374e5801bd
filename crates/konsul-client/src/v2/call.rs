//! One call in the making, kept in a form that can be sent again.

use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use hyper::rt::Timer as _;
use hyper_util::rt::TokioTimer;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

use super::problem::of_answer;
use super::retry::{Retry, idempotency_key};
use crate::error::Error;
use crate::options::Consistency;
use crate::request::Request;
use crate::transport::{Body, Reply, Transport};

/// The header that makes a write repeatable.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The largest error document that is read.
const PROBLEM_BYTES: usize = 1 << 20;

/// On which version of a record a write happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Condition {
    /// On any.
    #[default]
    None,
    /// Only if its modify index is this (`If-Match`).
    ModifyIndex(u64),
    /// Only if it does not exist (`If-None-Match: *`).
    Absent,
}

/// A call in the making.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
    patience: Duration,
    namespace: Option<String>,
    repeatable: bool,
}

impl Call {
    fn new(method: Method, path: &str) -> Call {
        Call {
            repeatable: method == Method::GET,
            method,
            path: path.to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Bytes::new(),
            patience: Duration::ZERO,
            namespace: None,
        }
    }

    pub(crate) fn get(path: &str) -> Call {
        Call::new(Method::GET, path)
    }

    /// A write. It carries a key of its own, so that sending it again has no second effect.
    pub(crate) fn write(method: Method, path: &str) -> Call {
        let key =
            HeaderValue::from_str(&idempotency_key()).expect("hexadecimal digits and dashes are a header");
        let mut call = Call::new(method, path).header(IDEMPOTENCY_KEY, key);
        call.repeatable = true;
        call
    }

    /// Adds a key to the path, whose slashes stay.
    pub(crate) fn key(mut self, key: &str) -> Call {
        crate::encode::push_path(&mut self.path, key);
        self
    }

    /// Adds a segment to the path.
    pub(crate) fn word(mut self, word: &str) -> Call {
        crate::encode::push_word(&mut self.path, word);
        self
    }

    /// Adds fixed text to the path.
    pub(crate) fn then(mut self, path: &str) -> Call {
        self.path.push_str(path);
        self
    }

    pub(crate) fn param(mut self, name: &'static str, value: impl Into<String>) -> Call {
        self.query.push((name, value.into()));
        self
    }

    pub(crate) fn maybe(self, name: &'static str, value: Option<impl Into<String>>) -> Call {
        match value {
            Some(value) => self.param(name, value),
            None => self,
        }
    }

    /// Adds `name=true` where it is.
    pub(crate) fn flag(self, name: &'static str, on: bool) -> Call {
        if on { self.param(name, "true") } else { self }
    }

    pub(crate) fn consistency(self, consistency: Option<Consistency>) -> Call {
        let word = consistency.map(|consistency| match consistency {
            Consistency::Default => "default",
            Consistency::Consistent => "consistent",
            Consistency::Stale => "stale",
        });
        self.maybe("consistency", word)
    }

    pub(crate) fn namespace(mut self, namespace: Option<&str>) -> Call {
        self.namespace = namespace.map(str::to_owned);
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Call {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn accept(self, media_type: &'static str) -> Call {
        self.header(ACCEPT, HeaderValue::from_static(media_type))
    }

    pub(crate) fn condition(self, condition: Condition) -> Call {
        match condition {
            Condition::None => self,
            Condition::Absent => self.header(IF_NONE_MATCH, HeaderValue::from_static("*")),
            Condition::ModifyIndex(index) => {
                let tag = HeaderValue::from_str(&format!("\"{index}\"")).expect("digits are a header");
                self.header(IF_MATCH, tag)
            }
        }
    }

    /// Lets the server take longer by this: it waits itself.
    pub(crate) fn patient(mut self, patience: Duration) -> Call {
        self.patience = patience;
        self
    }

    pub(crate) fn bytes(self, media_type: &'static str, body: impl Into<Bytes>) -> Call {
        let mut call = self.header(CONTENT_TYPE, HeaderValue::from_static(media_type));
        call.body = body.into();
        call
    }

    pub(crate) fn json(self, body: &impl Serialize) -> Result<Call, Error> {
        let body = serde_json::to_vec(body).map_err(|e| Error::Config(e.to_string()))?;
        Ok(self.bytes("application/json", body))
    }

    fn request(&self, body: Body) -> Request {
        let mut request =
            Request::new(self.method.clone(), &self.path).native(self.patience, &self.namespace);
        for (name, value) in &self.query {
            request = request.param(name, value);
        }
        request.headers.clone_from(&self.headers);
        request.stream(body)
    }

    /// Sends it, again where that is right, and answers what came back with a status of success.
    pub(crate) async fn send(&self, transport: &Transport, retry: &Retry) -> Result<Reply, Error> {
        let retry = if self.repeatable { retry } else { &Retry::NEVER };
        let mut attempt = 1;
        loop {
            match self.once(transport, Body::full(self.body.clone())).await {
                Ok(reply) => return Ok(reply),
                Err(error) => match retry.wait(attempt, &error) {
                    Some(wait) => TokioTimer::new().sleep(wait).await,
                    None => return Err(error),
                },
            }
            attempt += 1;
        }
    }

    /// Sends it once with a body that cannot be made twice.
    pub(crate) async fn stream(&self, transport: &Transport, body: Body) -> Result<Reply, Error> {
        self.once(transport, body).await
    }

    async fn once(&self, transport: &Transport, body: Body) -> Result<Reply, Error> {
        let reply = transport.send(self.request(body)).await?;
        if reply.status().is_success() { Ok(reply) } else { Err(refusal(reply).await) }
    }

    /// Sends it and reads the answer's JSON.
    pub(crate) async fn answer<T: DeserializeOwned>(
        &self,
        transport: &Transport,
        retry: &Retry,
    ) -> Result<T, Error> {
        Ok(self.send(transport, retry).await?.json().await?.value)
    }

    /// Sends it and reads the answer's JSON; `None` where the server says that it does not exist.
    pub(crate) async fn found<T: DeserializeOwned>(
        &self,
        transport: &Transport,
        retry: &Retry,
    ) -> Result<Option<T>, Error> {
        match self.answer(transport, retry).await {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends it where the answer has no body. One that has is somebody else's.
    pub(crate) async fn done(&self, transport: &Transport, retry: &Retry) -> Result<(), Error> {
        let mut reply = self.send(transport, retry).await?;
        while let Some(piece) = reply.piece().await? {
            if !piece.is_empty() {
                return Err(reply.nonsense("bytes where there should be none"));
            }
        }
        Ok(())
    }
}

async fn refusal(mut reply: Reply) -> Error {
    let status = reply.status();
    let retry_after = reply.retry_after();
    let mut text = Vec::new();
    while text.len() < PROBLEM_BYTES {
        match reply.piece().await {
            Ok(Some(piece)) => text.extend_from_slice(&piece),
            Ok(None) => break,
            // The status is known, and says more than that its text was cut.
            Err(_) => break,
        }
    }
    of_answer(status.as_u16(), retry_after, &text)
}
