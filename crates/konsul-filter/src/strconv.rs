//! Texts and numbers as Go's `strconv` reads and writes them: values are coerced and errors are quoted by its rules.

mod float;
mod integer;
mod quote;

use std::fmt;

pub(crate) use float::parse_float;
pub(crate) use integer::{parse_int, parse_uint};
pub(crate) use quote::{quoted, unquote};

/// Why a text is no number, in Go's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberError {
    /// It is written wrongly.
    Syntax,
    /// It is too large, or too small.
    Range,
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "invalid syntax",
            Self::Range => "value out of range",
        })
    }
}

/// Reads a truth value.
pub(crate) fn parse_bool(text: &[u8]) -> Result<bool, NumberError> {
    match text {
        b"1" | b"t" | b"T" | b"true" | b"TRUE" | b"True" => Ok(true),
        b"0" | b"f" | b"F" | b"false" | b"FALSE" | b"False" => Ok(false),
        _ => Err(NumberError::Syntax),
    }
}

/// Whether underscores stand between digits only. Text without a base's prefix passes by the same rule.
fn underscores_separate(number: &[u8]) -> bool {
    let number = number.strip_prefix(b"-").or_else(|| number.strip_prefix(b"+")).unwrap_or(number);
    let (prefixed, hex) = match number {
        [b'0', base, ..] => (matches!(base | 0x20, b'b' | b'o' | b'x'), base | 0x20 == b'x'),
        _ => (false, false),
    };
    let mut last = if prefixed { b'0' } else { b'^' };
    for &byte in &number[if prefixed { 2 } else { 0 }..] {
        let digit = byte.is_ascii_digit() || hex && byte.is_ascii_hexdigit();
        match (digit, byte == b'_', last) {
            (true, ..) => last = b'0',
            (false, true, b'0') => last = b'_',
            (false, true, _) | (false, false, b'_') => return false,
            (false, false, _) => last = b'!',
        }
    }
    last != b'_'
}
