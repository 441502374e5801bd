//! Bytes that arrive in pieces, cut into lines.

use super::{ENTRY_MAX, ExchangeError};

/// Cuts bytes into lines. Lines of white space are passed over.
#[derive(Debug)]
pub(super) struct LineReader {
    waiting: Vec<u8>,
    line: u64,
}

impl Default for LineReader {
    fn default() -> Self {
        LineReader { waiting: Vec::new(), line: 1 }
    }
}

impl LineReader {
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Calls `each` for every line that the bytes complete.
    pub(super) fn feed<E: From<ExchangeError>>(
        &mut self,
        mut bytes: &[u8],
        mut each: impl FnMut(&[u8], u64) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            if self.waiting.is_empty() {
                self.one(line, &mut each)?;
            } else {
                self.waiting.extend_from_slice(line);
                let whole = std::mem::take(&mut self.waiting);
                self.one(&whole, &mut each)?;
                // The room is used again for the next line that is cut.
                self.waiting = whole;
                self.waiting.clear();
            }
            self.line += 1;
            bytes = rest;
        }
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() > ENTRY_MAX {
            let what = format!("the line is longer than {ENTRY_MAX} bytes, more than any entry has");
            return Err(ExchangeError { line: self.line, what }.into());
        }
        Ok(())
    }

    fn one<E>(&self, line: &[u8], each: &mut impl FnMut(&[u8], u64) -> Result<(), E>) -> Result<(), E> {
        if line.trim_ascii().is_empty() { Ok(()) } else { each(line, self.line) }
    }

    /// What stands behind the last end of line.
    pub(super) fn finish(&mut self) -> Option<(Vec<u8>, u64)> {
        let rest = std::mem::take(&mut self.waiting);
        (!rest.trim_ascii().is_empty()).then_some((rest, self.line))
    }
}
