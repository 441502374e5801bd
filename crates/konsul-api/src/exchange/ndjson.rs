//! Konsul's own form: a line for each key.

use super::{Pair, told};
use crate::v2::text::{write_field, write_number};
use crate::v2::transfer::Line;
use crate::v2::value::{self, Form};

/// Reads a line, without its end.
///
/// # Errors
/// What is wrong with it, with the column where JSON ends to be JSON.
pub fn parse(line: &[u8]) -> Result<Pair, String> {
    let line: Line = serde_json::from_slice(line).map_err(|why| told(&why))?;
    line.try_into()
}

impl TryFrom<Line> for Pair {
    type Error = String;

    fn try_from(line: Line) -> Result<Pair, String> {
        let Line { key, value, value_base64, flags, namespace, ttl } = line;
        let value = value::bytes(value, value_base64.as_deref())
            .map_err(|why| format!("the value of {key:?} {why}"))?;
        Ok(Pair { key, value, flags, namespace, ttl })
    }
}

impl From<Pair> for Line {
    fn from(pair: Pair) -> Line {
        let Pair { key, value, flags, namespace, ttl } = pair;
        let (value, value_base64) = match String::from_utf8(value) {
            Ok(text) => (Some(text), None),
            Err(bytes) => Form::of(bytes.as_bytes()).fields(),
        };
        Line { key, value, value_base64, flags, namespace, ttl }
    }
}

/// Appends a line with its end.
pub fn write(out: &mut Vec<u8>, pair: &Pair) {
    write_parts(out, &pair.key, &pair.value, pair.flags, pair.namespace.as_deref(), pair.ttl.as_deref());
}

/// The same, borrowed from where it lives.
pub fn write_parts(
    out: &mut Vec<u8>,
    key: &str,
    value: &[u8],
    flags: u64,
    namespace: Option<&str>,
    ttl: Option<&str>,
) {
    write_field(out, b"{\"key\":", key);
    match Form::of(value) {
        Form::Text(text) => write_field(out, b",\"value\":", &text),
        Form::Base64(text) => write_field(out, b",\"value_base64\":", &text),
    }
    write_number(out, b",\"flags\":", flags);
    if let Some(namespace) = namespace {
        write_field(out, b",\"namespace\":", namespace);
    }
    if let Some(ttl) = ttl {
        write_field(out, b",\"ttl\":", ttl);
    }
    out.extend_from_slice(b"}\n");
}
