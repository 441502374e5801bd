//! Events as bytes: frames of server-sent events, and messages of the WebSocket.

use konsul_api::v2::kv::EntryRef;
use konsul_api::v2::problem::Problem;
use konsul_api::v2::stream::{
    CHANGE, Control, ERROR, EventRef, Failure, HEARTBEAT, Heartbeat, INITIAL, READY, RESET, ServerMessage,
};
use konsul_api::v2::text::write_field;
use konsul_api::v2::time::Timestamp;
use konsul_api::v2::watch::{Change, Record, RecordEvent, RecordKind};
use konsul_operations::watch::{self, ChangeKind, Place, WatchEvent};
use konsul_types::KvRecord;
use serde::Serialize;
use uuid::fmt::Hyphenated;

use super::cursor::{Cursor, Question};
use crate::v2::{events, services, told};

/// Appends an event as a frame of server-sent events. [`WatchEvent::End`] is for the caller to word.
pub(crate) fn sse(out: &mut Vec<u8>, question: Question, event: &WatchEvent) {
    let cursor = question.cursor(event.place());
    match event {
        WatchEvent::Change(_) | WatchEvent::Initial { .. } => with_event(event, &cursor, |name, event| {
            out.reserve(event.room());
            begin_frame(out, name, &cursor);
            out.push(b'{');
            event.write_fields(out);
            out.extend_from_slice(b"}\n\n");
        }),
        WatchEvent::Record(_) | WatchEvent::Present { .. } => {
            let (name, event) = record(event, &cursor);
            frame(out, name, &cursor, &event);
        }
        WatchEvent::Reset { .. } => frame(out, RESET, &cursor, &control(event, &cursor)),
        WatchEvent::Ready { .. } => frame(out, READY, &cursor, &control(event, &cursor)),
        WatchEvent::End { .. } => {}
    }
}

/// Appends a heartbeat as a frame.
pub(crate) fn sse_heartbeat(out: &mut Vec<u8>, question: Question, place: Place) {
    let cursor = question.cursor(place);
    frame(out, HEARTBEAT, &cursor, &Heartbeat { cursor: Some(cursor.as_str().to_owned()) });
}

/// Appends the last frame of a stream that ends before its client wanted it to.
pub(crate) fn sse_failure(out: &mut Vec<u8>, question: Question, place: Place, problem: Problem) {
    let cursor = question.cursor(place);
    frame(out, ERROR, &cursor, &Failure { problem, cursor: Some(cursor.as_str().to_owned()) });
}

