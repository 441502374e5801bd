//! `/v2/kv/{key}`: one key. What is measured of this API is here.

use std::sync::Arc;

use konsul_api::v2::code;
use konsul_api::v2::kv::{Patch, Put, TreeDeleted};
use konsul_api::v2::value;
use konsul_operations::arguments::{KvGet, KvPatch, KvPut};
use konsul_operations::{Answer, KvEntry};
use konsul_types::{Index, Key, TtlPatch, Value};

use super::body::{Faults, decode, decode_that};
use super::entry;
use super::inbound::{Begun, Inbound};
use super::rejection::{Rejected, Rejection};
use super::reply::Reply;
use super::tags::{self, Known};

/// `GET`.
pub(crate) fn get(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let args = KvGet { key: inbound.key()?, blocking: None };
    let known = tags::known(inbound.headers)?;
    let raw = inbound.form == 1;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let Answer { value, meta } = edge.operations.kv_get(&context, args).await?;
        match value {
            Some(entry) => Ok(found(entry, known, raw).with_index(meta.index)),
            None => Err(missing().at(meta.index)),
        }
    })
}

fn found(entry: KvEntry, known: Known, raw: bool) -> Reply {
    let version = entry.record.modify_index;
    let reply = if known.has(version) {
        Reply::unchanged()
    } else if raw {
        Reply::value(entry.record)
    } else {
        Reply::written(entry::written(&entry, true))
    };
    reply.with_etag(version)
}

pub(super) fn missing() -> Box<Rejection> {
    Rejection::new(&code::KEY_NOT_FOUND, "the namespace has no such key")
}

/// `PUT`.
pub(crate) fn put(inbound: &mut Inbound<'_>) -> Begun {
    let (mut context, once) = inbound.writing()?;
    let key = inbound.key()?;
    let mode = tags::mode(inbound.headers)?;
    // Without a word of the client the body is the bytes, as HTTP has it.
    let is_json = inbound.media()? == Some(0);
    let beside = beside(inbound, is_json)?;
    let limits = &inbound.edge.settings.limits;
    let value_bytes = limits.value_bytes;
    let limit = if is_json { inbound.json_limit() } else { value_bytes };
    let whole = inbound.whole(limit)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let bytes = whole.await?;
        if let Some(once) = once {
            context.request = Some(once.request(&bytes));
        }
        let (value, flags, ttl_ms) = match beside {
            None => decoded(&bytes)?,
            Some((flags, ttl_ms)) => (Value::from(&bytes[..]), flags, ttl_ms),
        };
        check_size(&value, value_bytes)?;
        let entry = edge.operations.kv_put(&context, KvPut { key, value, flags, mode, ttl_ms }).await?;
        Ok(written(&entry))
    })
}

/// What stands beside a body that is the bytes; `None` for JSON, which has it inside.
fn beside(inbound: &Inbound<'_>, is_json: bool) -> Rejected<Option<(u64, Option<u64>)>> {
    if is_json {
        let named = ["flags", "ttl"].into_iter().find(|name| inbound.query.has(name));
        return match named {
            None => Ok(None),
            Some(name) => {
                Err(Rejection::of_parameter(name, "is for a body of bytes; JSON has it as a field"))
            }
        };
    }
    let mut faults = Faults::default();
    let ttl_ms = faults.duration("", inbound.query.get("ttl")).filter(|ms| *ms > 0);
    faults.check()?;
    Ok(Some((inbound.number("flags").unwrap_or(0), ttl_ms)))
}

/// Value, flags and time to live of a body of JSON.
fn decoded(bytes: &[u8]) -> Rejected<(Value, u64, Option<u64>)> {
    let put: Put =
        decode_that("KvPut", bytes, |put: &Put| put.value.is_some() != put.value_base64.is_some())?;
    let mut faults = Faults::default();
    let ttl_ms = faults.duration("/ttl", put.ttl.as_deref()).filter(|ms| *ms > 0);
    let value = faults.take("/value_base64", value::bytes(put.value, put.value_base64.as_deref()));
    faults.check()?;
    Ok((Value::from(value.unwrap_or_default()), put.flags.unwrap_or(0), ttl_ms))
}

pub(super) fn check_size(value: &Value, limit: u64) -> Rejected<()> {
    let bytes = value.len() as u64;
    if bytes <= limit {
        return Ok(());
    }
    Err(Rejection::new(
        &code::VALUE_TOO_LARGE,
        format!("the value has {bytes} bytes; at most {limit} are allowed"),
    ))
}

/// What a key is after a write.
fn written(entry: &KvEntry) -> Reply {
    let version = entry.record.modify_index;
    Reply::written(entry::written(entry, false)).with_etag(version).with_index(version)
}

/// `PATCH`.
pub(crate) fn patch(inbound: &mut Inbound<'_>) -> Begun {
    let (mut context, once) = inbound.writing()?;
    let key = inbound.key()?;
    let cas = tags::wanted(inbound.headers)?;
    inbound.media()?;
    let whole = inbound.whole(inbound.edge.settings.limits.body_bytes)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let bytes = whole.await?;
        if let Some(once) = once {
            context.request = Some(once.request(&bytes));
        }
        let (flags, ttl) = patched(&decode("KvPatch", &bytes)?)?;
        let entry = edge.operations.kv_patch(&context, KvPatch { key, flags, ttl, cas }).await?;
        Ok(written(&entry))
    })
}

fn patched(patch: &Patch) -> Rejected<(Option<u64>, TtlPatch)> {
    let mut faults = Faults::default();
    let ttl = match &patch.ttl {
        None => TtlPatch::Keep,
        Some(None) => TtlPatch::Clear,
        Some(Some(text)) => match faults.duration("/ttl", Some(text)) {
            Some(0) | None => TtlPatch::Clear,
            Some(ms) => TtlPatch::Set(ms),
        },
    };
    faults.check()?;
    Ok((patch.flags, ttl))
}

/// `DELETE`.
pub(crate) fn delete(inbound: &mut Inbound<'_>) -> Begun {
    let (context, _) = inbound.writing()?;
    let key: Key = inbound.key()?;
    let cas: Option<Index> = tags::wanted(inbound.headers)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        edge.operations.kv_delete(&context, key, cas).await?;
        Ok(Reply::nothing())
    })
}

/// `DELETE /v2/kv`.
pub(crate) fn delete_tree(inbound: &mut Inbound<'_>) -> Begun {
    let (context, _) = inbound.writing()?;
    let prefix = inbound.query.get("prefix").unwrap_or("").to_owned();
    let all = inbound.flag("all");
    if prefix.is_empty() && !all {
        return Err(Rejection::of_parameter(
            "prefix",
            "is empty, which removes everything: say so with all=true",
        ));
    }
    if !prefix.is_empty() && all {
        return Err(Rejection::of_parameter("all", "contradicts a prefix: leave one of them out"));
    }
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let deleted = edge.operations.kv_delete_tree(&context, prefix).await?;
        let index = edge.operations.index();
        Ok(Reply::json(&TreeDeleted { deleted, index: index.0 }).with_index(index))
    })
}
