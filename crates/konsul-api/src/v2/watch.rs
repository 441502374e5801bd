//! Changes as they happen, over server-sent events and WebSocket.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::kv::Entry;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WatchKind)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A key was written.
    Put,
    /// A key was removed.
    Delete,
    /// A key's time to live, or its session's, ran out.
    Expire,
}

/// A change of a key: the event `change`, or `initial` for an entry that was there already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WatchEvent)]
pub struct Event {
    /// Where a stream that begins here goes on: after this event.
    pub cursor: String,
    /// The index at which it happened.
    pub index: u64,
    /// What happened.
    pub kind: Kind,
    /// The key.
    pub key: String,
    /// The entry after it; `null` if there is none.
    #[schema(required)]
    pub entry: Option<Entry>,
    /// The entry before it, where it was asked for; `null` if there was none.
    #[schema(required)]
    pub old: Option<Entry>,
}
