//! The form of the earlier Konsul, written in Go: one object of two sections, `kv` and `services`. Each member of `kv` is
//! a text that holds the JSON of an entry (`value`, `flags`, and indexes, which are passed over), or in older builds the
//! value itself. Its command line stored keys with `%2F` for slashes; whoever imports says whether they are to be decoded
//! ([`decode_key`]).

use serde::Deserialize;

use super::{ENTRY_MAX, ExchangeError, Pair, told};

/// A member of a section.
#[derive(Debug)]
pub struct Member {
    /// The section's name.
    pub section: String,
    /// The member's name.
    pub name: String,
    /// The member's value, as JSON.
    pub value: Vec<u8>,
}

/// An entry. Older builds had no flags.
#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(alias = "Value")]
    value: String,
    #[serde(default, alias = "Flags")]
    flags: u64,
}

/// An entry as JSON in a text, or as it is.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Plain(Entry),
}

/// Reads a member: `None` for a service, which is nothing that is stored yet.
///
/// # Errors
/// What is wrong with it.
pub fn parse(member: &Member) -> Result<Option<Pair>, String> {
    match member.section.as_str() {
        "services" => return Ok(None),
        "kv" => {}
        other => return Err(format!("section {other:?} is unknown; an export has `kv` and `services`")),
    }
    let wrong =
        |why: &serde_json::Error| format!("the entry of key {:?} cannot be read: {}", member.name, told(why));
    let entry = match serde_json::from_slice(&member.value).map_err(|why| wrong(&why))? {
        Written::Text(text) if text.trim_start().starts_with('{') => {
            serde_json::from_str(&text).map_err(|why| wrong(&why))?
        }
        Written::Text(value) => Entry { value, flags: 0 },
        Written::Plain(entry) => entry,
    };
    Ok(Some(Pair {
        key: member.name.clone(),
        value: entry.value.into_bytes(),
        flags: entry.flags,
        ..Pair::default()
    }))
}

/// A key without the escapes that the earlier Konsul's command line left in it: each `%` with two hexadecimal digits is the
/// byte that they stand for. A key that would be no text then stays as it is.
pub fn decode_key(key: &str) -> String {
    let mut out = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = (*first == b'%').then(|| tail.get(..2)).flatten();
        let digit = |byte: u8| char::from(byte).to_digit(16);
        match digits.and_then(|digits| Some(digit(digits[0])? << 4 | digit(digits[1])?)) {
            Some(byte) => {
                // Two digits make no more than a byte.
                out.push(byte as u8);
                rest = &tail[2..];
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| key.to_owned())
}

/// Where the reader is. A level is how many objects it is in: one, or two inside a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    /// A name or the end of the object; only a name behind a comma.
    Name {
        may_end: bool,
    },
    InName,
    Colon,
    Value,
    /// Inside a value, so many brackets deep; zero in a text or a word.
    InValue {
        depth: u32,
    },
    /// A comma or the end of the object.
    Next,
    After,
}

/// Cuts an object of objects into the members of its sections.
#[derive(Debug)]
pub struct MemberReader {
    place: Place,
    level: u8,
    section: String,
    name: Vec<u8>,
    value: Vec<u8>,
    in_text: bool,
    escaped: bool,
    line: u64,
}

impl Default for MemberReader {
    fn default() -> Self {
        MemberReader {
            place: Place::Before,
            level: 0,
            section: String::new(),
            name: Vec::new(),
            value: Vec::new(),
            in_text: false,
            escaped: false,
            line: 1,
        }
    }
}

