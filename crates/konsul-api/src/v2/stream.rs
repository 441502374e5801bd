//! What goes over a stream beside the events themselves ([`super::watch`]): control events, and the messages of the
//! WebSocket.
//!
//! Over server-sent events an event's name is its `event:` field, its cursor its `id:` field, and its `data:` the JSON of
//! [`super::watch::Event`] or [`super::watch::RecordEvent`], [`Control`], [`Heartbeat`] or [`Failure`]. Over the WebSocket
//! each message is one JSON object in a text frame: the same fields, with `type` in place of the name, and `id` to say
//! which subscription it is of.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::kv::EntryRef;
use super::problem::Problem;
use super::text::{write_field, write_number};
use super::watch::Change;

/// A key or another record changed.
pub const CHANGE: &str = "change";
/// It was there already.
pub const INITIAL: &str = "initial";
/// What was known does not hold any more; what there is follows.
pub const RESET: &str = "reset";
/// From here on changes come.
pub const READY: &str = "ready";
/// Nothing happened; the cursor may have moved on.
pub const HEARTBEAT: &str = "heartbeat";
/// The stream, or one subscription of it, ends here or never began.
pub const ERROR: &str = "error";

/// The subprotocol that a client may name when it opens a WebSocket.
pub const SUBPROTOCOL: &str = "konsul.v2";

/// Most characters of a subscription's id.
pub const SUBSCRIPTION_ID_MAX: usize = 64;

/// A `reset` or `ready` event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WatchControl)]
pub struct Control {
    /// Where a stream that begins here goes on.
    pub cursor: String,
    /// The index up to which everything is known when `ready` comes.
    pub index: u64,
    /// Why the stream was reset: `fell_out`, `replaced`, `foreign` or `incomplete`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
}

/// A `heartbeat` event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WatchHeartbeat)]
pub struct Heartbeat {
    /// Where a stream that begins here goes on. On a WebSocket absent where no subscription moved on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cursor: Option<String>,
}

/// An `error` event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WatchFailure)]
pub struct Failure {
    /// What went wrong.
    #[serde(flatten)]
    pub problem: Problem,
    /// Where another stream goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cursor: Option<String>,
}

/// What a client sends over the WebSocket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = StreamRequest)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    /// Begins a subscription.
    Subscribe(Box<Subscribe>),
    /// Ends one.
    Unsubscribe {
        /// Which.
        id: String,
    },
    /// Asks for a `pong`.
    Ping {
        /// Comes back in it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
}

/// A subscription to be begun. Exactly one of `key`, `prefix`, `glob`, `service`, `services`, `node` and `checks` is
/// there; or `event`, with or without `node`, `service` and one `tag`, which then say whom events must be for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Subscribe {
    /// The client's name for it: 1 to 64 visible ASCII characters, unique on its socket.
    pub id: String,
    /// One key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Keys that begin with this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Keys that match: `*` inside a segment, `**` across.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glob: Option<String>,
    /// Instances of one service. With `event`: those for an instance of it, in place of those that the answering agent keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// With `service`: tags of which all must be there; beside `event` at most one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag: Vec<String>,
    /// With `service`: pairs that the node must have, as `key:value`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub node_meta: Vec<String>,
    /// With `service`: whether every check must pass.
    #[serde(default, skip_serializing_if = "is_false")]
    pub passing: bool,
    /// With `service`: an expression over entries of health.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Whether all services of the namespace are meant.
    #[serde(default, skip_serializing_if = "is_false")]
    pub services: bool,
    /// One node with its instances and its own checks. With `event`: those for it, in place of the answering agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Checks that stand so: `any`, `passing`, `warning` or `critical`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<String>,
    /// Events of this name; of any if it is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The namespace; `default` if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// `consistent` (if it is absent), `default` or `stale`: how fresh the state is with which it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<String>,
    /// Whether what there is comes first.
    #[serde(default)]
    pub initial: bool,
    /// Whether changes carry what the key held before.
    #[serde(default)]
    pub old_values: bool,
    /// Where to go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What a server sends over the WebSocket. Types may be added: a client skips those that it does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = StreamMessage)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// The subscription exists; its events follow.
    Subscribed {
        /// Which.
        id: String,
    },
    /// The subscription is over; no event of it follows.
    Unsubscribed {
        /// Which.
        id: String,
        /// Where another one goes on.
        cursor: String,
    },
    /// A key or another record changed.
    Change {
        /// Which subscription's.
        id: String,
        /// What happened.
        #[serde(flatten)]
        event: Change,
    },
    /// A key or another record was there already.
    Initial {
        /// Which subscription's.
        id: String,
        /// The key and what it holds, or the record.
        #[serde(flatten)]
        event: Change,
    },
    /// What was known does not hold any more.
    Reset {
        /// Which subscription's.
        id: String,
        /// Where it stands.
        #[serde(flatten)]
        control: Control,
    },
    /// From here on changes come.
    Ready {
        /// Which subscription's.
        id: String,
        /// Where it stands.
        #[serde(flatten)]
        control: Control,
    },
    /// Nothing happened.
    Heartbeat {
        /// Whose cursor moved on; absent where no cursor did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// Its cursor.
        #[serde(flatten)]
        heartbeat: Heartbeat,
    },
    /// The answer to a `ping`.
    Pong {
        /// What the ping carried.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// A message was refused, or a subscription ends.
    Error {
        /// Which subscription, or what the message named; absent where it named none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// Why.
        problem: Problem,
        /// Where another subscription goes on, if one ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<String>,
    },
}

