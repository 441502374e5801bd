//! `/v1/kv/…`: the key-value store. The most used file of this crate, and the one that is measured.

use std::sync::Arc;

use http::StatusCode;
use konsul_api::v1::kv::{EntryRef, write_names};
use konsul_operations::arguments::{KvGet, KvKeys, KvList, KvPut};
use konsul_operations::{Error, KvEntry};
use konsul_types::duration::GoDuration;
use konsul_types::{Index, Key, PutMode, SessionId, Value};
use uuid::Uuid;

use super::error::{is_unmet_condition, reply};
use super::inbound::Inbound;
use super::query::{Query, parse_u64};
use super::read::Options;
use super::reply::{Fresh, Reply};
use super::route::Route;
use crate::intake::{self, IntakeError};
use crate::service::Handled;

/// `GET`: one entry, its bytes, all under a prefix, or their names.
pub(crate) fn get(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let options = inbound.options()?;
    if inbound.query.has("keys") {
        return keys(inbound, options);
    }
    if inbound.query.has("recurse") {
        return list(inbound, options);
    }
    let args = KvGet { key: key(inbound.tail)?, blocking: options.blocking };
    let raw = inbound.query.has("raw");
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        match edge.operations.kv_get(&options.context, args).await {
            Ok(answer) => found(answer.value, raw).with_fresh(Fresh::Read(answer.meta)),
            Err(why) => reply(&why),
        }
    }))
}

fn found(entry: Option<KvEntry>, raw: bool) -> Reply {
    match entry {
        None => Reply::empty(StatusCode::NOT_FOUND),
        Some(entry) if raw => Reply::value(entry.record),
        Some(entry) => {
            let mut session = [0; 36];
            let entry = entry_ref(&entry, &mut session);
            let mut out = Vec::with_capacity(entry.room());
            out.push(b'[');
            entry.write(&mut out);
            out.push(b']');
            Reply::written(out)
        }
    }
}

fn list(inbound: &Inbound<'_>, options: Options) -> Handled {
    let args = KvList { prefix: inbound.tail.to_owned(), blocking: options.blocking };
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        let answered = match edge.operations.kv_list(&options.context, args).await {
            Ok(answer) if answer.value.is_empty() => {
                Reply::empty(StatusCode::NOT_FOUND).with_fresh(Fresh::Read(answer.meta))
            }
            Ok(answer) => Reply::written(write_entries(&answer.value)).with_fresh(Fresh::Read(answer.meta)),
            Err(why) => reply(&why),
        };
        answered.with_operation("kv_list")
    }))
}

fn write_entries(entries: &[KvEntry]) -> Vec<u8> {
    let mut session = [0; 36];
    let room = entries.iter().map(|entry| entry_ref(entry, &mut session).room()).sum::<usize>();
    let mut out = Vec::with_capacity(room + 2);
    for entry in entries {
        out.push(if out.is_empty() { b'[' } else { b',' });
        entry_ref(entry, &mut session).write(&mut out);
    }
    out.push(b']');
    out
}

fn keys(inbound: &Inbound<'_>, options: Options) -> Handled {
    // The old misspelling counts only where the right one is not there.
    let separator = inbound.query.text("separator").or_else(|| inbound.query.text("seperator"));
    let args = KvKeys {
        prefix: inbound.tail.to_owned(),
        separator: separator.unwrap_or("").to_owned(),
        blocking: options.blocking,
    };
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        let of_all = args.prefix.is_empty();
        let answered = match edge.operations.kv_keys(&options.context, args).await {
            Ok(answer) if answer.value.is_empty() && !of_all => {
                Reply::empty(StatusCode::NOT_FOUND).with_fresh(Fresh::Read(answer.meta))
            }
            Ok(answer) => {
                let mut out =
                    Vec::with_capacity(answer.value.iter().map(|name| name.len() + 3).sum::<usize>() + 2);
                write_names(&mut out, answer.value.iter().map(|name| &**name));
                Reply::written(out).with_fresh(Fresh::Read(answer.meta))
            }
            Err(why) => reply(&why),
        };
        answered.with_operation("kv_keys")
    }))
}

/// `PUT`: writes a value under a condition.
pub(crate) fn put(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let key = key(inbound.tail)?;
    conflict(&inbound.query, &["cas", "acquire", "release"])?;
    let flags = inbound.query.get("flags").map(number).transpose()?.unwrap_or(0);
    let mode = mode(&inbound.query)?;
    let ttl_ms = ttl(&inbound.query)?;
    let limit = inbound.edge.settings.limits.value_bytes;
    inbound.check_declared(limit, |length| too_large(Some(length), limit))?;
    let pace = inbound.pace();
    let edge = Arc::clone(inbound.edge);
    let body = inbound.take_body();
    Ok(Box::pin(async move {
        let value = match intake::read(body, limit, pace).await {
            Ok(bytes) => Value::from(&bytes[..]),
            Err(why) => return body_refused(&why, "limits.kv_max_value_size"),
        };
        let args = KvPut { key, value, flags, mode, ttl_ms };
        happened(edge.operations.kv_put(&context, args).await)
    }))
}

