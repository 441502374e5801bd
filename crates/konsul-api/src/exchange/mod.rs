//! Keys on their way between stores: the three forms in which they are written down, each read and written piece by piece.
//!
//! ```text
//! ndjson      {"key":…,"value":…,"flags":…,"namespace":…}\n …      Konsul's own: a line for each key
//! consul      [\n\t{\n\t\t"key": …,\n\t\t"flags": …,\n\t\t"value": "base64"\n\t},\n … ]   what `consul kv export` prints
//! go-konsul   {"kv":{"key":"{\"value\":…}",…},"services":{…}}      what the earlier Konsul, in Go, answers at `/export`
//! ```
//!
//! It lives among the wire contracts because both ends of the wire can reach it here, and the waist, which knows no JSON,
//! does not need to: the command line, which leans on this crate through the client, turns a file of any form into lines
//! for the server and back; the HTTP edge, which takes lines only, has [`ndjson`] for one of them.
//!
//! # The life of a file
//!
//! Bytes come in pieces cut anywhere and go into [`PairReader::feed`], which calls back for each [`Pair`] that they
//! complete, with the line where it ends. [`PairReader::finish`] says whether the file ended where it may. The memory is
//! that of one entry, whatever the file has; an entry larger than [`ENTRY_MAX`] is refused. Every error names its line.
//!
//! # What is missing on purpose
//!
//! There are no indexes and no sessions in any form: a file that was exported, imported and exported again has the same
//! bytes. Whether a key or a value may be stored is the server's to say. The forms `consul` and `go-konsul` know where
//! they end, so that a file cut short is always noticed; `ndjson` does so only within a line, and leaves the rest to what
//! carries it (a broken HTTP body is noticed).

pub mod array;
pub mod consul;
pub mod go_konsul;
mod lines;
pub mod ndjson;

#[cfg(test)]
mod tests;

use array::{ArrayError, ArrayReader};
use go_konsul::MemberReader;
use lines::LineReader;

/// Largest entry, in bytes of its form: a value of 8 MB in which every byte is escaped.
pub const ENTRY_MAX: usize = 64 << 20;

/// A key with all that an export carries of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pair {
    /// The key.
    pub key: String,
    /// Its value.
    pub value: Vec<u8>,
    /// The client's own number.
    pub flags: u64,
    /// Its namespace; `None` where the form or the file does not say.
    pub namespace: Option<String>,
    /// What is left of its time to live, as Go writes durations; `None` if it stays.
    pub ttl: Option<String>,
}

/// A form of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A line of JSON for each key.
    Ndjson,
    /// Consul's `kv export`.
    Consul,
    /// The export of the earlier Konsul, in Go.
    GoKonsul,
}

/// Why a file cannot be read on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ExchangeError {
    /// The line, from 1.
    pub line: u64,
    /// What was found, and what was expected.
    pub what: String,
}

impl From<ArrayError> for ExchangeError {
    fn from(ArrayError { line, what }: ArrayError) -> ExchangeError {
        ExchangeError { line, what }
    }
}

impl Format {
    /// The form of a file that begins with these bytes; `None` if they do not tell, for example since they are too few.
    pub fn guess(beginning: &[u8]) -> Option<Format> {
        let text = String::from_utf8_lossy(beginning);
        let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
        let rest = match text.as_bytes().first()? {
            b'[' => return Some(Format::Consul),
            b'{' => text[1..].trim_start(),
            _ => return None,
        };
        let name = rest.strip_prefix('"')?.split_once('"')?;
        match (name.0, name.1.trim_start().strip_prefix(':').map(str::trim_start)) {
            ("kv" | "services", Some(value)) if value.starts_with('{') => Some(Format::GoKonsul),
            (_, Some(_)) => Some(Format::Ndjson),
            _ => None,
        }
    }
}

/// Reads a file of any form.
#[derive(Debug)]
pub struct PairReader {
    form: Form,
    /// Services that the file has and this build has no place for.
    services: u64,
}