fn begin_frame(out: &mut Vec<u8>, name: &str, cursor: &Cursor) {
    for part in ["event: ", name, "\nid: ", cursor.as_str(), "\ndata: "] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// JSON has no line breaks in it, so that the data is one line.
fn frame<T: Serialize>(out: &mut Vec<u8>, name: &str, cursor: &Cursor, data: &T) {
    begin_frame(out, name, cursor);
    serde_json::to_writer(&mut *out, data).expect("only text as keys, and a vector takes all bytes");
    out.extend_from_slice(b"\n\n");
}

/// An event as a message of the WebSocket. [`WatchEvent::End`] is for the caller to word.
pub(crate) fn message(id: &str, question: Question, event: &WatchEvent) -> String {
    let cursor = question.cursor(event.place());
    match event {
        WatchEvent::Change(_) | WatchEvent::Initial { .. } => with_event(event, &cursor, |name, event| {
            let mut out = Vec::with_capacity(event.room() + id.len() + 40);
            write_field(&mut out, b"{\"type\":", name);
            write_field(&mut out, b",\"id\":", id);
            out.push(b',');
            event.write_fields(&mut out);
            out.push(b'}');
            String::from_utf8(out).expect("JSON of texts is text")
        }),
        WatchEvent::Record(_) | WatchEvent::Present { .. } => {
            let (name, event) = record(event, &cursor);
            let (id, event) = (id.to_owned(), Change::Record(Box::new(event)));
            text(&match name {
                INITIAL => ServerMessage::Initial { id, event },
                _ => ServerMessage::Change { id, event },
            })
        }
        WatchEvent::Reset { .. } => {
            text(&ServerMessage::Reset { id: id.to_owned(), control: control(event, &cursor) })
        }
        WatchEvent::Ready { .. } | WatchEvent::End { .. } => {
            text(&ServerMessage::Ready { id: id.to_owned(), control: control(event, &cursor) })
        }
    }
}

/// A message's text.
pub(crate) fn text(message: &ServerMessage) -> String {
    serde_json::to_string(message).expect("messages have only text as keys")
}

fn control(event: &WatchEvent, cursor: &Cursor) -> Control {
    let reason = match event {
        WatchEvent::Reset { reason, .. } => Some(reason.code().to_owned()),
        _ => None,
    };
    Control { cursor: cursor.as_str().to_owned(), index: event.place().index.0, reason }
}

/// Lends a change or an initial entry in the wire's form, with its name.
fn with_event<T>(
    event: &WatchEvent,
    cursor: &Cursor,
    write: impl FnOnce(&'static str, &EventRef<'_>) -> T,
) -> T {
    let (name, key, new, old, kind) = match event {
        WatchEvent::Change(change) => {
            (CHANGE, &change.key, change.new.as_deref(), change.old.as_deref(), kind(change.kind))
        }
        WatchEvent::Initial { entry, .. } => (INITIAL, &entry.key, Some(&*entry.record), None, "put"),
        _ => unreachable!("only changes and entries are lent"),
    };
    let key = key.as_str();
    let (mut new_session, mut old_session) = ([0; Hyphenated::LENGTH], [0; Hyphenated::LENGTH]);
    let event = EventRef {
        cursor: cursor.as_str(),
        index: event.place().index.0,
        kind,
        key,
        entry: new.map(|record| entry(key, record, &mut new_session)),
        old: old.map(|record| entry(key, record, &mut old_session)),
    };
    write(name, &event)
}

/// A change of a record beside keys, or one that was there, in the wire's form, with its name.
fn record(event: &WatchEvent, cursor: &Cursor) -> (&'static str, RecordEvent) {
    let (name, kind, record, old) = match event {
        WatchEvent::Record(change) => (CHANGE, record_kind(change.kind), &change.record, change.old.as_ref()),
        WatchEvent::Present { record, .. } => (INITIAL, RecordKind::Present, record, None),
        _ => unreachable!("keys are lent"),
    };
    let event = RecordEvent {
        cursor: cursor.as_str().to_owned(),
        index: event.place().index.0,
        kind,
        record: told(record),
        old: old.map(told),
    };
    (name, event)
}

fn record_kind(kind: watch::RecordKind) -> RecordKind {
    match kind {
        watch::RecordKind::Added => RecordKind::Added,
        watch::RecordKind::Entered => RecordKind::Entered,
        watch::RecordKind::Changed => RecordKind::Changed,
        watch::RecordKind::Left => RecordKind::Left,
        watch::RecordKind::Removed => RecordKind::Removed,
        watch::RecordKind::Fired => RecordKind::Fired,
    }
}

fn told(record: &watch::Record) -> Record {
    match record {
        watch::Record::Instance(one) => Record::Instance(told::instance(one)),
        watch::Record::Service(one) => Record::Service(services::summary(one)),
        watch::Record::Node(one) => Record::Node(told::node(one)),
        watch::Record::Check(one) => Record::Check(told::check(one)),
        watch::Record::Event(one) => Record::Event(events::body(one)),
    }
}

fn kind(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Put => "put",
        ChangeKind::Delete => "delete",
        ChangeKind::Expire => "expire",
    }
}

type Session = [u8; Hyphenated::LENGTH];

fn entry<'a>(key: &'a str, record: &'a KvRecord, session: &'a mut Session) -> EntryRef<'a> {
    EntryRef {
        key,
        value: Some(record.value.as_bytes()),
        flags: record.flags,
        create_index: record.create_index.0,
        modify_index: record.modify_index.0,
        lock_index: record.lock_index,
        session: record.session.map(|id| &*id.0.as_hyphenated().encode_lower(session)),
        expires_at: record.expires_at.at().map(|at| Timestamp(at.0)),
    }
}
