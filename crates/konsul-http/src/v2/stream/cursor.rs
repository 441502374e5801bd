//! Cursors of streams: opaque texts that say where a stream goes on, and of which question.
//!
//! Thirty bytes in base64 for URLs, forty characters: a version, what is left out of the entry, a mark of the question
//! (namespace and filter), index, log time, and a checksum. A cursor of another question is refused, because its place
//! would silently leave out what that question did not ask for. The checksum finds cursors that were cut or mistyped;
//! nothing secret is in a cursor, and a forged one reads no more than its reader may.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use konsul_operations::arguments::KvSelect;
use konsul_operations::watch::{Place, RecordSelect};
use konsul_types::{Index, Millis, Namespace};

use super::ask::Select;

const VERSION: u8 = 1;
const BYTES: usize = 30;
const CHARACTERS: usize = 40;

/// Set in the second byte if the place lies in the middle of what there was.
const INCOMPLETE: u8 = 1;
/// Set if the place lies within an entry; the changes before it follow in three bytes.
const WITHIN: u8 = 2;
/// Most changes of an entry that a cursor can count. An entry of 8 MiB holds no more.
const WITHIN_MAX: u32 = 0x00ff_ffff;

/// The question that a cursor belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Question(u64);

/// Why a text is no cursor of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CursorError {
    /// No stream gave it out.
    #[error("is none that a stream gave out; begin without one, with initial=true")]
    Malformed,
    /// A stream of another question gave it out.
    #[error("belongs to another namespace or another question; begin without one, with initial=true")]
    Mismatch,
}

impl Question {
    /// The question of a stream. What old values and what there is have to do with it can change from one stream to
    /// the next.
    pub(crate) fn new(namespace: &Namespace, select: &Select) -> Question {
        let mut hash = Hash::new();
        hash.add(namespace.as_str().as_bytes());
        hash.add(b"\0");
        match select {
            Select::Keys(select) => hash.add_keys(select),
            Select::Records(select) => hash.add_records(select),
        }
        Question(hash.0)
    }

    /// The cursor of a place.
    pub(crate) fn cursor(self, place: Place) -> Cursor {
        let mut bytes = [0; BYTES];
        let within = place.within.map(|within| within.min(WITHIN_MAX));
        bytes[0] = VERSION;
        bytes[1] = if place.incomplete { INCOMPLETE } else { 0 } | if within.is_some() { WITHIN } else { 0 };
        bytes[2..5].copy_from_slice(&within.unwrap_or(0).to_be_bytes()[1..]);
        bytes[5..12].copy_from_slice(&place.at.0.to_be_bytes()[1..]);
        bytes[12..20].copy_from_slice(&place.index.0.to_be_bytes());
        bytes[20..26].copy_from_slice(&self.mark());
        let check = checksum(&bytes[..26]);
        bytes[26..].copy_from_slice(&check);
        let mut text = [0; CHARACTERS];
        let length = URL_SAFE_NO_PAD.encode_slice(bytes, &mut text);
        debug_assert_eq!(length, Ok(CHARACTERS));
        Cursor(text)
    }

    /// The place of a cursor.
    pub(crate) fn place(self, cursor: &str) -> Result<Place, CursorError> {
        let decoded = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| CursorError::Malformed)?;
        let bytes: [u8; BYTES] = decoded.try_into().map_err(|_| CursorError::Malformed)?;
        if bytes[0] != VERSION || bytes[26..] != checksum(&bytes[..26]) {
            return Err(CursorError::Malformed);
        }
        if bytes[20..26] != self.mark() {
            return Err(CursorError::Mismatch);
        }
        let number = |range: std::ops::Range<usize>| {
            bytes[range].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
        };
        let within = u32::try_from(number(2..5)).unwrap_or(WITHIN_MAX);
        Ok(Place {
            index: Index(number(12..20)),
            at: Millis(number(5..12)),
            within: (bytes[1] & WITHIN != 0).then_some(within),
            incomplete: bytes[1] & INCOMPLETE != 0,
        })
    }

    fn mark(self) -> [u8; 6] {
        let bytes = self.0.to_be_bytes();
        [bytes[0] ^ bytes[6], bytes[1] ^ bytes[7], bytes[2], bytes[3], bytes[4], bytes[5]]
    }
}

/// A cursor's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor([u8; CHARACTERS]);

impl Cursor {
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("base64 is ASCII")
    }
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    let mut hash = Hash::new();
    hash.add(bytes);
    let folded = hash.0 ^ hash.0 >> 32;
    let [.., a, b, c, d] = folded.to_be_bytes();
    [a, b, c, d]
}

/// FNV-1a, 64 bits: the same on every server and in every version.
struct Hash(u64);

impl Hash {
    fn new() -> Hash {
        Hash(0xcbf2_9ce4_8422_2325)
    }

    fn add_keys(&mut self, select: &KvSelect) {
        let (kind, text) = match select {
            KvSelect::Key(key) => (b"k", key.as_str()),
            KvSelect::Prefix(prefix) => (b"p", prefix.as_str()),
            KvSelect::Glob(glob) => (b"g", glob.as_str()),
        };
        self.add(kind);
        self.add(text.as_bytes());
    }