#[derive(Debug)]
enum Form {
    Ndjson(LineReader),
    Consul(ArrayReader),
    GoKonsul(MemberReader),
}

impl PairReader {
    /// One that has seen nothing yet.
    pub fn new(format: Format) -> PairReader {
        let form = match format {
            Format::Ndjson => Form::Ndjson(LineReader::default()),
            Format::Consul => Form::Consul(ArrayReader::default()),
            Format::GoKonsul => Form::GoKonsul(MemberReader::default()),
        };
        PairReader { form, services: 0 }
    }

    /// Takes bytes cut anywhere and calls `each` for every key that they complete, with the line that it ends on.
    ///
    /// # Errors
    /// [`ExchangeError`] where the file is wrong, or what `each` gives back. Nothing more can be read then.
    pub fn feed<E: From<ExchangeError>>(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(Pair, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut found = |pair: Result<Pair, String>, line| {
            let pair = pair.map_err(|what| ExchangeError { line, what })?;
            each(pair, line)
        };
        match &mut self.form {
            Form::Ndjson(lines) => lines.feed(bytes, |text, line| found(ndjson::parse(text), line)),
            Form::Consul(array) => array
                .feed(bytes, |element, line| found(consul::parse(element), line).map_err(Wrapped::Own))
                .map_err(Wrapped::unwrap),
            Form::GoKonsul(members) => {
                let services = &mut self.services;
                members.feed(bytes, |member, line| match go_konsul::parse(&member).transpose() {
                    Some(pair) => found(pair, line),
                    None => {
                        *services += 1;
                        Ok(())
                    }
                })
            }
        }
    }

    /// Says that no more bytes come. The last line of `ndjson` may lack its end of line; then `each` is called for it.
    ///
    /// # Errors
    /// [`ExchangeError`] if the file ends in the middle, or what `each` gives back.
    pub fn finish<E: From<ExchangeError>>(
        &mut self,
        mut each: impl FnMut(Pair, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        match &mut self.form {
            Form::Ndjson(lines) => match lines.finish() {
                Some((text, line)) => {
                    let cut =
                        |what| ExchangeError { line, what: format!("the file ends in this line: {what}") };
                    each(ndjson::parse(&text).map_err(cut)?, line)
                }
                None => Ok(()),
            },
            Form::Consul(array) => array.finish().map_err(|why| ExchangeError::from(why).into()),
            Form::GoKonsul(members) => members.finish().map_err(E::from),
        }
    }

    /// The line that the reader has come to, from 1.
    pub fn line(&self) -> u64 {
        match &self.form {
            Form::Ndjson(lines) => lines.line(),
            Form::Consul(array) => array.line(),
            Form::GoKonsul(members) => members.line(),
        }
    }

    /// How many services were passed over: a file of the earlier Konsul has them, and this build has no place for them.
    pub fn services_passed_over(&self) -> u64 {
        self.services
    }
}

/// An error of the array's own, or one that came from the caller: the two need not convert into each other.
enum Wrapped<E> {
    Array(ArrayError),
    Own(E),
}

impl<E> From<ArrayError> for Wrapped<E> {
    fn from(why: ArrayError) -> Wrapped<E> {
        Wrapped::Array(why)
    }
}

impl<E: From<ExchangeError>> Wrapped<E> {
    fn unwrap(self) -> E {
        match self {
            Wrapped::Array(why) => ExchangeError::from(why).into(),
            Wrapped::Own(why) => why,
        }
    }
}

/// What serde says, with the column and without its line, which is that of the entry and not of the file.
fn told(why: &serde_json::Error) -> String {
    let text = why.to_string();
    let cut = text.rfind(" at line ").map_or(text.as_str(), |at| &text[..at]);
    if why.line() == 1 { format!("column {}: {cut}", why.column()) } else { cut.to_owned() }
}
