//! How a command shows things: one interface, four forms.
//!
//! | form | one thing | many things | a stream |
//! | --- | --- | --- | --- |
//! | `table` | a name and a value a line | columns, cut to the terminal's width with `…` | a line each |
//! | `json` | an object | an array | an object a line |
//! | `yaml` | a document | a list | a document each |
//! | `plain` | the cells of a line | a line each, cells parted by tabs, no headings, nothing cut | a line each |
//!
//! Without `--output` it is `table` on a terminal and `plain` into a pipe or file, so that `cut`, `awk` and `while read`
//! work without an option. Field names of `json` and `yaml` are the API's and are only ever added to. Colour is on
//! terminals only, and never with `--no-color`, `NO_COLOR` or `TERM=dumb`.

mod json;
mod plain;
mod table;
mod text;
mod yaml;

use std::time::Duration;

use konsul_config::GoDuration;
use serde::Serialize;

use crate::console::Console;
use crate::failure::Outcome;

pub(crate) use text::{ago, bytes, cut, filled, folded, quoted, shown, width as text_width};

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Columns for people.
    Table,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// Cells parted by tabs, a line for each thing.
    Plain,
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its heading, in capitals.
    pub name: &'static str,
    /// How much it matters: on a narrow terminal columns of the lowest rank go first. 9 never goes.
    pub rank: u8,
    /// Whether it holds numbers, which end where the column ends.
    pub number: bool,
    /// Whether its cells are of no use when cut, such as an id that is to be copied: then it goes rather than being cut.
    pub whole: bool,
}

impl Column {
    /// A column of text.
    pub const fn text(name: &'static str, rank: u8) -> Column {
        Column { name, rank, number: false, whole: false }
    }

    /// A column of numbers.
    pub const fn number(name: &'static str, rank: u8) -> Column {
        Column { name, rank, number: true, whole: false }
    }

    /// A column of texts that are of no use when cut.
    pub const fn whole(name: &'static str, rank: u8) -> Column {
        Column { name, rank, number: false, whole: true }
    }
}

/// Something that a command shows.
pub trait Row: Serialize {
    /// Its columns.
    const COLUMNS: &'static [Column];

    /// Its cells, as many as there are columns, as people read them: control characters are escaped on the way out.
    fn cells(&self) -> Vec<String>;

    /// Its cells for scripts: exact numbers and times where `cells` rounds.
    fn plain(&self) -> Vec<String> {
        self.cells()
    }
}

impl<T: Row> Row for &T {
    const COLUMNS: &'static [Column] = T::COLUMNS;

    fn cells(&self) -> Vec<String> {
        (*self).cells()
    }

    fn plain(&self) -> Vec<String> {
        (*self).plain()
    }
}

/// A list that is shown page by page.
#[derive(Debug, Default)]
pub struct Listing {
    shown: u64,
    layout: Option<table::Layout>,
}

impl Listing {
    /// How many things were shown.
    pub fn shown(&self) -> u64 {
        self.shown
    }
}

/// Where a command shows things. Made by `Run::out`.
pub struct Output<'o, 'c> {
    console: &'o mut Console<'c>,
    format: Format,
}

impl<'o, 'c> Output<'o, 'c> {
    pub(crate) fn new(console: &'o mut Console<'c>, format: Format) -> Output<'o, 'c> {
        Output { console, format }
    }

    /// Shows one thing.
    pub fn one<T: Row>(&mut self, item: &T) -> Outcome {
        match self.format {
            Format::Table => table::one(item, self.console),
            Format::Json => json::one(item, self.console),
            Format::Yaml => yaml::document(item, self.console),
            Format::Plain => plain::line(item, self.console),
        }
    }

    /// Shows many things; `empty` is what a person is told if there are none.
    pub fn list<T: Row>(&mut self, items: &[T], empty: &str) -> Outcome {
        let mut listing = Listing::default();
        self.page(&mut listing, items)?;
        self.end(&listing, empty)
    }

    /// Shows some of many things that come page by page: nothing is kept but the widths of columns, which the first
    /// page decides. [`Output::end`] closes it.
    pub fn page<T: Row>(&mut self, listing: &mut Listing, items: &[T]) -> Outcome {
        if items.is_empty() {
            return Ok(());
        }
        match self.format {
            Format::Table => table::page(listing, items, self.console)?,
            Format::Json => json::page(listing.shown == 0, items, self.console)?,
            Format::Yaml => yaml::list(items, self.console)?,
            Format::Plain => items.iter().try_for_each(|item| plain::line(item, self.console))?,
        }
        listing.shown += items.len() as u64;
        Ok(())
    }

    /// Closes a list of pages; `empty` is what a person is told if there was nothing in them.
    pub fn end(&mut self, listing: &Listing, empty: &str) -> Outcome {
        match (self.format, listing.shown) {
            (Format::Table, 0) => {
                self.console.note(empty);
                Ok(())
            }
            (Format::Json, shown) => json::end(shown == 0, self.console),
            (Format::Yaml, 0) => self.console.line("[]"),
            _ => Ok(()),
        }
    }

    /// Shows one of the things that come one after the other, and makes it visible at once.
    pub fn item<T: Row>(&mut self, item: &T) -> Outcome {
        match self.format {
            Format::Table => table::line(item, self.console)?,
            Format::Json => json::line(item, self.console)?,
            Format::Yaml => yaml::streamed(item, self.console)?,
            Format::Plain => plain::line(item, self.console)?,
        }
        self.console.flush()
    }

    /// Shows what a write did: a sentence for people, the answer itself for programs.
    pub fn done<T: Row>(&mut self, sentence: &str, answer: &T) -> Outcome {
        match self.format {
            Format::Table => self.console.line(sentence),
            _ => self.one(answer),
        }
    }

    /// Writes bytes as they are, whatever the form.
    pub fn raw(&mut self, bytes: &[u8]) -> Outcome {
        self.console.write(bytes)
    }

    /// Writes a line as it is.
    pub fn line(&mut self, text: &str) -> Outcome {
        self.console.line(text)
    }

    /// The form that was asked for.
    pub fn format(&self) -> Format {
        self.format
    }
}

/// The lines of a table for a terminal of so many columns, its heading first.
pub(crate) fn table_lines<T: Row>(items: &[T], columns: usize, colour: bool) -> Vec<String> {
    table::lines(items, Some(columns), colour).1
}

/// A duration as Go writes it, such as `30s` or `1h30m`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let parsed: GoDuration =
        text.parse().map_err(|_| "write a duration such as 500ms, 30s or 1h30m".to_owned())?;
    if parsed.0 < 0 { Err("a duration cannot be negative".to_owned()) } else { Ok(parsed.to_std()) }
}