    fn add_records(&mut self, select: &RecordSelect) {
        match select {
            RecordSelect::Service(of) => {
                self.add(if of.passing { b"S" } else { b"s" });
                self.add_text(of.name.folded().as_str());
                self.add_text(&of.filter);
                of.tags.iter().for_each(|tag| self.add_text(&tag.to_lowercase()));
                self.add(b"\x01");
                of.node_meta.iter().for_each(|(key, value)| {
                    self.add_text(key);
                    self.add_text(value);
                });
            }
            RecordSelect::Services => self.add(b"a"),
            RecordSelect::Node(name) => {
                self.add(b"n");
                self.add(name.folded().as_str().as_bytes());
            }
            RecordSelect::Checks(status) => {
                self.add(b"c");
                self.add(status.map_or("", |status| status.name()).as_bytes());
            }
            RecordSelect::Events(of) => {
                self.add(b"e");
                let receiver = &of.receiver;
                for text in [&of.name, &receiver.node, &receiver.service, &receiver.tag] {
                    self.add(if text.is_some() { b"+" } else { b"-" });
                    self.add_text(text.as_deref().unwrap_or_default());
                }
            }
        }
    }

    /// A text, of which the next one cannot be a part.
    fn add_text(&mut self, text: &str) {
        self.add(text.as_bytes());
        self.add(b"\0");
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use konsul_operations::arguments::Receiver;
    use konsul_operations::watch::{EventSelect, ServiceSelect};
    use konsul_types::{CheckStatus, Key, NodeName, Pairs, ServiceName};
    use proptest::prelude::*;

    use super::*;

    fn question(prefix: &str) -> Question {
        Question::new(&Namespace::default_namespace(), &Select::Keys(KvSelect::Prefix(prefix.into())))
    }

    #[test]
    fn a_cursor_keeps_its_text() {
        let place = Place { within: Some(3), ..Place::after(Index(77), Millis(1_767_323_045_678)) };
        // Clients keep cursors over upgrades: this text may never mean something else.
        let text = "AQIAAAMAAZt8qY8uAAAAAAAAAE1Ht27zRcWjXMi2";
        assert_eq!(question("app/").cursor(place).as_str(), text);
        assert_eq!(question("app/").place(text), Ok(place));
    }

    #[test]
    fn another_question_is_refused() {
        let cursor = question("app/").cursor(Place::after(Index(7), Millis(9)));
        let namespace = Namespace::default_namespace();
        let others = [
            question("app"),
            Question::new(&namespace, &Select::Keys(KvSelect::Key(Key::new("app/").unwrap()))),
            Question::new(&Namespace::new("b").unwrap(), &Select::Keys(KvSelect::Prefix("app/".into()))),
        ];
        for other in others {
            assert_eq!(other.place(cursor.as_str()), Err(CursorError::Mismatch));
        }
    }

    #[test]
    fn every_question_of_records_is_another_one() {
        let service = |passing, tags: &[&str], node_meta: &[(&str, &str)], filter: &str| {
            RecordSelect::Service(ServiceSelect {
                name: ServiceName::new("web").unwrap(),
                tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
                passing,
                node_meta: node_meta.iter().copied().collect(),
                filter: filter.into(),
            })
        };
        let events = |name: Option<&str>, service: Option<&str>| {
            let receiver = Receiver { service: service.map(str::to_owned), ..Receiver::default() };
            RecordSelect::Events(EventSelect { name: name.map(str::to_owned), receiver })
        };
        let selects = [
            service(false, &[], &[], ""),
            service(true, &[], &[], ""),
            service(false, &["a"], &[], ""),
            service(false, &["a", "b"], &[], ""),
            service(false, &[], &[("a", "b")], ""),
            service(false, &[], &[], "a"),
            RecordSelect::Services,
            RecordSelect::Node(NodeName::new("web").unwrap()),
            RecordSelect::Checks(None),
            RecordSelect::Checks(Some(CheckStatus::Passing)),
            events(None, None),
            events(Some("web"), None),
            events(None, Some("web")),
        ];
        let namespace = Namespace::default_namespace();
        let marks: std::collections::BTreeSet<_> = selects
            .iter()
            .map(|select| Question::new(&namespace, &Select::Records(select.clone())).mark())
            .collect();
        assert_eq!(marks.len(), selects.len());
        // The same in another case is the same question.
        let other = ServiceSelect {
            name: ServiceName::new("WEB").unwrap(),
            tags: vec!["A".into()],
            passing: false,
            node_meta: Pairs::default(),
            filter: String::new(),
        };
        let other = Question::new(&namespace, &Select::Records(RecordSelect::Service(other)));
        assert!(marks.contains(&other.mark()));
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        let whole = question("a").cursor(Place::after(Index(7), Millis(9)));
        for bad in ["", "a", "?", &whole.as_str()[..39], &format!("{}A", whole.as_str()), &"A".repeat(40)] {
            assert_eq!(question("a").place(bad), Err(CursorError::Malformed), "{bad}");
        }
        for at in 0..CHARACTERS {
            let mut text = whole.as_str().as_bytes().to_vec();
            text[at] = if text[at] == b'A' { b'B' } else { b'A' };
            let text = String::from_utf8(text).unwrap();
            assert_eq!(question("a").place(&text), Err(CursorError::Malformed), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_place_comes_back(
            index: u64,
            at in 0..1_u64 << 56,
            within in proptest::option::of(0..=WITHIN_MAX),
            incomplete: bool,
            prefix in ".{0,20}",
        ) {
            let place = Place { index: Index(index), at: Millis(at), within, incomplete };
            let question = question(&prefix);
            prop_assert_eq!(question.place(question.cursor(place).as_str()), Ok(place));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,60}") {
            prop_assert!(question("").place(&text).is_err());
        }
    }
}
