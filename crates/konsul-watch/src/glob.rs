//! Patterns over keys: `*` stays inside a segment, `**` goes across.
//!
//! A pattern is matched in one pass over the key with a set of places in the pattern, so that no pattern makes a
//! match cost more than the key's length times its own. What comes before the first star is a prefix, and a
//! subscription is to that prefix: keys elsewhere never wake it.

use std::fmt;
use std::sync::Arc;

use konsul_types::{Key, Namespace};
use smallvec::SmallVec;

use crate::topic::Topic;

/// Most bytes of a pattern.
pub const PATTERN_MAX: usize = 1024;

/// A pattern over keys.
///
/// `*` stands for any text without a slash, nothing included. `**` stands for any text, slashes included. Between
/// two slashes, or before the first one, `**` also stands for no segment at all: `a/**/b` matches `a/b`, and `**/b`
/// matches `b`. A backslash makes the star or backslash after it an ordinary character.
#[derive(Clone, PartialEq, Eq)]
pub struct Glob {
    text: Arc<str>,
    /// The text before the first star, without escapes.
    prefix: Arc<str>,
    /// What follows it.
    steps: Arc<[Step]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// This byte.
    Byte(u8),
    /// Any text without a slash.
    Within,
    /// Any text.
    Across,
    /// Any number of whole segments, each with its slash.
    Segments,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// It has no character.
    #[error("the pattern is empty; ** matches every key")]
    Empty,
    /// It has more bytes than a pattern may have.
    #[error("the pattern has {0} bytes; at most {PATTERN_MAX} are allowed")]
    TooLong(usize),
    /// A backslash is followed by something that needs none.
    #[error("the backslash at byte {0} escapes nothing; write \\* for a star and \\\\ for a backslash")]
    Escape(usize),
}

impl Glob {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// [`GlobError`], which says what would be right.
    pub fn new(text: &str) -> Result<Glob, GlobError> {
        match text.len() {
            0 => return Err(GlobError::Empty),
            length if length > PATTERN_MAX => return Err(GlobError::TooLong(length)),
            _ => {}
        }
        let steps = read(text)?;
        let literal = steps.iter().position(|step| !matches!(step, Step::Byte(_))).unwrap_or(steps.len());
        let prefix: Vec<u8> = steps[..literal].iter().filter_map(Step::byte).collect();
        let prefix = String::from_utf8(prefix).expect("stars and backslashes never cut a character");
        Ok(Glob { text: text.into(), prefix: prefix.into(), steps: steps[literal..].into() })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What every key that matches begins with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The one key that it matches, if it has no star.
    pub fn literal(&self) -> Option<&str> {
        self.steps.is_empty().then_some(&*self.prefix)
    }

    /// The narrowest topic that has every key that matches.
    pub fn topic(&self, namespace: Namespace) -> Topic {
        match self.literal().map(Key::new) {
            Some(Ok(key)) => Topic::Key(namespace, key),
            // A text that is no key is a prefix of no key either; nothing will match.
            _ => Topic::Prefix(namespace, Arc::clone(&self.prefix)),
        }
    }

    /// Whether it matches a key.
    pub fn matches(&self, key: &str) -> bool {
        let Some(rest) = key.strip_prefix(&*self.prefix) else {
            return false;
        };
        match &*self.steps {
            [] => rest.is_empty(),
            [Step::Across] => true,
            [Step::Within] => !rest.contains('/'),
            steps => walk(steps, rest.as_bytes()),
        }
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Glob({:?})", self.text)
    }
}

impl Step {
    fn byte(&self) -> Option<u8> {
        match self {
            Step::Byte(byte) => Some(*byte),
            _ => None,
        }
    }
}

fn read(text: &str) -> Result<Vec<Step>, GlobError> {
    let bytes = text.as_bytes();
    let mut steps = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'*' => at = read_stars(bytes, at, &mut steps),
            b'\\' => {
                let escaped = bytes.get(at + 1).filter(|next| matches!(next, b'*' | b'\\'));
                steps.push(Step::Byte(*escaped.ok_or(GlobError::Escape(at))?));
                at += 2;
            }
            byte => {
                steps.push(Step::Byte(byte));
                at += 1;
            }
        }
    }
    Ok(steps)
}

/// Reads a run of stars that begins there; answers where it goes on.
fn read_stars(bytes: &[u8], start: usize, steps: &mut Vec<Step>) -> usize {
    let stars = bytes[start..].iter().take_while(|byte| **byte == b'*').count();
    let end = start + stars;
    let begins_segment = matches!(steps.last(), None | Some(Step::Byte(b'/') | Step::Segments));
    if stars == 1 {
        steps.push(Step::Within);
    } else if begins_segment && bytes.get(end) == Some(&b'/') {
        steps.push(Step::Segments);
        return end + 1;
    } else {
        steps.push(Step::Across);
    }
    end
}

/// The places in a pattern that the text so far may have led to, as bits.
type Places = SmallVec<[u64; 4]>;

fn walk(steps: &[Step], text: &[u8]) -> bool {
    let words = steps.len() / 64 + 1;
    let mut places: Places = SmallVec::from_elem(0, words);
    let mut next = places.clone();
    enter(steps, 0, &mut places);
    for &byte in text {
        next.fill(0);
        for word in 0..words {
            let mut bits = places[word];
            while bits != 0 {
                take(steps, word * 64 + bits.trailing_zeros() as usize, byte, &mut next);
                bits &= bits - 1;
            }
        }
        if next.iter().all(|word| *word == 0) {
            return false;
        }
        std::mem::swap(&mut places, &mut next);
    }
    has(&places, steps.len())
}

/// Takes one byte at one place.
fn take(steps: &[Step], place: usize, byte: u8, next: &mut Places) {
    match steps.get(place) {
        None => {}
        Some(Step::Byte(wanted)) if *wanted == byte => enter(steps, place + 1, next),
        Some(Step::Byte(_)) => {}
        Some(Step::Within) if byte == b'/' => {}
        Some(Step::Within | Step::Across) => enter(steps, place, next),
        Some(Step::Segments) => {
            // In the middle of a segment it cannot end.
            set(next, place);
            if byte == b'/' {
                enter(steps, place + 1, next);
            }
        }
    }
}

/// Comes to a place, and to those behind it that ask for nothing.
fn enter(steps: &[Step], mut place: usize, places: &mut Places) {
    loop {
        set(places, place);
        match steps.get(place) {
            Some(Step::Within | Step::Across | Step::Segments) => place += 1,
            _ => return,
        }
    }
}

fn set(places: &mut Places, place: usize) {
    places[place / 64] |= 1 << (place % 64);
}

fn has(places: &Places, place: usize) -> bool {
    places[place / 64] & 1 << (place % 64) != 0
}