impl MemberReader {
    /// The line that the reader has come to, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Calls `each` for every member that the bytes complete.
    ///
    /// # Errors
    /// [`ExchangeError`] where the punctuation is wrong, or what `each` gives back.
    pub fn feed<E: From<ExchangeError>>(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(Member, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        for &byte in bytes {
            // A word ends with the byte behind it, which then has a meaning of its own.
            while !self.step(byte, &mut each)? {}
            self.line += u64::from(byte == b'\n');
        }
        Ok(())
    }

    /// Says that no more bytes come.
    ///
    /// # Errors
    /// [`ExchangeError`] if the object has not ended.
    pub fn finish(&self) -> Result<(), ExchangeError> {
        match self.place {
            Place::After => Ok(()),
            Place::Before => Err(self.error("there is nothing; a JSON object was expected")),
            _ => Err(self.error("the JSON object ends in the middle")),
        }
    }

    /// Takes one byte; answers whether it is used up.
    fn step<E: From<ExchangeError>>(
        &mut self,
        byte: u8,
        each: &mut impl FnMut(Member, u64) -> Result<(), E>,
    ) -> Result<bool, E> {
        match self.place {
            Place::InName => {
                self.in_name(byte)?;
                Ok(true)
            }
            Place::InValue { depth } => {
                let used = self.in_value(depth, byte)?;
                if self.place == Place::Next {
                    each(self.member()?, self.line)?;
                }
                Ok(used)
            }
            _ if byte.is_ascii_whitespace() => Ok(true),
            _ => {
                self.between(byte)?;
                Ok(true)
            }
        }
    }

    fn between(&mut self, byte: u8) -> Result<(), ExchangeError> {
        self.place = match (self.place, byte) {
            (Place::Before, b'{') => {
                self.level = 1;
                Place::Name { may_end: true }
            }
            (Place::Name { .. }, b'"') => {
                self.name.clear();
                self.name.push(byte);
                Place::InName
            }
            (Place::Name { may_end: true } | Place::Next, b'}') => self.leave(),
            (Place::Next, b',') => Place::Name { may_end: false },
            (Place::Colon, b':') => Place::Value,
            (Place::Value, _) => self.enter_value(byte)?,
            (place, byte) => return Err(self.unexpected(place, byte)),
        };
        Ok(())
    }

    fn leave(&mut self) -> Place {
        self.level -= 1;
        if self.level == 0 { Place::After } else { Place::Next }
    }

    fn enter_value(&mut self, byte: u8) -> Result<Place, ExchangeError> {
        if self.level == 1 {
            if byte != b'{' {
                return Err(self.unexpected(Place::Value, byte));
            }
            self.section = self.text_of_name()?;
            self.level = 2;
            return Ok(Place::Name { may_end: true });
        }
        if matches!(byte, b',' | b'}' | b']' | b':') {
            return Err(self.unexpected(Place::Value, byte));
        }
        self.value.clear();
        self.value.push(byte);
        self.in_text = byte == b'"';
        Ok(Place::InValue { depth: u32::from(matches!(byte, b'{' | b'[')) })
    }

    fn in_name(&mut self, byte: u8) -> Result<(), ExchangeError> {
        self.name.push(byte);
        if self.text_ends(byte) {
            self.place = Place::Colon;
        }
        self.bounded(self.name.len())
    }

    /// Takes a byte of a value; answers whether it belongs to it.
    fn in_value(&mut self, depth: u32, byte: u8) -> Result<bool, ExchangeError> {
        if self.in_text {
            self.value.push(byte);
            self.in_text = !self.text_ends(byte);
            if !self.in_text && depth == 0 {
                self.place = Place::Next;
            }
            return self.bounded(self.value.len()).map(|()| true);
        }
        if depth == 0 && (byte.is_ascii_whitespace() || matches!(byte, b',' | b'}')) {
            self.place = Place::Next;
            return Ok(false);
        }
        self.value.push(byte);
        self.in_text = byte == b'"';
        let depth = match byte {
            b'{' | b'[' => depth + 1,
            b'}' | b']' => depth.saturating_sub(1),
            _ => depth,
        };
        self.place =
            if depth == 0 && matches!(byte, b'}' | b']') { Place::Next } else { Place::InValue { depth } };
        self.bounded(self.value.len()).map(|()| true)
    }

    /// Whether a text ends with this byte.
    fn text_ends(&mut self, byte: u8) -> bool {
        if std::mem::take(&mut self.escaped) {
            return false;
        }
        self.escaped = byte == b'\\';
        byte == b'"'
    }

    fn bounded(&self, size: usize) -> Result<(), ExchangeError> {
        if size <= ENTRY_MAX {
            return Ok(());
        }
        Err(self.error(format!("the entry is longer than {ENTRY_MAX} bytes, more than any has")))
    }

    fn member(&mut self) -> Result<Member, ExchangeError> {
        let (section, name) = (self.section.clone(), self.text_of_name()?);
        Ok(Member { section, name, value: std::mem::take(&mut self.value) })
    }

    fn text_of_name(&self) -> Result<String, ExchangeError> {
        serde_json::from_slice(&self.name).map_err(|why| self.error(format!("a name: {}", told(&why))))
    }

    fn unexpected(&self, place: Place, byte: u8) -> ExchangeError {
        let wanted = match place {
            Place::Before => "'{', the beginning of the export",
            Place::Name { may_end: true } => "a name or '}'",
            Place::Name { may_end: false } => "a name",
            Place::Colon => "':'",
            Place::Value if self.level == 1 => "an object, which holds a section,",
            Place::Value => "a value",
            Place::Next => "',' or '}'",
            Place::InName | Place::InValue { .. } | Place::After => "nothing after the export",
        };
        self.error(format!("found {:?} where {wanted} was expected", char::from(byte)))
    }

    fn error(&self, what: impl Into<String>) -> ExchangeError {
        ExchangeError { line: self.line, what: what.into() }
    }
}
