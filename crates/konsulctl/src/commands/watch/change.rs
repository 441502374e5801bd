//! Changes as they are shown and handed on.

use konsul_client::v2::api;
use konsul_client::v2::api::catalog::{Check, Instance, Status};
use konsul_client::v2::api::kv::Entry;
use konsul_client::v2::api::watch::{Event, Kind, Record, RecordEvent, RecordKind};
use serde::Serialize;

use crate::commands::event::payload_text;
use crate::commands::service::rows::place;
use crate::failure::Outcome;
use crate::output::{Column, Output, Row};

/// A change as it is shown and handed on.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum Change {
    Key(Box<KeyChange>),
    Record(RecordChange),
    Event(Box<FiredEvent>),
}

/// An event, in the form in which events are listed.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FiredEvent {
    #[serde(flatten)]
    pub(crate) event: api::event::Event,
    pub(crate) cursor: String,
    /// Whether it was fired before the watch began.
    pub(crate) initial: bool,
}

/// A change of a key.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct KeyChange {
    #[serde(flatten)]
    pub(crate) event: Event,
    /// Whether it was there already.
    pub(crate) initial: bool,
}

/// A change of another record. Its kind says whether it was there already.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(crate) struct RecordChange {
    pub(crate) event: Box<RecordEvent>,
}

impl Change {
    pub(crate) fn of_key(event: Event, initial: bool) -> Change {
        Change::Key(Box::new(KeyChange { event, initial }))
    }

    pub(crate) fn of_record(told: Box<RecordEvent>) -> Change {
        match told.record {
            Record::Event(event) => {
                let initial = told.kind == RecordKind::Present;
                Change::Event(Box::new(FiredEvent { event, cursor: told.cursor, initial }))
            }
            _ => Change::Record(RecordChange { event: told }),
        }
    }

    /// Prints it as one of many that come one after the other.
    pub(crate) fn show(&self, out: &mut Output<'_, '_>) -> Outcome {
        match self {
            Change::Key(change) => out.item(change.as_ref()),
            Change::Record(change) => out.item(change),
            Change::Event(change) => out.item(&**change),
        }
    }

    pub(crate) fn cursor(&self) -> &str {
        match self {
            Change::Key(change) => &change.event.cursor,
            Change::Record(change) => &change.event.cursor,
            Change::Event(change) => &change.cursor,
        }
    }

    pub(crate) fn index(&self) -> u64 {
        match self {
            Change::Key(change) => change.event.index,
            Change::Record(change) => change.event.index,
            Change::Event(change) => change.event.index,
        }
    }

    /// What happened, in a word.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Change::Key(change) => kind(change.event.kind),
            Change::Record(change) => change.event.kind.as_str(),
            Change::Event(_) => RecordKind::Fired.as_str(),
        }
    }

    /// What it happened to: a later change of the same takes the place of an earlier one.
    pub(crate) fn subject(&self) -> String {
        match self {
            Change::Key(change) => change.event.key.clone(),
            Change::Record(change) => subject(&change.event.record),
            // Each event is its own subject.
            Change::Event(change) => change.event.id.clone(),
        }
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Put => "put",
        Kind::Delete => "delete",
        Kind::Expire => "expire",
    }
}

/// A record's kind and name.
pub(crate) fn subject(record: &Record) -> String {
    match record {
        Record::Instance(one) => format!("{}/{}", one.node, one.id),
        Record::Service(one) => one.name.clone(),
        Record::Node(one) => one.name.clone(),
        Record::Check(one) => format!("{}/{}", one.node, one.id),
        Record::Event(one) => one.id.clone(),
    }
}

fn status(status: Option<Status>) -> &'static str {
    status.map_or("", Status::as_str)
}

