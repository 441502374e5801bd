//! Streams of changes: `GET /v2/watch` (server-sent events) and `GET /v2/ws` (WebSocket).
//!
//! What they are not: they hold no queue of events and decide nothing. What comes, in which order, after which reset, and
//! who may read it, is [`konsul_operations::watch`]'s; here a question is read, a place becomes a cursor, an event becomes
//! bytes, and a client that does not read is found out.
//!
//! # The life of a stream
//!
//! 1. `ask` reads the question and lists every fault of it; `cursor` gives a place for a cursor, if it is of this question.
//! 2. The operation `watch` opens the stream. What is wrong until here is an answer with problem details.
//! 3. `sse` is the answer's body, asked by hyper when it has room. `socket` is a task of its own, which takes the
//!    connection over after `upgrade`, and has many streams (`subscriptions`, `turn`), each begun by a `message`.
//! 4. It ends when its client goes, which frees it at once; when the server stops, with a cursor; or when the client does
//!    not read, with a cursor if there comes to be room for one.
//!
//! # What is missing on purpose
//!
//! No compression: it would need a window for each stream. No acknowledgements: a cursor that the client keeps is one.

use std::sync::Arc;

use http::HeaderName;
use http::StatusCode;
use http::header::HeaderValue;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use konsul_api::v2::code::{Code, INVALID_PARAMETER};
use konsul_api::v2::problem::{Fault, Problem};

use self::ask::{Ask, Raw};
use self::socket::{Held, Socket};
use self::sse::Events;
use super::inbound::{Begun, Inbound};
use super::rejection::{Rejected, Rejection};
use super::reply::Reply;
use crate::connection::{Progress, Waits};
use crate::connections::Ticket;
use crate::outgoing::Source;
use crate::stream::Stream;

mod ask;
mod cursor;
mod frame;
mod message;
mod socket;
pub(crate) mod sse;
mod subscriptions;
mod turn;
mod upgrade;

/// The media type of server-sent events.
const EVENT_STREAM: &str = "text/event-stream";

/// The header with which a browser goes on with a stream.
const LAST_EVENT_ID: &str = "Last-Event-ID";

/// Tells proxies that gather answers not to.
const UNBUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// The connection that a stream goes over.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// How far it gets, and what it is told.
    pub(crate) progress: Arc<Progress>,
    /// Its place among all.
    pub(crate) ticket: Arc<Ticket>,
}

/// `GET /v2/watch`.
pub(crate) fn watch(inbound: &mut Inbound<'_>) -> Begun {
    let ask = ask(inbound)?;
    let (edge, progress) = (Arc::clone(inbound.edge), Arc::clone(&inbound.line.progress));
    let speaker = Speaker::of(inbound);
    progress.set_waits(Waits::Parks);
    inbound.later(async move {
        let Ask { context, watch, question } = ask;
        let watching = watch.open(&*edge.operations, &context).await?;
        progress.set_waits(Waits::Streams);
        let events = Events::new(watching, question, progress, &edge.settings.streams, speaker);
        let (name, value) = UNBUFFERED;
        Ok(Reply::streamed(EVENT_STREAM, Source::Events(Box::new(events))).with_header(name, value))
    })
}

fn ask(inbound: &Inbound<'_>) -> Rejected<Ask> {
    let header = match inbound.headers.get(LAST_EVENT_ID).map(HeaderValue::to_str) {
        Some(Err(_)) => {
            return Err(Rejection::of_header(LAST_EVENT_ID, "holds characters that no cursor has"));
        }
        Some(Ok(cursor)) => Some(cursor),
        None => None,
    };
    // A browser that has seen no event yet sends none, or an empty one.
    let cursor = header.filter(|cursor| !cursor.is_empty()).or(inbound.query.text("cursor"));
    let raw = Raw {
        key: inbound.query.get("key"),
        prefix: inbound.query.get("prefix"),
        glob: inbound.query.get("glob"),
        service: inbound.query.get("service"),
        tag: inbound.query.all("tag").collect(),
        passing: inbound.flag("passing"),
        node_meta: inbound.query.all("node_meta").collect(),
        filter: inbound.query.get("filter"),
        services: inbound.flag("services"),
        node: inbound.query.get("node"),
        checks: inbound.query.get("checks"),
        event: inbound.query.get("event"),
        cursor,
        initial: inbound.flag("initial"),
        old_values: inbound.flag("old_values"),
    };
    raw.ask(inbound.context()?, &INVALID_PARAMETER, Fault::of_parameter)
}

/// `GET /v2/ws`.
pub(crate) fn socket(inbound: &mut Inbound<'_>) -> Begun {
    let taken_over = inbound.extensions.remove::<OnUpgrade>();
    let is_get = *inbound.method == http::Method::GET;
    let accepted = upgrade::check(is_get && taken_over.is_some(), inbound.headers)?;
    let held = Held {
        edge: Arc::clone(inbound.edge),
        progress: Arc::clone(&inbound.line.progress),
        ticket: Arc::clone(&inbound.line.ticket),
        context: inbound.context()?,
        speaker: Speaker::of(inbound),
    };
    if let Some(taken_over) = taken_over {
        drop(konsul_runtime::spawn(serve(taken_over, held)));
    }
    let reply = Reply::nothing().with_status(StatusCode::SWITCHING_PROTOCOLS);
    let reply = accepted.headers().fold(reply, |reply, (name, value)| reply.with_header(name, value));
    inbound.later(async move { Ok(reply) })
}

async fn serve(taken_over: OnUpgrade, held: Held) {
    let upgraded = match taken_over.await {
        Ok(upgraded) => upgraded,
        Err(why) => return tracing::debug!(error = %why, "connection was gone before it became a WebSocket"),
    };
    match upgraded.downcast::<TokioIo<Stream>>() {
        Ok(parts) => Socket::new(parts.io.into_inner(), parts.read_buf.to_vec(), held).await.await,
        Err(_) => tracing::error!("a connection that became a WebSocket is of an unknown kind"),
    }
}

/// Words what goes wrong after a stream has begun.
#[derive(Debug, Clone)]
pub(crate) struct Speaker {
    operation: &'static str,
    request_id: String,
}

impl Speaker {
    fn of(inbound: &Inbound<'_>) -> Speaker {
        let named = inbound.named();
        Speaker { operation: named.operation.unwrap_or("watch"), request_id: named.tag.to_string() }
    }

    /// What goes wrong, as problem details.
    pub(crate) fn problem(&self, why: Rejection) -> Problem {
        let problem = why.into_problem(Some(self.operation));
        Problem { request_id: self.request_id.clone(), ..problem }
    }

    /// The same for something that has no more to it than its code.
    pub(crate) fn word(&self, code: &'static Code, detail: &str) -> Problem {
        self.problem(*Rejection::new(code, detail))
    }
}