/// An event to be written, borrowed from where it lives. Gives the bytes that [`super::watch::Event`] gives.
#[derive(Debug, Clone, Copy)]
pub struct EventRef<'a> {
    /// Where a stream that begins here goes on.
    pub cursor: &'a str,
    /// The index at which it happened.
    pub index: u64,
    /// What happened: the name of a [`super::watch::Kind`].
    pub kind: &'static str,
    /// The key.
    pub key: &'a str,
    /// The entry after it.
    pub entry: Option<EntryRef<'a>>,
    /// The entry before it.
    pub old: Option<EntryRef<'a>>,
}

impl EventRef<'_> {
    /// How many bytes its fields take, unless much has to be escaped.
    pub fn room(&self) -> usize {
        let entry = |entry: &Option<EntryRef<'_>>| entry.as_ref().map_or(4, EntryRef::room);
        self.cursor.len() + self.key.len() + entry(&self.entry) + entry(&self.old) + 128
    }

    /// Appends its fields, without the braces around them.
    pub fn write_fields(&self, out: &mut Vec<u8>) {
        write_field(out, b"\"cursor\":", self.cursor);
        write_number(out, b",\"index\":", self.index);
        write_field(out, b",\"kind\":", self.kind);
        write_field(out, b",\"key\":", self.key);
        write_entry(out, b",\"entry\":", self.entry.as_ref());
        write_entry(out, b",\"old\":", self.old.as_ref());
    }
}

fn write_entry(out: &mut Vec<u8>, name: &[u8], entry: Option<&EntryRef<'_>>) {
    out.extend_from_slice(name);
    match entry {
        Some(entry) => entry.write(out),
        None => out.extend_from_slice(b"null"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::kv::Entry;
    use super::super::watch::{Event, Kind};
    use super::*;

    fn entry() -> EntryRef<'static> {
        EntryRef {
            key: "a\"b",
            value: Some(b"x"),
            flags: 7,
            create_index: 3,
            modify_index: 4,
            lock_index: 0,
            session: None,
            expires_at: None,
        }
    }

    fn read(text: &str) -> Entry {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_event_is_written_as_the_library_does() {
        let reference =
            EventRef { cursor: "c", index: 5, kind: "put", key: "a\"b", entry: Some(entry()), old: None };
        let mut out = b"{".to_vec();
        reference.write_fields(&mut out);
        out.push(b'}');
        let mut text = Vec::new();
        entry().write(&mut text);
        let event = Event {
            cursor: "c".into(),
            index: 5,
            kind: Kind::Put,
            key: "a\"b".into(),
            entry: Some(read(std::str::from_utf8(&text).unwrap())),
            old: None,
        };
        assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&event).unwrap());
    }

    #[test]
    fn messages_are_read_as_they_are_written() {
        let texts = [
            r#"{"type":"subscribed","id":"a"}"#,
            r#"{"type":"ready","id":"a","cursor":"c","index":4}"#,
            r#"{"type":"reset","id":"a","cursor":"c","index":4,"reason":"fell_out"}"#,
            r#"{"type":"heartbeat"}"#,
            r#"{"type":"heartbeat","id":"a","cursor":"c"}"#,
            r#"{"type":"pong","id":"x"}"#,
            r#"{"type":"change","id":"a","cursor":"c","index":4,"kind":"delete","key":"k","entry":null,"old":null}"#,
            r#"{"type":"initial","id":"a","cursor":"c","index":4,"kind":"present","what":"node","record":{"name":"n","address":"a","tagged_addresses":{},"meta":{},"create_index":1,"modify_index":2}}"#,
        ];
        for text in texts {
            let read: ServerMessage = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
        for what in
            [r#""glob":"app/**""#, r#""service":"web","tag":["a"],"passing":true"#, r#""services":true"#]
        {
            let text = format!(r#"{{"type":"subscribe","id":"a",{what},"initial":true,"old_values":false}}"#);
            let read: ClientMessage = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
    }
}
