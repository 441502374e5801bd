//! NDJSON on its way in: bytes cut anywhere become lines.

use bytes::{Buf as _, Bytes, BytesMut};

/// Cuts bytes into lines. It holds no more than one unfinished line.
#[derive(Debug)]
pub struct Lines {
    waiting: BytesMut,
    /// How much of what waits is known to have no line's end.
    seen: usize,
    number: u64,
    max: usize,
}

/// A line that is longer than a line may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is longer than {max} bytes")]
pub struct LineTooLong {
    /// Which, from 1.
    pub line: u64,
    /// The bound.
    pub max: usize,
}

impl Lines {
    /// One that takes lines of so many bytes.
    pub fn new(max: usize) -> Lines {
        Lines { waiting: BytesMut::new(), seen: 0, number: 0, max }
    }

    /// Adds bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
    }

    /// The next whole line that is not blank, and its number from 1.
    ///
    /// # Errors
    /// If it is too long.
    pub fn next_line(&mut self) -> Result<Option<(u64, Bytes)>, LineTooLong> {
        while let Some(at) = self.waiting[self.seen..].iter().position(|byte| *byte == b'\n') {
            let line = self.waiting.split_to(self.seen + at).freeze();
            self.waiting.advance(1);
            self.seen = 0;
            if let Some(told) = self.told(line)? {
                return Ok(Some(told));
            }
        }
        self.seen = self.waiting.len();
        if self.seen > self.max {
            return Err(LineTooLong { line: self.number + 1, max: self.max });
        }
        Ok(None)
    }

    /// The last line, if it has no end.
    ///
    /// # Errors
    /// If it is too long.
    pub fn last(mut self) -> Result<Option<(u64, Bytes)>, LineTooLong> {
        let line = std::mem::take(&mut self.waiting).freeze();
        self.told(line)
    }

    fn told(&mut self, line: Bytes) -> Result<Option<(u64, Bytes)>, LineTooLong> {
        self.number += 1;
        if line.len() > self.max {
            return Err(LineTooLong { line: self.number, max: self.max });
        }
        Ok((!line.trim_ascii().is_empty()).then_some((self.number, line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, piece: usize, max: usize) -> Result<Vec<(u64, String)>, LineTooLong> {
        let mut lines = Lines::new(max);
        let mut out = Vec::new();
        let told = |(number, line): (u64, Bytes)| (number, String::from_utf8(line.to_vec()).unwrap());
        for part in text.as_bytes().chunks(piece) {
            lines.feed(part);
            while let Some(line) = lines.next_line()? {
                out.push(told(line));
            }
        }
        out.extend(lines.last()?.map(told));
        Ok(out)
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_are_cut() {
        let expect: Vec<(u64, String)> = vec![(1, "a".into()), (3, "bc\r".into()), (5, "d".into())];
        for piece in 1..12 {
            assert_eq!(cut("a\n\nbc\r\n \nd", piece, 9).unwrap(), expect, "{piece}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_named_before_its_end_comes() {
        for piece in 1..12 {
            assert_eq!(cut("a\nbcdefghij", piece, 4), Err(LineTooLong { line: 2, max: 4 }), "{piece}");
            assert_eq!(cut("a\nbcdef\n", piece, 4), Err(LineTooLong { line: 2, max: 4 }), "{piece}");
        }
    }
}
