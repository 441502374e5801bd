//! What a handler answers, and how it becomes a response.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    LOCATION, RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};
use konsul_api::v2::problem::MEDIA_TYPE;
use konsul_operations::Operations;
use konsul_runtime::trace::RequestTag;
use konsul_types::{Index, KvRecord};
use serde::Serialize;

use super::rejection::{Rejected, Rejection};
use crate::connection::Busy;
use crate::outgoing::{Outgoing, Source, value_bytes};
use crate::settings::Settings;
use crate::v1::reply::{Dress, Reply as SharedReply, packed};

/// What a handler answers.
pub(crate) struct Reply {
    status: StatusCode,
    content: Content,
    index: Option<Index>,
    etag: Option<Index>,
    /// Headers that few answers have.
    extra: Vec<(HeaderName, HeaderValue)>,
}

/// The body.
enum Content {
    /// None.
    Empty,
    /// JSON.
    Json(Vec<u8>),
    /// A key's value as it is.
    Value(Arc<KvRecord>),
    /// Something else that is known whole.
    Typed(&'static str, Bytes),
    /// Something that is made while it is sent.
    Streamed(&'static str, Box<Source>),
}

/// Media type of lines of JSON.
pub(crate) const NDJSON: &str = "application/x-ndjson";

impl Reply {
    fn of(content: Content) -> Reply {
        Reply { status: StatusCode::OK, content, index: None, etag: None, extra: Vec::new() }
    }

    /// Nothing to say.
    pub(crate) fn nothing() -> Reply {
        Reply::of(Content::Empty).with_status(StatusCode::NO_CONTENT)
    }

    /// It is as the client knows it.
    pub(crate) fn unchanged() -> Reply {
        Reply::of(Content::Empty).with_status(StatusCode::NOT_MODIFIED)
    }

    /// A body to be written.
    pub(crate) fn json<T: Serialize + ?Sized>(body: &T) -> Reply {
        Reply::written(serde_json::to_vec(body).expect("bodies have only text as keys"))
    }

    /// A body that is written already.
    pub(crate) fn written(json: Vec<u8>) -> Reply {
        Reply::of(Content::Json(json))
    }

    /// A key's value as it is.
    pub(crate) fn value(record: Arc<KvRecord>) -> Reply {
        Reply::of(Content::Value(record))
    }

    /// Something else that is known whole.
    pub(crate) fn typed(kind: &'static str, body: impl Into<Bytes>) -> Reply {
        Reply::of(Content::Typed(kind, body.into()))
    }

    /// Something that is made while it is sent.
    pub(crate) fn streamed(kind: &'static str, source: Source) -> Reply {
        Reply::of(Content::Streamed(kind, Box::new(source)))
    }

    pub(crate) fn with_status(self, status: StatusCode) -> Reply {
        Reply { status, ..self }
    }

    pub(crate) fn with_index(self, index: Index) -> Reply {
        Reply { index: Some(index), ..self }
    }

    /// The version of what is answered.
    pub(crate) fn with_etag(self, version: Index) -> Reply {
        Reply { etag: Some(version), ..self }
    }

    pub(crate) fn with_allow(self, allow: String) -> Reply {
        self.with_text(ALLOW, allow)
    }

    pub(crate) fn with_location(self, path: String) -> Reply {
        self.with_text(LOCATION, path)
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Reply {
        self.extra.push((name, value));
        self
    }

    fn with_text(mut self, name: HeaderName, text: String) -> Reply {
        self.extra.extend(HeaderValue::try_from(text).ok().map(|value| (name, value)));
        self
    }
}

/// What an answer says of its request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named {
    pub(crate) operation: Option<&'static str>,
    pub(crate) tag: RequestTag,
}

impl Named {
    /// The answer as the service wants it. One that has no index of its own gets the state's.
    pub(crate) fn answer(self, done: Rejected<Reply>, operations: &dyn Operations) -> SharedReply {
        let mut reply = done.unwrap_or_else(|why| self.problem(*why));
        let index = reply.index.unwrap_or_else(|| operations.index());
        // Index zero would make a client spin.
        reply.index = Some(index.max(Index(1)));
        SharedReply::native(Native { reply, tag: self.tag })
    }

    fn problem(self, why: Rejection) -> Reply {
        let (index, allow) = (why.index, why.allow.clone());
        let mut problem = why.into_problem(self.operation);
        problem.request_id = self.tag.to_string();
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&problem).expect("problems have only text as keys");
        let reply = Reply { index, ..Reply::typed(MEDIA_TYPE, body).with_status(status) };
        let reply = match allow {
            Some(allow) => reply.with_allow(allow),
            None => reply,
        };
        match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                reply.with_text(RETRY_AFTER, "1".to_owned())
            }
            _ => reply,
        }
    }
}

/// An answer of this API on its way through the service.
pub(crate) struct Native {
    reply: Reply,
    tag: RequestTag,
}

impl Native {
    pub(crate) fn status(&self) -> StatusCode {
        self.reply.status
    }

    /// Makes the response.
    pub(crate) fn dress(self, settings: &Settings, dress: Dress, busy: Busy) -> Response<Outgoing> {
        let mut headers = dress.headers;
        for (name, value) in &settings.response_headers {
            headers.append(name, value.clone());
        }
        headers.insert(VARY, BOTH);
        // What is read once may change at any time, and nobody in between may say otherwise.
        headers.insert(CACHE_CONTROL, NO_CACHE);
        headers.insert(REQUEST_ID, hexadecimal(self.tag));
        if let Some(index) = self.reply.index {
            headers.insert(INDEX, HeaderValue::from(index.0));
        }
        if let Some(version) = self.reply.etag {
            headers.insert(ETAG, quoted(version));
        }
        headers.extend(self.reply.extra);
        let body = body(self.reply.content, dress.pretty, dress.gzip, &mut headers, busy);
        let mut response = Response::new(body);
        *response.status_mut() = self.reply.status;
        *response.headers_mut() = headers;
        response
    }
}

fn body(content: Content, pretty: bool, gzip: bool, headers: &mut HeaderMap, busy: Busy) -> Outgoing {
    match content {
        Content::Empty => Outgoing::Empty,
        Content::Json(json) => {
            headers.insert(CONTENT_TYPE, JSON);
            let json = if pretty { konsul_api::v1::json::indent(&json) } else { json };
            packed(json.into(), gzip, headers, busy)
        }
        Content::Value(record) => {
            headers.insert(CONTENT_TYPE, BYTES);
            headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
            headers.insert(CONTENT_SECURITY_POLICY, SANDBOX);
            packed(value_bytes(record), gzip, headers, busy)
        }
        Content::Typed(kind, bytes) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            packed(bytes, gzip, headers, busy)
        }
        Content::Streamed(kind, source) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            Outgoing::Streamed(source, busy)
        }
    }
}

fn quoted(version: Index) -> HeaderValue {
    let mut tag = Vec::with_capacity(22);
    tag.push(b'"');
    konsul_api::v1::json::write_u64(&mut tag, version.0);
    tag.push(b'"');
    HeaderValue::from_bytes(&tag).expect("digits and quotes are a header")
}

fn hexadecimal(tag: RequestTag) -> HeaderValue {
    HeaderValue::from_bytes(&tag.digits()).expect("hexadecimal digits are a header")
}

const INDEX: HeaderName = HeaderName::from_static("x-konsul-index");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const BOTH: HeaderValue = HeaderValue::from_static("Accept, Accept-Encoding");
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const SANDBOX: HeaderValue = HeaderValue::from_static("sandbox");
