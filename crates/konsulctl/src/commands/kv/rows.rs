//! How entries, versions and events are shown.

use konsul_client::v2::api::kv::{Entry, Version, VersionKind};
use konsul_client::v2::api::watch::{Event, Kind};
use serde::Serialize;

use crate::commands::session::{in_words, now};
use crate::output::{Column, Row, bytes};

/// The most of a value that a cell shows.
const PREVIEW: usize = 4096;

/// A value in a cell: the text itself, or what it is if it is none.
pub(crate) fn value_cell(text: Option<&str>, base64: Option<&str>) -> String {
    match (text, base64) {
        (Some(text), _) => preview(text).to_owned(),
        (None, Some(base64)) => format!("({} that are no text)", bytes(decoded(base64))),
        (None, None) => String::new(),
    }
}

fn preview(text: &str) -> &str {
    let end = (0..=PREVIEW.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

/// How many bytes some base64 with padding stands for.
fn decoded(base64: &str) -> u64 {
    let padding = base64.bytes().rev().take_while(|byte| *byte == b'=').count();
    (base64.len() / 4 * 3).saturating_sub(padding) as u64
}

/// A value for scripts: the text, or its base64 with a mark in front.
fn value_plain(text: Option<&str>, base64: Option<&str>) -> String {
    match (text, base64) {
        (Some(text), _) => text.to_owned(),
        (None, Some(base64)) => format!("base64:{base64}"),
        (None, None) => String::new(),
    }
}

/// Size of a value in bytes; `None` where it did not come along.
fn size(text: Option<&str>, base64: Option<&str>) -> Option<u64> {
    match (text, base64) {
        (Some(text), _) => Some(text.len() as u64),
        (None, Some(base64)) => Some(decoded(base64)),
        (None, None) => None,
    }
}

fn number(number: u64) -> String {
    if number == 0 { String::new() } else { number.to_string() }
}

impl Row for Entry {
    const COLUMNS: &'static [Column] = &[
        Column::text("KEY", 9),
        Column::number("SIZE", 4),
        Column::number("FLAGS", 2),
        Column::number("INDEX", 5),
        Column::text("EXPIRES", 6),
        Column::text("SESSION", 3),
        Column::text("VALUE", 8),
    ];

    fn cells(&self) -> Vec<String> {
        let (text, base64) = (self.value.as_deref(), self.value_base64.as_deref());
        vec![
            self.key.clone(),
            size(text, base64).map(|size| size.to_string()).unwrap_or_default(),
            number(self.flags),
            self.modify_index.to_string(),
            self.expires_at.map(|at| in_words(at, now())).unwrap_or_default(),
            self.session.clone().unwrap_or_default(),
            value_cell(text, base64),
        ]
    }

    fn plain(&self) -> Vec<String> {
        let (text, base64) = (self.value.as_deref(), self.value_base64.as_deref());
        vec![
            self.key.clone(),
            size(text, base64).map(|size| size.to_string()).unwrap_or_default(),
            self.flags.to_string(),
            self.modify_index.to_string(),
            self.expires_at.map(|at| at.to_string()).unwrap_or_default(),
            self.session.clone().unwrap_or_default(),
            value_plain(text, base64),
        ]
    }
}

/// A key that was written: a script wants its index.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Written(pub(crate) Entry);

impl Row for Written {
    const COLUMNS: &'static [Column] = &[Column::text("KEY", 9), Column::number("INDEX", 8)];

    fn cells(&self) -> Vec<String> {
        vec![self.0.key.clone(), self.0.modify_index.to_string()]
    }
}

/// A line of a listing: an entry, or a folder that holds more.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Listed {
    /// What stands for all keys below it.
    Folder {
        /// It ends with the delimiter.
        prefix: String,
    },
    /// A key.
    Entry(Entry),
}

impl Listed {
    pub(crate) fn name(&self) -> &str {
        match self {
            Listed::Folder { prefix } => prefix,
            Listed::Entry(entry) => &entry.key,
        }
    }
}

impl Row for Listed {
    const COLUMNS: &'static [Column] = Entry::COLUMNS;

    fn cells(&self) -> Vec<String> {
        match self {
            Listed::Folder { prefix } => folder(prefix),
            Listed::Entry(entry) => entry.cells(),
        }
    }

    fn plain(&self) -> Vec<String> {
        match self {
            Listed::Folder { prefix } => folder(prefix),
            Listed::Entry(entry) => entry.plain(),
        }
    }
}

fn folder(prefix: &str) -> Vec<String> {
    let mut cells = vec![String::new(); Entry::COLUMNS.len()];
    cells[0] = prefix.to_owned();
    cells
}

impl Row for Version {
    const COLUMNS: &'static [Column] = &[
        Column::number("INDEX", 9),
        Column::text("WHEN", 6),
        Column::text("KIND", 7),
        Column::number("SIZE", 3),
        Column::number("FLAGS", 2),
        Column::text("VALUE", 8),
    ];

    fn cells(&self) -> Vec<String> {
        version(self, self.at.map(|at| in_words(at, now())), value_cell)
    }

    fn plain(&self) -> Vec<String> {
        version(self, self.at.map(|at| at.to_string()), value_plain)
    }
}

fn version(
    of: &Version,
    when: Option<String>,
    value: fn(Option<&str>, Option<&str>) -> String,
) -> Vec<String> {
    let (text, base64) = (of.value.as_deref(), of.value_base64.as_deref());
    let kind = match of.kind {
        VersionKind::Put => "put",
        VersionKind::Delete => "delete",
    };
    vec![
        of.index.to_string(),
        when.unwrap_or_default(),
        kind.to_owned(),
        size(text, base64).map(|size| size.to_string()).unwrap_or_default(),
        of.flags.map(number).unwrap_or_default(),
        value(text, base64),
    ]
}

/// A change as `kv watch` shows it.
#[derive(Debug, Serialize)]
pub(crate) struct Seen {
    #[serde(flatten)]
    pub(crate) event: Event,
    /// Whether it was there already.
    pub(crate) initial: bool,
}

impl Row for Seen {
    const COLUMNS: &'static [Column] = &[
        Column::number("INDEX", 5),
        Column::text("KIND", 9),
        Column::text("KEY", 9),
        Column::text("VALUE", 8),
    ];

    fn cells(&self) -> Vec<String> {
        self.with(value_cell)
    }

    fn plain(&self) -> Vec<String> {
        self.with(value_plain)
    }
}

impl Seen {
    fn with(&self, value: fn(Option<&str>, Option<&str>) -> String) -> Vec<String> {
        let event = &self.event;
        let kind = match event.kind {
            _ if self.initial => "initial",
            Kind::Put => "put",
            Kind::Delete => "delete",
            Kind::Expire => "expire",
        };
        let entry = event.entry.as_ref();
        vec![
            event.index.to_string(),
            kind.to_owned(),
            event.key.clone(),
            value(
                entry.and_then(|entry| entry.value.as_deref()),
                entry.and_then(|entry| entry.value_base64.as_deref()),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_counted_in_bytes() {
        for (text, length) in [("", 0), ("/w==", 1), ("//8=", 2), ("////", 3), ("/////w==", 4)] {
            assert_eq!(decoded(text), length, "{text}");
        }
    }

    #[test]
    fn a_preview_ends_between_characters() {
        let long = "é".repeat(PREVIEW);
        assert_eq!(preview(&long).len(), PREVIEW);
        assert_eq!(preview(&format!("a{long}")).len(), PREVIEW - 1);
        assert_eq!(preview("ab"), "ab");
    }
}