/// `DELETE`: removes a key, or all under a prefix.
pub(crate) fn delete(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let recurse = inbound.query.has("recurse");
    if !recurse && inbound.tail.is_empty() {
        return Err(missing_key());
    }
    conflict(&inbound.query, &["recurse", "cas"])?;
    let edge = Arc::clone(inbound.edge);
    if recurse {
        let prefix = inbound.tail.to_owned();
        return Ok(Box::pin(async move {
            let deleted = edge.operations.kv_delete_tree(&context, prefix).await;
            happened(deleted).with_operation("kv_delete_tree")
        }));
    }
    let key = key(inbound.tail)?;
    let cas = inbound.query.get("cas").map(number).transpose()?.map(Index);
    Ok(Box::pin(async move { happened(edge.operations.kv_delete(&context, key, cas).await) }))
}

fn happened<T>(result: Result<T, Error>) -> Reply {
    match result {
        Ok(_) => Reply::truth(true),
        Err(why) if is_unmet_condition(&why) => Reply::truth(false),
        Err(why) => reply(&why),
    }
}

fn key(tail: &str) -> Result<Key, Reply> {
    if tail.is_empty() {
        return Err(missing_key());
    }
    Key::new(tail).map_err(|why| Reply::bad(format!("Invalid {why}")))
}

fn missing_key() -> Reply {
    Reply::bad("Missing key name")
}

/// Refuses more than one of some parameters.
fn conflict(query: &Query<'_>, names: &[&str]) -> Result<(), Reply> {
    if names.iter().filter(|name| query.has(name)).count() < 2 {
        return Ok(());
    }
    Err(Reply::bad(format!("Conflicting flags: {}\n", query.encode())))
}

fn number(text: &str) -> Result<u64, Reply> {
    parse_u64(text).map_err(|why| Reply::plain(StatusCode::INTERNAL_SERVER_ERROR, why))
}

fn mode(query: &Query<'_>) -> Result<PutMode, Reply> {
    if let Some(text) = query.get("cas") {
        return Ok(PutMode::Cas(Index(number(text)?)));
    }
    if let Some(text) = query.get("acquire") {
        let unknown = || refuse(format!("invalid session {text:?}"));
        return Ok(PutMode::Acquire(session(text)?.ok_or_else(unknown)?));
    }
    if let Some(text) = query.get("release") {
        // Nobody holds a lock under a text that is no id: the nil id gives the same answer.
        return Ok(PutMode::Release(session(text)?.unwrap_or(SessionId(Uuid::nil()))));
    }
    Ok(PutMode::Set)
}

/// A session's id; `None` for a text that is none.
fn session(text: &str) -> Result<Option<SessionId>, Reply> {
    if text.is_empty() {
        return Err(refuse("missing session".to_owned()));
    }
    Ok(session_id(text))
}

/// Reads a session's id in the one form that Consul knows: 36 characters, with dashes.
pub(crate) fn session_id(text: &str) -> Option<SessionId> {
    if text.len() != 36 {
        return None;
    }
    text.parse().ok()
}

fn refuse(text: String) -> Reply {
    Reply::plain(StatusCode::INTERNAL_SERVER_ERROR, text)
}

/// Konsul's own addition: `?ttl=30s` gives the key a time to live.
fn ttl(query: &Query<'_>) -> Result<Option<u64>, Reply> {
    let Some(text) = query.get("ttl") else {
        return Ok(None);
    };
    let span: GoDuration = text.parse().map_err(|why| Reply::bad(format!("Invalid ttl value: {why}")))?;
    match span.as_millis() {
        0 => Err(Reply::bad(format!("Invalid ttl value {text:?}: must be at least 1ms"))),
        ms => Ok(Some(ms)),
    }
}

/// The answer to a body that was not taken.
pub(crate) fn body_refused(why: &IntakeError, option: &str) -> Reply {
    match why {
        IntakeError::TooLarge { declared, limit } => too_large_for(*declared, *limit, option),
        IntakeError::Slow { .. } => Reply::plain(StatusCode::REQUEST_TIMEOUT, why.to_string()),
        IntakeError::Broken(_) => Reply::bad(why.to_string()),
    }
}

fn too_large(declared: Option<u64>, limit: u64) -> Reply {
    too_large_for(declared, limit, "limits.kv_max_value_size")
}

/// A body over its bound, with Consul's text and the name of the option where Consul has a link.
pub(crate) fn too_large_for(declared: Option<u64>, limit: u64, option: &str) -> Reply {
    let size = declared.map(|length| format!("({length} bytes)")).unwrap_or_default();
    let text = format!("Request body{size} too large, max size: {limit} bytes. See the option {option}.");
    Reply::plain(StatusCode::PAYLOAD_TOO_LARGE, text)
}

fn entry_ref<'a>(entry: &'a KvEntry, session: &'a mut [u8; 36]) -> EntryRef<'a> {
    let record = &*entry.record;
    EntryRef {
        lock_index: record.lock_index,
        key: entry.key.as_str(),
        flags: record.flags,
        value: record.value.as_bytes(),
        session: record.session.map(|id| &*id.0.hyphenated().encode_lower(session)),
        create_index: record.create_index.0,
        modify_index: record.modify_index.0,
        namespace: (!entry.namespace.is_default()).then(|| entry.namespace.as_str()),
    }
}
