//! Where the reader is, what it expected on the way, and the faults that it met.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::expression::Expression;
use crate::limits::FAULTS_MAX;

/// A place in the text. Columns count letters; a line's end is column 0 of the next line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: usize,
    line: usize,
    column: usize,
}

/// Something that was looked for.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    /// A text, or the name of a class of letters.
    what: &'static str,
    /// It is a text, and shown in quotes.
    is_text: bool,
    /// It was looked for as that which must not be there.
    inverted: bool,
}

/// What was read from a place, and where it ended.
pub(super) type Remembered = Option<(Arc<Expression>, Place)>;

/// The reader.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: Place,
    furthest: Place,
    wanted: Vec<Wanted>,
    inverted: bool,
    faults: Vec<String>,
    /// What an expression that begins at an offset gave, so that going back costs nothing.
    pub(super) remembered: BTreeMap<usize, Remembered>,
    pub(super) depth: usize,
    pub(super) refused_depth: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut scanner = Self {
            text,
            at: Place { offset: 0, line: 1, column: 0 },
            furthest: Place { offset: 0, line: 1, column: 1 },
            wanted: Vec::new(),
            inverted: false,
            faults: Vec::new(),
            remembered: BTreeMap::new(),
            depth: 0,
            refused_depth: false,
        };
        scanner.arrive();
        scanner
    }

    pub(super) fn at(&self) -> Place {
        self.at
    }

    pub(super) fn go_to(&mut self, place: Place) {
        self.at = place;
    }

    pub(super) fn since(&self, start: Place) -> &'a str {
        &self.text[start.offset..self.at.offset]
    }

    fn letter(&self) -> Option<char> {
        self.text[self.at.offset..].chars().next()
    }

    fn advance(&mut self, letter: char) {
        self.at.offset += letter.len_utf8();
        self.arrive();
    }

    fn arrive(&mut self) {
        self.at.column += 1;
        if self.letter() == Some('\n') {
            self.at.line += 1;
            self.at.column = 0;
        }
    }

    /// Reads one text, or stays.
    pub(super) fn literal(&mut self, text: &'static str) -> Option<()> {
        let start = self.at;
        let found = self.text[start.offset..].starts_with(text);
        if found {
            text.chars().for_each(|letter| self.advance(letter));
        }
        self.note(found, start, text, true);
        found.then_some(())
    }

    /// Reads one letter of a class, or stays.
    pub(super) fn class(&mut self, name: &'static str, holds: fn(char) -> bool) -> Option<char> {
        let start = self.at;
        let found = self.letter().filter(|letter| holds(*letter));
        if let Some(letter) = found {
            self.advance(letter);
        }
        self.note(found.is_some(), start, name, false);
        found
    }

    /// Reads any letter.
    pub(super) fn any(&mut self) -> Option<char> {
        self.class(".", |_| true)
    }

    /// Whether the text ends here.
    pub(super) fn end(&mut self) -> Option<()> {
        self.not_ahead(Self::any)
    }

    /// Tries a sequence: where a part of it fails, it was not read at all.
    pub(super) fn sequence<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let start = self.at;
        let found = read(self);
        if found.is_none() {
            self.at = start;
        }
        found
    }

    /// Looks ahead for something, and stays.
    pub(super) fn ahead<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let start = self.at;
        let found = read(self);
        self.at = start;
        found
    }

    /// Looks ahead for something that must not be there, and stays.
    pub(super) fn not_ahead<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<()> {
        self.inverted = !self.inverted;
        let found = self.ahead(read);
        self.inverted = !self.inverted;
        found.is_none().then_some(())
    }

    /// Notes what was looked for, if it tells why the reader did not get further.
    fn note(&mut self, found: bool, place: Place, what: &'static str, is_text: bool) {
        if found != self.inverted || place.offset < self.furthest.offset {
            return;
        }
        if place.offset > self.furthest.offset {
            self.furthest = place;
            self.wanted.clear();
        }
        self.wanted.push(Wanted { what, is_text, inverted: self.inverted });
    }

    /// Notes a fault that stays one, whichever choice is tried next.
    pub(super) fn fault(&mut self, place: Place, rule: &str, what: &str) {
        let Place { offset, line, column } = place;
        let text = format!("{line}:{column} ({offset}): rule \"{rule}\": {what}");
        if self.faults.len() < FAULTS_MAX && !self.faults.contains(&text) {
            self.faults.push(text);
        }
    }

    pub(super) fn too_deep(&self) -> bool {
        self.refused_depth
    }

    /// The faults, one a line.
    pub(super) fn faults(&self) -> Option<String> {
        (!self.faults.is_empty()).then(|| self.faults.join("\n"))
    }

    /// What was expected at the furthest place.
    pub(super) fn expectation(&self) -> String {
        let Place { offset, line, column } = self.furthest;
        let mut wanted: BTreeSet<String> = self.wanted.iter().map(|wanted| wanted.text()).collect();
        let end = wanted.remove("!.").then(|| "EOF".to_owned());
        let all: Vec<String> = wanted.into_iter().chain(end).collect();
        let list = match all.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ => all.concat(),
        };
        format!("{line}:{column} ({offset}): no match found, expected: {list}")
    }
}

impl Wanted {
    fn text(self) -> String {
        let sign = if self.inverted { "!" } else { "" };
        if self.is_text { format!("{sign}{:?}", self.what) } else { format!("{sign}{}", self.what) }
    }
}
