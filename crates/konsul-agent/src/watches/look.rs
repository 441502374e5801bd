//! One look at what a watch is about, in the form in which Consul gives it to handlers.

use std::sync::Arc;

use konsul_api::v1::bytes::Base64;
use konsul_api::v1::event::Event as EventBody;
use konsul_config::{WatchBlock, WatchOn};
use konsul_operations::arguments::{EventList, KvGet, KvList};
use konsul_operations::local::events::event_index;
use konsul_operations::{Blocking, Consistency, Context, Error, KvEntry, Operations};
use konsul_runtime::time::Duration;
use konsul_types::{Event, Index, Key, Namespace};
use serde::Serialize;

/// How long one look parks. Its only effect is a look that finds nothing new.
const PARKS: Duration = Duration::from_secs(300);

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The index to wait beyond.
    pub(super) index: Index,
    /// What the handler is given: JSON and a line end.
    pub(super) body: Vec<u8>,
}

impl Found {
    /// Whether a handler should hear of it: it is the first thing found, or another one than before.
    pub(super) fn is_news_after(&self, last: Option<&Found>) -> bool {
        last.is_none_or(|last| last.index != self.index && last.body != self.body)
    }
}

/// Reads what the block is about; with the index of the last look, waits for something newer.
pub(super) async fn look(
    operations: &dyn Operations,
    block: &WatchBlock,
    last: Option<Index>,
) -> Result<Found, Error> {
    let ctx = context(block);
    let blocking = last.map(|index| Blocking { index, wait: PARKS });
    match &block.on {
        WatchOn::Key(key) => {
            let answer = operations.kv_get(&ctx, KvGet { key: wanted(key)?, blocking }).await?;
            Ok(Found { index: answer.meta.index, body: line(&answer.value.as_ref().map(pair)) })
        }
        WatchOn::KeyPrefix(prefix) => {
            let answer = operations.kv_list(&ctx, KvList { prefix: prefix.clone(), blocking }).await?;
            let pairs: Vec<Pair<'_>> = answer.value.iter().map(pair).collect();
            // Consul's client turns the 404 of a prefix without keys into no list at all.
            let body = if pairs.is_empty() { line(&()) } else { line(&pairs) };
            Ok(Found { index: answer.meta.index, body })
        }
        WatchOn::Event(name) => {
            let answer = operations
                .event_list(&ctx, EventList { name: name.clone(), blocking, ..EventList::default() })
                .await?;
            Ok(Found { index: answer.meta.index, body: line(&since(&answer.value, last)) })
        }
    }
}

/// The configuration is checked before it gets here, so an error here is one of ours.
fn wanted(key: &str) -> Result<Key, Error> {
    Key::new(key).map_err(|why| Error::Internal(why.to_string()))
}

fn context(block: &WatchBlock) -> Context {
    let named = block.namespace.as_deref().and_then(|name| Namespace::new(name).ok());
    let mut ctx = Context::new(named.unwrap_or_else(Namespace::default_namespace));
    if block.stale {
        ctx.consistency = Consistency::Stale { max_stale: None };
    }
    ctx
}

fn line(value: &impl Serialize) -> Vec<u8> {
    // Plain data always has a JSON form.
    let mut body = serde_json::to_vec(value).unwrap_or_default();
    body.push(b'\n');
    body
}

/// A pair as Consul's own client writes it, which is what its handlers read: the order, and a session that is empty.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Pair<'a> {
    key: &'a str,
    create_index: u64,
    modify_index: u64,
    lock_index: u64,
    flags: u64,
    value: Base64,
    session: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
}

fn pair(entry: &KvEntry) -> Pair<'_> {
    let record = &entry.record;
    Pair {
        key: entry.key.as_str(),
        create_index: record.create_index.0,
        modify_index: record.modify_index.0,
        lock_index: record.lock_index,
        flags: record.flags,
        value: Base64(record.value.as_bytes().to_vec()),
        session: record.session.map(|id| id.to_string()).unwrap_or_default(),
        namespace: (!entry.namespace.is_default()).then(|| entry.namespace.as_str()),
    }
}

/// The events after the one that was the newest at the last look.
fn since(events: &[Arc<Event>], last: Option<Index>) -> Vec<EventBody> {
    let seen =
        events.iter().position(|event| Some(event_index(Some(event.id))) == last).map_or(0, |at| at + 1);
    events[seen..].iter().map(|event| event_body(event)).collect()
}

fn event_body(event: &Event) -> EventBody {
    EventBody {
        id: event.id.to_string(),
        name: event.name.clone(),
        payload: Base64(event.payload.as_bytes().to_vec()),
        node_filter: event.node_filter.clone(),
        service_filter: event.service_filter.clone(),
        tag_filter: event.tag_filter.clone(),
        version: 1,
        ltime: event.ltime,
    }
}
