//! User events: broadcast notices, kept for a while.

use serde::{Deserialize, Serialize};

use crate::{EventId, Index, Value};

/// A fired event. Filters are regular expressions that each receiver applies to itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its id, drawn by whoever fires it.
    pub id: EventId,
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub payload: Value,
    /// Which nodes it is for; empty for all.
    pub node_filter: String,
    /// Which services it is for; empty for all.
    pub service_filter: String,
    /// Which tags it is for; empty for all.
    pub tag_filter: String,
    /// A logical time: counts events since the first one.
    pub ltime: u64,
    /// Index of the entry that fired it.
    pub index: Index,
}

/// How many of the newest events the state keeps, as Consul's agents do.
pub const EVENTS_KEPT: usize = 256;

/// Largest payload of an event, in bytes.
pub const EVENT_PAYLOAD_MAX: usize = 64 * 1024;
