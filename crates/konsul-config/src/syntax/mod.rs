//! From bytes to a tree of values with their places: HCL 1, JSON and TOML.
//!
//! Consul's files are HCL version 1, a small language without expressions; the libraries of today read version 2,
//! which refuses quoted keys and bare JSON, and evaluates what version 1 takes as text. The reader here covers what
//! version 1 has: `key = value`, blocks with labels, lists, objects, comments, here-documents. A file that begins
//! with `{` is JSON whatever it is called, as it is for Consul. TOML, which Consul does not read, is left to its library.
//!
//! The tree keeps every key in the order of the file, repeated ones too; what a repetition means is decided later.

mod cursor;
mod hcl;
mod json;
mod toml;

use std::fmt;

use thiserror::Error;

/// The largest file that is read, in bytes. A configuration is a few kilobytes; a larger file is a mistake.
pub const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;

/// How deep blocks and lists may nest. Consul's deepest definition has about ten levels.
pub const MAX_DEPTH: usize = 64;

/// The language of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// HCL version 1, or JSON if the text begins with `{`.
    Hcl,
    /// JSON.
    Json,
    /// TOML 1.1.
    Toml,
}

impl Format {
    /// The format that a file name's ending stands for.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1 {
            "hcl" => Some(Self::Hcl),
            "json" => Some(Self::Json),
            "toml" => Some(Self::Toml),
            _ => None,
        }
    }

    /// The format of this name, as `-config-format` takes it.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::of_name(&format!(".{word}"))
    }
}

/// A place in a text; both numbers count from one, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The character in that line.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A value as written, before anything is known about its key.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// JSON's `null`: the key counts as not given.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction, or one too large; kept as written, since no option takes one.
    Number(String),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A block or an object, in the order of the file.
    Object(Vec<Item>),
}

/// A value and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where its first character is.
    pub at: Position,
}

/// One key of a block or an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The key as written.
    pub key: String,
    /// Where the key begins.
    pub at: Position,
    /// What it is set to.
    pub node: Node,
}

/// Why a text is not of its language.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// Where reading stopped.
    pub at: Position,
    /// What was found there and what was expected.
    pub message: String,
}

/// Reads a file's bytes into a tree. `name` decides the format by its ending; without a known one the text is
/// taken for HCL. Never panics, whatever the bytes are.
///
/// # Errors
/// The first place at which the text stops being of its language, is not UTF-8, is nested too deeply or is too large.
pub fn parse_bytes(name: &str, bytes: &[u8]) -> Result<Vec<Item>, SyntaxError> {
    parse(Format::of_name(name).unwrap_or(Format::Hcl), bytes)
}

/// Reads bytes of a known format into a tree.
///
/// # Errors
/// As [`parse_bytes`].
pub fn parse(format: Format, bytes: &[u8]) -> Result<Vec<Item>, SyntaxError> {
    let text = decode(bytes)?;
    let first = text.trim_start().chars().next();
    match (format, first) {
        // An empty file says nothing, in any language.
        (_, None) => Ok(Vec::new()),
        (Format::Hcl, Some('{')) | (Format::Json, _) => json::parse(text),
        (Format::Hcl, _) => hcl::parse(text),
        (Format::Toml, _) => toml::parse(text),
    }
}

/// The text of a file, without the byte-order mark that some editors put in front.
fn decode(bytes: &[u8]) -> Result<&str, SyntaxError> {
    let start = Position { line: 1, column: 1 };
    if bytes.len() > MAX_FILE_BYTES {
        let message = format!("the file has {} bytes; at most {MAX_FILE_BYTES} are read", bytes.len());
        return Err(SyntaxError { at: start, message });
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => Err(not_utf8(bytes, error.valid_up_to())),
    }
}

fn not_utf8(bytes: &[u8], good: usize) -> SyntaxError {
    let before = String::from_utf8_lossy(&bytes[..good]);
    let mut cursor = cursor::Cursor::new(&before);
    while cursor.bump().is_some() {}
    cursor.error(format!("byte 0x{:02x} is not UTF-8 text", bytes[good]))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = parse_bytes("a.hcl", &bytes);
            let _ = parse_bytes("a.json", &bytes);
            let _ = parse_bytes("a.toml", &bytes);
        }

        #[test]
        fn no_text_of_the_alphabet_panics(text in r#"[ \n\t{}\[\]",=:#/*<>a-z0-9\\$x_.é-]{0,60}"#) {
            let _ = parse_bytes("a.hcl", text.as_bytes());
            let _ = parse_bytes("a.json", text.as_bytes());
            let _ = parse_bytes("a.toml", text.as_bytes());
        }
    }

    #[test]
    fn a_byte_that_is_no_text_is_named_with_its_place() {
        let error = parse_bytes("a.hcl", b"a = 1\nb = \"\xff\"").expect_err("0xff is never UTF-8");
        assert_eq!((error.at.line, error.at.column), (2, 6));
        assert_eq!(error.message, "byte 0xff is not UTF-8 text");
    }

    #[test]
    fn a_byte_order_mark_and_an_empty_file_are_fine() {
        assert_eq!(parse_bytes("a.hcl", "\u{feff}a = 1".as_bytes()).map(|items| items.len()), Ok(1));
        assert_eq!(parse_bytes("a.json", b" \n"), Ok(Vec::new()));
    }

    #[test]
    fn nesting_has_a_bound_in_every_language() {
        let deep = "[".repeat(100_000);
        let labels = format!("a{}", " \"b\"".repeat(100_000));
        let within = format!("a = {}{}", "[".repeat(70), "]".repeat(70));
        let texts = [
            ("a.hcl", format!("a = {deep}")),
            ("a.hcl", labels),
            ("a.json", format!("{{\"a\": {deep}")),
            ("a.toml", within),
        ];
        for (name, text) in texts {
            let error = parse_bytes(name, text.as_bytes()).expect_err("far too deep");
            assert_eq!(error.message, "nested more than 64 levels deep");
        }
        let error = parse_bytes("a.toml", format!("a = {deep}").as_bytes())
            .expect_err("deeper than the library goes");
        assert!(error.message.contains("recursion"), "{error}");
    }

    #[test]
    fn the_bound_on_nesting_is_the_same_in_every_language() {
        let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for (levels, good) in [(MAX_DEPTH - 1, true), (MAX_DEPTH, false)] {
            let list = nested(levels);
            let json = format!("{{\"a\": {list}}}");
            for (name, text) in
                [("a.hcl", format!("a = {list}")), ("a.toml", format!("a = {list}")), ("a.json", json)]
            {
                assert_eq!(parse_bytes(name, text.as_bytes()).is_ok(), good, "{name} {levels}");
            }
        }
    }

    #[test]
    fn a_file_that_is_too_large_is_refused_before_it_is_read() {
        let error = parse_bytes("a.hcl", &vec![b' '; MAX_FILE_BYTES + 1]).expect_err("one byte too many");
        assert_eq!(error.message, "the file has 4194305 bytes; at most 4194304 are read");
    }
}
