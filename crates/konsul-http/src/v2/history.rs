//! `/v2/kv_history`, `/v2/kv_diff`, `/v2/kv_undo`: what a key was before.

mod lines;

use std::sync::Arc;

use konsul_api::v2::kv::{Diff, Undo, Undone, Version, VersionKind};
use konsul_api::v2::page::HistoryPage;
use konsul_api::v2::time::Timestamp;
use konsul_api::v2::value::Form;
use konsul_operations::Answer;
use konsul_operations::answer::{KvDifference, KvVersion};
use konsul_operations::arguments::{KvDiff, KvHistory, KvUndo};
use konsul_types::{Index, Key};

use super::body::decode;
use super::cursor::CursorError;
use super::entry;
use super::inbound::{Begun, Inbound, bad_cursor};
use super::keys::missing;
use super::reply::Reply;

/// `GET /v2/kv_history/{key}`.
pub(crate) fn versions(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let key = inbound.key()?;
    let named = inbound.query.get("cursor").is_some();
    let question = super::cursor::Question::new("kv_history", [context.namespace.as_str(), key.as_str()]);
    let before = match inbound.query.get("cursor") {
        None => None,
        Some(cursor) => Some(index(&question.place(cursor).map_err(|why| bad_cursor(&why))?)?),
    };
    let args = KvHistory { key, before, limit: inbound.limit() };
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let Answer { value, meta } = edge.operations.kv_history(&context, args).await?;
        if value.versions.is_empty() && !named {
            return Err(missing().at(meta.index));
        }
        let last = value.versions.last().filter(|_| value.more);
        let next_cursor = last.map(|version| question.cursor(&version.index.0.to_be_bytes()));
        let items = value.versions.iter().map(wire).collect();
        Ok(Reply::json(&HistoryPage { items, next_cursor, index: meta.index.0 }).with_index(meta.index))
    })
}

fn index(place: &[u8]) -> super::rejection::Rejected<Index> {
    let bytes = place.try_into().map_err(|_| bad_cursor(&CursorError::Malformed))?;
    Ok(Index(u64::from_be_bytes(bytes)))
}

fn wire(version: &KvVersion) -> Version {
    let bytes = version.record.as_ref().map(|record| record.value.as_bytes());
    let (value, value_base64) = bytes.map(|bytes| Form::of(bytes).fields()).unwrap_or_default();
    Version {
        index: version.index.0,
        kind: if version.record.is_some() { VersionKind::Put } else { VersionKind::Delete },
        at: version.at.map(|at| Timestamp(at.0)),
        value,
        value_base64,
        flags: version.record.as_ref().map(|record| record.flags),
    }
}

/// `GET /v2/kv_diff/{key}`.
pub(crate) fn diff(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let key = inbound.key()?;
    let args = KvDiff {
        key: key.clone(),
        from: inbound.number("from").map(Index),
        to: inbound.number("to").map(Index),
    };
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let Answer { value, meta } = edge.operations.kv_diff(&context, args).await?;
        Ok(Reply::json(&difference(&key, &value, meta.index)).with_index(meta.index))
    })
}

/// A version that nothing came before is compared with none: with a removal at its own index.
fn difference(key: &Key, found: &KvDifference, index: Index) -> Diff {
    let bytes = |version: &KvVersion| version.record.as_ref().map(|record| record.value.clone());
    let old = found.from.as_ref().and_then(bytes);
    let new = bytes(&found.to);
    let to = wire(&found.to);
    let absent = Version {
        index: 0,
        kind: VersionKind::Delete,
        at: None,
        value: None,
        value_base64: None,
        flags: None,
    };
    let text = |value: &Option<konsul_types::Value>| {
        value.as_ref().map_or(Some(String::new()), |value| String::from_utf8(value.as_bytes().to_vec()).ok())
    };
    Diff {
        key: key.to_string(),
        from: found.from.as_ref().map_or(absent, wire),
        to,
        equal: old == new,
        lines: text(&old).zip(text(&new)).and_then(|(old, new)| lines::compare(&old, &new)),
        index: index.0,
    }
}

/// `POST /v2/kv_undo/{key}`.
pub(crate) fn undo(inbound: &mut Inbound<'_>) -> Begun {
    let (mut context, once) = inbound.writing()?;
    let key = inbound.key()?;
    inbound.media()?;
    let whole = inbound.whole(inbound.edge.settings.limits.body_bytes)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let bytes = whole.await?;
        if let Some(once) = once {
            context.request = Some(once.request(&bytes));
        }
        let wanted: Undo = if bytes.is_empty() { Undo::default() } else { decode("KvUndo", &bytes)? };
        let to_index = wanted.to_index.map(Index);
        let done = edge.operations.kv_undo(&context, KvUndo { key, to_index }).await?;
        let version = done.record.modify_index;
        let entry = Some(entry::owned(&done.key, &done.record));
        let to_index = to_index.map_or(version.0, |index| index.0);
        Ok(Reply::json(&Undone { entry, to_index, index: version.0 }).with_etag(version).with_index(version))
    })
}
