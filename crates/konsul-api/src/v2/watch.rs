//! Changes as they happen, over server-sent events and WebSocket.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::catalog::{Check, Instance, Node, ServiceSummary};
use super::event;
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

/// What happened to a record beside keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WatchRecordKind)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// It was there already.
    Present,
    /// It was registered.
    Added,
    /// It was there, and all that was asked for holds of it from now on: an instance that passes again.
    Entered,
    /// It became different.
    Changed,
    /// It is there still, and not all that was asked for holds of it any more: an instance that is critical now.
    Left,
    /// It was removed.
    Removed,
    /// An event was fired.
    Fired,
}

impl RecordKind {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            RecordKind::Present => "present",
            RecordKind::Added => "added",
            RecordKind::Entered => "entered",
            RecordKind::Changed => "changed",
            RecordKind::Left => "left",
            RecordKind::Removed => "removed",
            RecordKind::Fired => "fired",
        }
    }
}

/// A record beside keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WatchRecord)]
#[serde(tag = "what", content = "record", rename_all = "snake_case")]
pub enum Record {
    /// An instance with its checks.
    Instance(Instance),
    /// A service as a whole.
    Service(ServiceSummary),
    /// A node.
    Node(Node),
    /// A check.
    Check(Check),
    /// An event.
    Event(event::Event),
}

/// A change of a record beside keys: the event `change`, or `initial` for one that was there already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WatchRecordEvent)]
pub struct RecordEvent {
    /// Where a stream that begins here goes on: after this event.
    pub cursor: String,
    /// The index at which it happened.
    pub index: u64,
    /// What happened.
    pub kind: RecordKind,
    /// The record as it is; of one that was removed, as it was.
    #[serde(flatten)]
    pub record: Record,
    /// The record as it was, where that was asked for; absent where it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub old: Option<Record>,
}

/// What a stream tells of a key, or of another record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WatchChange)]
#[serde(untagged)]
pub enum Change {
    /// Of a key.
    Key(Box<Event>),
    /// Of another record.
    Record(Box<RecordEvent>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_what_it_is_beside_its_fields() {
        let text = concat!(
            r#"{"cursor":"c","index":7,"kind":"left","what":"service","record":{"name":"web","tags":[],"kinds":[],"#,
            r#""passing":1,"warning":0,"critical":0},"old":{"what":"service","record":{"name":"web","tags":["a"],"#,
            r#""kinds":[],"passing":2,"warning":0,"critical":0}}}"#
        );
        let read: Change = serde_json::from_str(text).unwrap();
        assert!(matches!(&read, Change::Record(event) if event.kind == RecordKind::Left));
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        let text = r#"{"cursor":"c","index":4,"kind":"delete","key":"k","entry":null,"old":null}"#;
        let read: Change = serde_json::from_str(text).unwrap();
        assert!(matches!(&read, Change::Key(event) if event.key == "k"));
    }
}