/// How a record stands, where that can be said in a word.
fn stands(record: &Record) -> String {
    match record {
        Record::Instance(one) => status(one.status).to_owned(),
        Record::Check(one) => one.status.as_str().to_owned(),
        Record::Service(one) => {
            format!("{} passing, {} warning, {} critical", one.passing, one.warning, one.critical)
        }
        Record::Node(_) | Record::Event(_) => String::new(),
    }
}

/// What else a person wants to know of a record.
fn details(record: &Record) -> String {
    match record {
        Record::Instance(one) => {
            let place = place(&one.address, one.port);
            let rest = [one.tags.join(","), troubles(one)];
            [place]
                .into_iter()
                .chain(rest.into_iter().filter(|text| !text.is_empty()))
                .collect::<Vec<_>>()
                .join("  ")
        }
        Record::Service(one) => one.tags.join(","),
        Record::Node(one) => one.address.clone(),
        Record::Check(one) => one.output.clone(),
        Record::Event(one) => payload_text(one),
    }
}

/// The checks that do not pass, with what they say.
fn troubles(of: &Instance) -> String {
    let bad = of.checks.iter().filter(|check| check.status != Status::Passing);
    bad.map(said).collect::<Vec<_>>().join("; ")
}

fn said(check: &Check) -> String {
    let output = check.output.trim();
    if output.is_empty() { check.id.clone() } else { format!("{}: {output}", check.id) }
}

fn value(entry: Option<&Entry>) -> String {
    entry.and_then(|entry| entry.value.clone().or_else(|| entry.value_base64.clone())).unwrap_or_default()
}

/// The kind of a record, in a word.
fn what(record: &Record) -> &'static str {
    match record {
        Record::Instance(_) => "instance",
        Record::Service(_) => "service",
        Record::Node(_) => "node",
        Record::Check(_) => "check",
        Record::Event(_) => "event",
    }
}

fn old_text(old: &Record) -> String {
    match stands(old) {
        stands if stands.is_empty() => details(old),
        stands => stands,
    }
}

impl Row for KeyChange {
    const COLUMNS: &'static [Column] = &[
        Column::number("INDEX", 7),
        Column::text("KIND", 9),
        Column::text("KEY", 9),
        Column::text("VALUE", 8),
        Column::text("OLD VALUE", 8),
    ];

    fn cells(&self) -> Vec<String> {
        let mut cells = self.plain();
        cells[4] = match &self.event.old {
            Some(old) => format!("(was {})", value(Some(old))),
            None => String::new(),
        };
        cells
    }

    fn plain(&self) -> Vec<String> {
        let kind = if self.initial { "initial" } else { kind(self.event.kind) };
        vec![
            self.event.index.to_string(),
            kind.to_owned(),
            self.event.key.clone(),
            value(self.event.entry.as_ref()),
            value(self.event.old.as_ref()),
        ]
    }
}

impl Row for RecordChange {
    const COLUMNS: &'static [Column] = &[
        Column::number("INDEX", 7),
        Column::text("KIND", 9),
        Column::text("WHAT", 5),
        Column::text("NAME", 9),
        Column::text("STATUS", 8),
        Column::text("DETAILS", 8),
        Column::text("OLD", 8),
    ];

    fn cells(&self) -> Vec<String> {
        let mut cells = self.plain();
        if !cells[6].is_empty() {
            cells[6] = format!("(was {})", cells[6]);
        }
        cells
    }

    fn plain(&self) -> Vec<String> {
        let record = &self.event.record;
        vec![
            self.event.index.to_string(),
            self.event.kind.as_str().to_owned(),
            what(record).to_owned(),
            subject(record),
            stands(record),
            details(record),
            self.event.old.as_ref().map(old_text).unwrap_or_default(),
        ]
    }
}

impl Row for FiredEvent {
    const COLUMNS: &'static [Column] = api::event::Event::COLUMNS;

    fn cells(&self) -> Vec<String> {
        self.event.cells()
    }

    fn plain(&self) -> Vec<String> {
        self.event.plain()
    }
}
