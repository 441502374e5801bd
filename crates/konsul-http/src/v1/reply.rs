//! What a handler answers, and how it becomes a response.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ALLOW, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};
use konsul_api::v1::json;
use konsul_operations::Meta;
use konsul_types::KvRecord;
use serde::Serialize;

use crate::connection::Busy;
use crate::encoding::{GZIP_MIN, Gzip};
use crate::host::BadHead;
use crate::outgoing::{Outgoing, Source, value_bytes};
use crate::settings::Settings;
use crate::v2::reply::Native;

use super::kept::KeptBody;

/// What a handler answers.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content: Content,
    pub(crate) fresh: Fresh,
    /// Set where a route stands for more than one operation.
    pub(crate) operation: Option<&'static str>,
    /// Headers of this answer alone.
    headers: Option<Box<HeaderMap>>,
}

/// The body.
pub(crate) enum Content {
    /// None.
    Empty,
    /// JSON in one line.
    Json(Vec<u8>),
    /// JSON in one line that may serve again.
    Kept(Arc<KeptBody>),
    /// Text.
    Plain(Cow<'static, str>),
    /// A key's value as it is.
    Value(Arc<KvRecord>),
    /// Something else that is known whole.
    Typed(Box<(&'static str, Bytes)>),
    /// Something that is made while it is sent.
    Streamed(&'static str, Box<Source>),
    /// A refusal of the head itself.
    BadHead(BadHead),
    /// A whole answer of the other API, which has headers of its own.
    Native(Box<Native>),
}

/// Which of Consul's headers about freshness an answer carries.
#[derive(Clone, Copy)]
pub(crate) enum Fresh {
    /// None.
    No,
    /// All but the consistency.
    Read(Meta),
    /// All.
    ReadWithConsistency(Meta),
    /// Leader and contact: transactions that only read.
    Contact(Meta),
    /// The index alone: lists of events.
    Index(u64),
}

/// What the request says of how its answer should look.
pub(crate) struct Dress {
    pub(crate) pretty: bool,
    pub(crate) gzip: bool,
    /// An empty map, with room where it could be had.
    pub(crate) headers: HeaderMap,
}

impl Reply {
    fn of(status: StatusCode, content: Content) -> Reply {
        Reply { status, content, fresh: Fresh::No, operation: None, headers: None }
    }

    /// A head that is refused.
    pub(crate) fn bad_head(why: BadHead) -> Reply {
        Reply::of(StatusCode::BAD_REQUEST, Content::BadHead(why))
    }

    /// A status with a text.
    pub(crate) fn plain(status: StatusCode, text: impl Into<Cow<'static, str>>) -> Reply {
        Reply::of(status, Content::Plain(text.into()))
    }

    /// A status alone.
    pub(crate) fn empty(status: StatusCode) -> Reply {
        Reply::of(status, Content::Empty)
    }

    /// A wrong request, as the edge itself finds it.
    pub(crate) fn bad(text: impl Into<Cow<'static, str>>) -> Reply {
        Reply::plain(StatusCode::BAD_REQUEST, text)
    }

    /// A body that is written already.
    pub(crate) fn written(json: Vec<u8>) -> Reply {
        Reply::of(StatusCode::OK, Content::Json(json))
    }

    /// A body that may serve again.
    pub(crate) fn kept(body: Arc<KeptBody>) -> Reply {
        Reply::of(StatusCode::OK, Content::Kept(body))
    }

    /// A body to be written.
    pub(crate) fn json<T: Serialize + ?Sized>(body: &T) -> Reply {
        Reply::written(json::to_vec(body).expect("bodies have only text as keys"))
    }

    /// `true` or `false`.
    pub(crate) fn truth(truth: bool) -> Reply {
        Reply::written(if truth { b"true".to_vec() } else { b"false".to_vec() })
    }

    /// Something else that is known whole.
    pub(crate) fn typed(kind: &'static str, body: impl Into<Bytes>) -> Reply {
        Reply::of(StatusCode::OK, Content::Typed(Box::new((kind, body.into()))))
    }

    /// Something that is made while it is sent.
    pub(crate) fn streamed(kind: &'static str, source: Source) -> Reply {
        Reply::of(StatusCode::OK, Content::Streamed(kind, Box::new(source)))
    }

    /// A key's value as it is.
    pub(crate) fn value(record: Arc<KvRecord>) -> Reply {
        Reply::of(StatusCode::OK, Content::Value(record))
    }

    /// An answer of the other API.
    pub(crate) fn native(native: Native) -> Reply {
        Reply::of(native.status(), Content::Native(Box::new(native)))
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Reply {
        self.status = status;
        self
    }

    pub(crate) fn with_fresh(mut self, fresh: Fresh) -> Reply {
        self.fresh = fresh;
        self
    }

    pub(crate) fn with_operation(mut self, operation: &'static str) -> Reply {
        self.operation = Some(operation);
        self
    }

    /// Adds a header; a value that cannot be one is left out.
    pub(crate) fn with_header(mut self, name: HeaderName, value: &str) -> Reply {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.get_or_insert_default().insert(name, value);
        }
        self
    }

    pub(crate) fn with_allow(self, allow: &str) -> Reply {
        self.with_header(ALLOW, allow)
    }

    /// Makes the response.
    pub(crate) fn dress(self, settings: &Settings, dress: Dress, busy: Busy) -> Response<Outgoing> {
        if let Content::Native(native) = self.content {
            return native.dress(settings, dress, busy);
        }
        if let Content::BadHead(why) = self.content {
            return why.response();
        }
        let mut headers = dress.headers;
        for (name, value) in &settings.response_headers {
            headers.append(name, value.clone());
        }
        headers.insert(DEFAULT_POLICY, ALLOW_ALL);
        headers.insert(VARY, ENCODING);
        self.fresh.write(&mut headers);
        if let Some(own) = self.headers {
            headers.extend(*own);
        }
        let body = match self.content {
            // Those with headers of their own are gone already.
            Content::Empty | Content::Native(_) | Content::BadHead(_) => Outgoing::Empty,
            Content::Json(json) => {
                headers.insert(CONTENT_TYPE, JSON);
                let json = if dress.pretty { json::indent(&json) } else { json };
                packed(json.into(), dress.gzip, &mut headers, busy)
            }
            Content::Kept(kept) => {
                headers.insert(CONTENT_TYPE, JSON);
                kept_body(&kept, dress.pretty, dress.gzip, &mut headers, busy)
            }
            Content::Plain(text) => {
                headers.insert(CONTENT_TYPE, PLAIN);
                let bytes = match text {
                    Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
                    Cow::Owned(text) => Bytes::from(text),
                };
                packed(bytes, dress.gzip, &mut headers, busy)
            }
            Content::Value(record) => {
                headers.insert(CONTENT_TYPE, RAW);
                headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
                headers.insert(CONTENT_SECURITY_POLICY, SANDBOX);
                packed(value_bytes(record), dress.gzip, &mut headers, busy)
            }
            Content::Typed(typed) => {
                let (kind, bytes) = *typed;
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
                packed(bytes, dress.gzip, &mut headers, busy)
            }
            Content::Streamed(kind, source) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
                Outgoing::Streamed(source, busy)
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }
}

fn kept_body(kept: &KeptBody, pretty: bool, gzip: bool, headers: &mut HeaderMap, busy: Busy) -> Outgoing {
    if pretty {
        return packed(json::indent(kept.plain()).into(), gzip, headers, busy);
    }
    match gzip.then(|| kept.gzip()).flatten() {
        Some(bytes) => {
            headers.insert(CONTENT_ENCODING, GZIP);
            Outgoing::Whole(bytes)
        }
        None => packed(kept.plain().clone(), gzip, headers, busy),
    }
}

/// Compresses a body if that is wanted and pays. A large one is compressed while it is sent.
pub(crate) fn packed(body: Bytes, gzip: bool, headers: &mut HeaderMap, busy: Busy) -> Outgoing {
    if body.is_empty() {
        return Outgoing::Empty;
    }
    if !gzip || body.len() < GZIP_MIN {
        return Outgoing::Whole(body);
    }
    headers.insert(CONTENT_ENCODING, GZIP);
    let mut gzip = Gzip::new(body);
    match gzip.whole() {
        Some(packed) => Outgoing::Whole(packed),
        None => Outgoing::Streamed(Box::new(Source::Gzip(gzip)), busy),
    }
}

impl Fresh {
    fn write(self, headers: &mut HeaderMap) {
        match self {
            Fresh::No => {}
            Fresh::Index(index) => {
                headers.insert(INDEX, HeaderValue::from(index.max(1)));
            }
            Fresh::Contact(meta) => contact(meta, headers),
            Fresh::Read(meta) | Fresh::ReadWithConsistency(meta) => {
                // Index zero would make a client spin.
                headers.insert(INDEX, HeaderValue::from(meta.index.0.max(1)));
                contact(meta, headers);
                headers.insert(BACKEND, BLOCKING);
                if matches!(self, Fresh::ReadWithConsistency(_)) {
                    headers.insert(CONSISTENCY, HeaderValue::from_static(meta.consistency));
                }
            }
        }
    }
}

fn contact(meta: Meta, headers: &mut HeaderMap) {
    headers.insert(KNOWN_LEADER, if meta.known_leader { YES } else { NO });
    let last = if meta.last_contact_ms == 0 { ZERO } else { HeaderValue::from(meta.last_contact_ms) };
    headers.insert(LAST_CONTACT, last);
}

const INDEX: HeaderName = HeaderName::from_static("x-consul-index");
const KNOWN_LEADER: HeaderName = HeaderName::from_static("x-consul-knownleader");
const LAST_CONTACT: HeaderName = HeaderName::from_static("x-consul-lastcontact");
const BACKEND: HeaderName = HeaderName::from_static("x-consul-query-backend");
const CONSISTENCY: HeaderName = HeaderName::from_static("x-consul-effective-consistency");
const DEFAULT_POLICY: HeaderName = HeaderName::from_static("x-consul-default-acl-policy");

const ALLOW_ALL: HeaderValue = HeaderValue::from_static("allow");
const BLOCKING: HeaderValue = HeaderValue::from_static("blocking-query");
const ENCODING: HeaderValue = HeaderValue::from_static("Accept-Encoding");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO: HeaderValue = HeaderValue::from_static("false");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const RAW: HeaderValue = HeaderValue::from_static("text/plain");
const SANDBOX: HeaderValue = HeaderValue::from_static("sandbox");
const YES: HeaderValue = HeaderValue::from_static("true");
const ZERO: HeaderValue = HeaderValue::from_static("0");
