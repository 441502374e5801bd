//! A request as a handler sees it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, EXPECT, HeaderMap};
use hyper::body::Incoming;
use konsul_api::v2::code;
use konsul_api::v2::operations::{Kind, Operation};
use konsul_operations::{Consistency, Context};
use konsul_types::{Key, Namespace};
use pin_project_lite::pin_project;

use super::cursor::{CursorError, Question};
use super::once::Once;
use super::rejection::{Rejected, Rejection};
use super::reply::{Named, Reply};
use super::stream::Line;
use crate::headers;
use crate::intake::{self, Intake, Pace, declared_length};
use crate::observe::Seen;
use crate::service::{Edge, Later};
use crate::v1::query::Query;
use crate::v1::reply::Reply as SharedReply;

/// A request as a handler sees it: borrowed from the head, so that nothing of it outlives the handler's first, synchronous
/// part unless it is taken.
pub(crate) struct Inbound<'a> {
    pub(crate) edge: &'a Arc<Edge>,
    /// The connection, for what streams over it.
    pub(crate) line: &'a Line,
    /// What names it in the log and in traces.
    pub(crate) seen: &'a Seen,
    pub(crate) method: &'a http::Method,
    pub(crate) headers: &'a HeaderMap,
    /// What hyper attached to the head: the connection itself, where a handshake asks for it.
    pub(crate) extensions: &'a mut http::Extensions,
    pub(crate) operation: &'static Operation,
    pub(crate) query: Query<'a>,
    /// Path and query as they came.
    pub(crate) target: &'a str,
    /// What the path's parameter says, decoded.
    pub(crate) variable: &'a str,
    /// The same as it came.
    pub(crate) raw: &'a str,
    /// The client's address.
    pub(crate) peer: std::net::IpAddr,
    /// The place of the answer's form among those of the operation's first answer.
    pub(crate) form: usize,
    /// Taken once, by the handler that wants it.
    pub(crate) body: Option<Incoming>,
}

/// What a handler gives at once: its work, or why there is none.
pub(crate) type Begun = Rejected<Later>;

