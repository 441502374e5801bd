//! Pages of lists.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How many items a page has where the client says nothing.
pub const LIMIT_DEFAULT: u32 = 100;

/// How many items a page may have.
pub const LIMIT_MAX: u32 = 1000;

macro_rules! pages {
    ($($(#[$doc:meta])* $name:ident of $item:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        pub struct $name {
            /// The items, in order.
            pub items: Vec<$item>,
            /// What to send as `cursor` for the next page; `null` on the last one.
            #[schema(required)]
            pub next_cursor: Option<String>,
            /// The index of the answer.
            pub index: u64,
        }
    )*};
}

pages! {
    /// A page of sessions.
    SessionPage of super::session::Session;
    /// A page of events, oldest first.
    EventPage of super::event::Event;
    /// A page of locks, by name.
    LockPage of super::lock::Lock;
    /// A page of entries that were found.
    SearchPage of super::kv::Entry;
    /// A page of services, by name.
    ServicePage of super::catalog::ServiceSummary;
    /// A page of instances, by node and id, or nearest first.
    InstancePage of super::catalog::Instance;
    /// A page of nodes, by name, or nearest first.
    NodePage of super::catalog::Node;
    /// A page of checks.
    CheckPage of super::catalog::Check;
    /// A page of prepared queries, by id.
    QueryPage of super::query::Query;
    /// A page of a key's versions, newest first.
    HistoryPage of super::kv::Version;
}

/// A page of the key-value store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntryPage {
    /// The entries, in order of the bytes of their keys. With `keys_only` they come without their values.
    pub items: Vec<super::kv::Entry>,
    /// With `delimiter`: what stands for all keys that go on after it, each once, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefixes: Vec<String>,
    /// What to send as `cursor` for the next page; `null` on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
    /// The index of the answer.
    pub index: u64,
}
