//! `/v2/locks`: locks with a queue and a fencing number for each grant.

use std::sync::Arc;
use std::time::Duration;

use konsul_api::v2::code;
use konsul_api::v2::lock::{
    Lock as Body, LockAcquire as Acquire, LockGrant, LockRelease as Release, LockReleased,
};
use konsul_api::v2::page::LockPage;
use konsul_api::v2::time::Timestamp;
use konsul_api::v2::value::{self, Form};
use konsul_operations::Answer;
use konsul_operations::answer::LockEntry;
use konsul_operations::arguments::{LockAcquire, LockGet, LockList, LockRelease};
use konsul_types::{Index, LockName, SessionId, Value};

use super::body::{Faults, decode, decode_that};
use super::cursor::CursorError;
use super::inbound::{Begun, Inbound, bad_cursor};
use super::rejection::{Rejected, Rejection};
use super::reply::Reply;
use super::{parameters, tags};

fn name(inbound: &Inbound<'_>) -> Rejected<LockName> {
    LockName::new(inbound.variable).map_err(|why| Rejection::of_parameter("name", why.what))
}

/// `GET /v2/locks`.
pub(crate) fn list(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let (question, place) = inbound.question(&context, &["prefix"])?;
    let after = place.map(last_name).transpose()?;
    let limit = inbound.limit();
    let prefix = inbound.query.get("prefix").unwrap_or("").to_owned();
    // One more than wanted tells whether there is a next page.
    let args = LockList { prefix, after, limit: limit + 1 };
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let Answer { value: mut locks, meta } = edge.operations.lock_list(&context, args).await?;
        let more = locks.len() > limit;
        locks.truncate(limit);
        let last = locks.last().filter(|_| more);
        let next_cursor = last.map(|lock| question.cursor(lock.name.as_str().as_bytes()));
        let items = locks.iter().map(body).collect();
        Ok(Reply::json(&LockPage { items, next_cursor, index: meta.index.0 }).with_index(meta.index))
    })
}

fn last_name(place: Vec<u8>) -> Rejected<LockName> {
    let text = String::from_utf8(place).ok().and_then(|text| LockName::new(text).ok());
    text.ok_or_else(|| bad_cursor(&CursorError::Malformed))
}

/// `GET /v2/locks/{name}`.
pub(crate) fn get(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let args = LockGet { name: name(inbound)?, blocking: None };
    let known = tags::known(inbound.headers)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let Answer { value, meta } = edge.operations.lock_get(&context, args).await?;
        let Some(entry) = value else {
            return Err(
                Rejection::new(&code::LOCK_NOT_FOUND, "nobody holds a lock of this name").at(meta.index)
            );
        };
        let version = entry.lock.modify_index;
        let reply = if known.has(version) { Reply::unchanged() } else { Reply::json(&body(&entry)) };
        Ok(reply.with_etag(version).with_index(meta.index))
    })
}

fn body(entry: &LockEntry) -> Body {
    let lock = &*entry.lock;
    let holder = lock.holder.as_ref();
    let note = holder.map(|holder| holder.value.as_bytes()).filter(|note| !note.is_empty());
    let (value, value_base64) = note.map(|note| Form::of(note).fields()).unwrap_or_default();
    Body {
        name: entry.name.to_string(),
        session: holder.map(|holder| holder.session.to_string()),
        fencing: holder.map(|holder| holder.fencing.0),
        value,
        value_base64,
        held_since: holder.map(|holder| Timestamp(holder.since.0)),
        delayed_until: lock.delayed_until.map(|until| Timestamp(until.0)),
        waiting: entry.waiting,
        queue: entry.queue.iter().map(|waiter| waiter.session.to_string()).collect(),
        create_index: lock.create_index.0,
        modify_index: lock.modify_index.0,
    }
}

/// `POST /v2/locks/{name}/acquire`.
pub(crate) fn acquire(inbound: &mut Inbound<'_>) -> Begun {
    let (mut context, once) = inbound.writing()?;
    let name = name(inbound)?;
    inbound.media()?;
    let cap = inbound.edge.settings.timeouts.max_wait;
    let whole = inbound.whole(inbound.edge.settings.limits.body_bytes)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let bytes = whole.await?;
        if let Some(once) = once {
            context.request = Some(once.request(&bytes));
        }
        let args = wanted(name, &bytes, cap)?;
        drop(bytes);
        let grant = edge.operations.lock_acquire(&context, args).await?;
        let index = grant.holder.fencing;
        let answer = LockGrant {
            name: grant.name.to_string(),
            session: grant.holder.session.to_string(),
            fencing: index.0,
            index: index.0,
        };
        Ok(Reply::json(&answer).with_index(index))
    })
}

fn wanted(name: LockName, bytes: &[u8], cap: Duration) -> Rejected<LockAcquire> {
    let body: Acquire = decode_that("LockAcquire", bytes, |body: &Acquire| {
        body.value.is_none() || body.value_base64.is_none()
    })?;
    let mut faults = Faults::default();
    let session = session(&mut faults, &body.session);
    let wait = faults.duration("/wait", body.wait.as_deref()).unwrap_or(0);
    let note = match (body.value, body.value_base64) {
        (None, None) => Some(Vec::new()),
        (text, base64) => faults.take("/value_base64", value::bytes(text, base64.as_deref())),
    };
    faults.check()?;
    Ok(LockAcquire {
        name,
        session: session.unwrap_or(SessionId(uuid::Uuid::nil())),
        value: Value::from(note.unwrap_or_default()),
        wait: Duration::from_millis(wait).min(cap),
    })
}

fn session(faults: &mut Faults, text: &str) -> Option<SessionId> {
    let read = if parameters::is_uuid(text) { text.parse().ok() } else { None };
    faults.take("/session", read.ok_or_else(|| format!("{text:?} is no UUID")))
}

/// `POST /v2/locks/{name}/release`.
pub(crate) fn release(inbound: &mut Inbound<'_>) -> Begun {
    let (mut context, once) = inbound.writing()?;
    let name = name(inbound)?;
    inbound.media()?;
    let whole = inbound.whole(inbound.edge.settings.limits.body_bytes)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let bytes = whole.await?;
        if let Some(once) = once {
            context.request = Some(once.request(&bytes));
        }
        let body: Release = decode("LockRelease", &bytes)?;
        let mut faults = Faults::default();
        let session = session(&mut faults, &body.session);
        faults.check()?;
        let args = LockRelease {
            name: name.clone(),
            session: session.unwrap_or(SessionId(uuid::Uuid::nil())),
            fencing: body.fencing.map(Index),
        };
        edge.operations.lock_release(&context, args).await?;
        let index = edge.operations.index();
        Ok(Reply::json(&LockReleased { name: name.to_string(), index: index.0 }).with_index(index))
    })
}