impl Inbound<'_> {
    /// What an answer says of the request.
    pub(crate) fn named(&self) -> Named {
        Named { operation: Some(self.operation.id.as_str()), tag: self.seen.tag }
    }

    /// Work, as the service wants it.
    pub(crate) fn later(&self, work: impl Future<Output = Rejected<Reply>> + Send + 'static) -> Begun {
        Ok(Box::pin(Answered { work, named: self.named(), edge: Arc::clone(self.edge) }))
    }

    /// The context of a read.
    pub(crate) fn context(&self) -> Rejected<Context> {
        let mut context = Context::new(self.namespace()?);
        context.trace = self.seen.trace.clone();
        context.consistency = match self.query.get("consistency") {
            Some("default") => Consistency::Default,
            Some("stale") => Consistency::Stale { max_stale: None },
            _ => Consistency::Consistent,
        };
        Ok(context)
    }

    fn namespace(&self) -> Rejected<Namespace> {
        match self.query.get("namespace") {
            None => Ok(self.edge.default_namespace.clone()),
            Some(name) => {
                Namespace::new(name).map_err(|why| Rejection::of_parameter("namespace", why.to_string()))
            }
        }
    }

    /// The context of a write, and what names it where it may be sent again. One without a body is named at once.
    pub(crate) fn writing(&self) -> Rejected<(Context, Option<Once>)> {
        let mut context = self.context()?;
        context.consistency = Consistency::Default;
        let once = Once::read(self.headers, self.operation.id.as_str(), self.target)?;
        context.request = once.map(|once| once.request(b""));
        Ok((context, once))
    }

    /// The key that the path names.
    pub(crate) fn key(&self) -> Rejected<Key> {
        Key::new(self.variable).map_err(|why| Rejection::of_parameter("key", why.what))
    }

    /// The two things that the path names. They are parted before they are decoded: either may hold a slash.
    pub(crate) fn pair(&self) -> Rejected<(String, String)> {
        let (first, second) = self.raw.split_once('/').unwrap_or((self.raw, ""));
        let read = |raw: &str| {
            let text = super::route::variable(raw);
            text.map(Into::into).map_err(|why| Rejection::new(&code::INVALID_PATH, why.to_string()))
        };
        Ok((read(first)?, read(second)?))
    }

    /// Whether a parameter is `true`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.query.get(name), Some("" | "true"))
    }

    /// A parameter that is a number, which the table has checked.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.query.get(name)?.parse().ok()
    }

    /// Most items of a page.
    pub(crate) fn limit(&self) -> usize {
        let default = u64::from(konsul_api::v2::page::LIMIT_DEFAULT);
        usize::try_from(self.number("limit").unwrap_or(default)).unwrap_or(usize::MAX)
    }

    /// What a parameter asks for: a flag's two ways to say yes are one. Of one that the path has, what it says there.
    fn asked(&self, name: &str) -> std::borrow::Cow<'_, str> {
        let kind = self.operation.parameters.iter().find(|one| one.name == name).map(|one| one.kind);
        match kind {
            None => self.variable.into(),
            Some(Kind::Flag) if self.flag(name) => "true".into(),
            Some(Kind::Flag) => "".into(),
            Some(Kind::Texts { .. }) => self.query.all(name).collect::<Vec<_>>().join("\0").into(),
            Some(_) => self.query.get(name).unwrap_or("").into(),
        }
    }

    /// The question of a list: its operation, namespace and the parameters named; and where its page begins.
    pub(crate) fn question(
        &self,
        context: &Context,
        names: &[&str],
    ) -> Rejected<(Question, Option<Vec<u8>>)> {
        let asked: Vec<_> = names.iter().map(|name| (*name, self.asked(name))).collect();
        let parts = asked.iter().flat_map(|(name, value)| [*name, value.as_ref()]);
        let all = std::iter::once(context.namespace.as_str()).chain(parts);
        let question = Question::new(self.operation.id.as_str(), all);
        let place = self.query.get("cursor").map(|cursor| question.place(cursor)).transpose();
        place.map(|place| (question, place)).map_err(|why| bad_cursor(&why))
    }

    /// The body, to be read piece by piece.
    pub(crate) fn take_intake(&mut self) -> Intake {
        let pace = self.pace();
        Intake::new(self.take_body(), pace)
    }

    /// The body, to be read whole. One that is declared too large is refused before the client is told to send it.
    pub(crate) fn whole(
        &mut self,
        limit: u64,
    ) -> Rejected<impl Future<Output = Rejected<Bytes>> + Send + use<>> {
        let declared = self.body.as_ref().and_then(declared_length);
        if self.headers.contains_key(EXPECT) && declared.is_some_and(|length| length > limit) {
            let detail = format!("the body is larger than {limit} bytes");
            return Err(Rejection::new(&code::BODY_TOO_LARGE, detail));
        }
        let pace = self.pace();
        let body = self.take_body();
        Ok(async move { Ok(intake::read(body, limit, pace).await?) })
    }

    fn pace(&self) -> Pace {
        Pace::of(&self.edge.settings.timeouts)
    }

    fn take_body(&mut self) -> Incoming {
        self.body.take().expect("a handler takes the body once")
    }

    /// How large a body of JSON may be. A value may be twice as large there: base64 and escapes take their part.
    pub(crate) fn json_limit(&self) -> u64 {
        let limits = &self.edge.settings.limits;
        limits.body_bytes.max(limits.value_bytes.saturating_mul(2).saturating_add(64 * 1024))
    }

    /// The place of the body's media type among those that the operation takes. `None` stands for none.
    pub(crate) fn media(&self) -> Rejected<Option<usize>> {
        let Some(value) = headers::get(self.headers, &CONTENT_TYPE) else { return Ok(None) };
        let named = value.to_str().unwrap_or("").split(';').next().unwrap_or("").trim();
        let forms = self.operation.body;
        let found = forms.iter().position(|form| form.media.eq_ignore_ascii_case(named));
        found.map(Some).ok_or_else(|| {
            let known: Vec<&str> = forms.iter().map(|form| form.media).collect();
            let detail = format!("{named:?} is not taken here; the body can be {}", known.join(" or "));
            Rejection::new(&code::UNSUPPORTED_MEDIA_TYPE, detail)
        })
    }
}

pin_project! {
    /// Work, and how its answer is dressed. By hand: an `async` block would move the work once more when it is first
    /// polled, and it is some hundred bytes.
    struct Answered<W> {
        #[pin]
        work: W,
        named: Named,
        edge: Arc<Edge>,
    }
}

impl<W: Future<Output = Rejected<Reply>>> Future for Answered<W> {
    type Output = SharedReply;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<SharedReply> {
        let this = self.project();
        this.work.poll(cx).map(|done| this.named.answer(done, &*this.edge.operations))
    }
}

/// A wrong cursor.
pub(crate) fn bad_cursor(why: &CursorError) -> Box<Rejection> {
    let code = match why {
        CursorError::Malformed => &code::INVALID_CURSOR,
        CursorError::Mismatch => &code::CURSOR_MISMATCH,
    };
    Rejection::new(code, why.to_string())
}
