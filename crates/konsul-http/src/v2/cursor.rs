//! Cursors of lists: opaque texts that say where the next page begins, and of which query.
//!
//! A cursor is base64 for URLs of a version, a mark of its query, a checksum, and the place. The query's mark tells a
//! cursor of another query, whose place would silently leave out what that query did not ask for. The checksum tells a
//! cursor that was changed. Neither is a secret: a forged cursor reads no more than its reader may, since every page is
//! authorised anew.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const VERSION: u8 = 1;
/// Version, mark and checksum.
const HEAD: usize = 1 + 8 + 8;

/// The mark of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question(u64);

/// Why a text is no cursor of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// No list gave it out.
    #[error("the cursor is none that a list gave out, or it was changed; begin again without one")]
    Malformed,
    /// A list of another query gave it out.
    #[error("the cursor belongs to another query; begin again without one")]
    Mismatch,
}

impl Question {
    /// The mark of a query: of an operation, and of what it was asked.
    pub fn new<'a>(operation: &str, parts: impl IntoIterator<Item = &'a str>) -> Question {
        let mut hash = Hash::new();
        hash.part(operation.as_bytes());
        parts.into_iter().for_each(|part| hash.part(part.as_bytes()));
        Question(hash.finish())
    }

    /// A cursor of it.
    pub fn cursor(self, place: &[u8]) -> String {
        let mut bytes = Vec::with_capacity(HEAD + place.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.0.to_be_bytes());
        bytes.extend_from_slice(&checksum(self.0, place).to_be_bytes());
        bytes.extend_from_slice(place);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place that a cursor of it says.
    ///
    /// # Errors
    /// See [`CursorError`].
    pub fn place(self, cursor: &str) -> Result<Vec<u8>, CursorError> {
        let mut bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| CursorError::Malformed)?;
        if bytes.len() < HEAD || bytes[0] != VERSION {
            return Err(CursorError::Malformed);
        }
        let place = bytes.split_off(HEAD);
        let number = |at: usize| u64::from_be_bytes(std::array::from_fn(|offset| bytes[at + offset]));
        let (mark, sum) = (number(1), number(9));
        if checksum(mark, &place) != sum {
            return Err(CursorError::Malformed);
        }
        if mark != self.0 {
            return Err(CursorError::Mismatch);
        }
        Ok(place)
    }
}

fn checksum(mark: u64, place: &[u8]) -> u64 {
    let mut hash = Hash::new();
    hash.part(&mark.to_be_bytes());
    hash.part(place);
    hash.finish()
}

/// FNV-1a with a last mix. It is the same in every build: a cursor may be shown to another server.
struct Hash(u64);

impl Hash {
    fn new() -> Hash {
        Hash(0xcbf2_9ce4_8422_2325)
    }

    /// A part with its length, so that parts cannot run into each other.
    fn part(&mut self, bytes: &[u8]) {
        self.bytes(&(bytes.len() as u64).to_be_bytes());
        self.bytes(bytes);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(self) -> u64 {
        let mixed = (self.0 ^ self.0 >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
        mixed ^ mixed >> 32
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cursor_of_another_query_is_told_from_a_changed_one() {
        let question = Question::new("kv_list", ["default", "a/"]);
        let cursor = question.cursor(b"a/7");
        assert_eq!(question.place(&cursor).unwrap(), b"a/7");
        for other in
            [Question::new("kv_list", ["default", "b/"]), Question::new("kv_list", ["defaulta/", ""])]
        {
            assert_eq!(other.place(&cursor), Err(CursorError::Mismatch));
        }
        for at in 0..cursor.len() {
            let mut changed = cursor.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(question.place(&changed), Err(CursorError::Malformed), "{at}");
        }
        assert_eq!(question.place(&cursor[..cursor.len() - 2]), Err(CursorError::Malformed));
    }

    proptest! {
        #[test]
        fn any_place_comes_back_and_any_text_is_taken_or_refused(
            place in proptest::collection::vec(any::<u8>(), 0..60), text in any::<String>(),
        ) {
            let question = Question::new("kv_list", ["x"]);
            prop_assert_eq!(question.place(&question.cursor(&place)), Ok(place));
            let _ = question.place(&text);
        }
    }
}
