//! Bounding what a check says.

use std::collections::VecDeque;

/// The last bytes of something longer.
#[derive(Debug)]
pub(crate) struct Tail {
    bytes: VecDeque<u8>,
    max: usize,
    total: u64,
}

impl Tail {
    pub(crate) fn new(max: usize) -> Self {
        Self { bytes: VecDeque::new(), max, total: 0 }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let kept = &bytes[bytes.len().saturating_sub(self.max)..];
        let over = (self.bytes.len() + kept.len()).saturating_sub(self.max);
        self.bytes.drain(..over);
        self.bytes.extend(kept);
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// What was kept, as text.
    pub(crate) fn text(mut self) -> String {
        lossy(self.bytes.make_contiguous(), self.max)
    }

    /// What was kept, with a line before it if that is not all, as Consul shows the output of scripts.
    pub(crate) fn captured(self) -> String {
        let (kept, total) = (self.bytes.len(), self.total);
        let text = self.text();
        if total > kept as u64 { format!("Captured {kept} of {total} bytes\n...\n{text}") } else { text }
    }
}

/// Bytes as text; what is no UTF-8 is replaced, which lengthens it, so it is cut to `max` bytes again.
pub(crate) fn lossy(bytes: &[u8], max: usize) -> String {
    // A cut in the middle of a character leaves up to three bytes of it at the front.
    let start = bytes.iter().take(3).take_while(|byte| (0x80..0xc0).contains(*byte)).count();
    let text = String::from_utf8_lossy(if is_cut(bytes) { &bytes[start..] } else { bytes });
    head(&text, max).to_owned()
}

fn is_cut(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|byte| (0x80..0xc0).contains(byte)) && std::str::from_utf8(bytes).is_err()
}

/// The first bytes of a text, up to a whole character.
pub(crate) fn head(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let end = (0..=max).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

/// The note of a check with a time to live, bounded as Consul does it.
pub(crate) fn head_of_note(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    format!("{} ... (captured {max} of {} bytes)", head(text, max), text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_tail(max: usize, pieces: &[&[u8]], expect: &str) {
        let mut tail = Tail::new(max);
        pieces.iter().for_each(|piece| tail.push(piece));
        assert_eq!(tail.captured(), expect);
    }

    #[test]
    fn a_tail_keeps_the_last_bytes_and_says_so() {
        check_tail(4, &[], "");
        check_tail(4, &[b"abcd"], "abcd");
        check_tail(4, &[b"ab", b"cde"], "Captured 4 of 5 bytes\n...\nbcde");
        check_tail(4, &[b"abcdefgh", b"i"], "Captured 4 of 9 bytes\n...\nfghi");
    }

    #[test]
    fn what_is_no_utf8_is_replaced_and_stays_bounded() {
        assert_eq!(lossy(b"a\xffb", 10), "a\u{fffd}b");
        assert!(lossy(&[0xff; 100], 10).len() <= 10);
        assert_eq!(lossy(b"\xa4\xc3\xa4", 10), "ä");
    }

    #[test]
    fn a_note_is_cut_at_a_character() {
        assert_eq!(head_of_note("abc", 3), "abc");
        assert_eq!(head_of_note("aäb", 2), "a ... (captured 2 of 4 bytes)");
    }
}
