//! Lines cut from bytes that arrive in pieces: the ground of NDJSON and of server-sent events.

use crate::error::Error;
use crate::transport::Reply;

/// The longest line that is kept while it grows. An entry of the largest value in base64 fits several times over.
const LINE_MAX: usize = 64 << 20;

/// The lines of an answer.
pub(crate) struct Lines {
    reply: Reply,
    cutter: Cutter,
    ended: bool,
}

impl Lines {
    pub(crate) fn new(reply: Reply) -> Lines {
        Lines { reply, cutter: Cutter::default(), ended: false }
    }

    /// The next line without its end; `None` after the last. Bytes after the last end of line are a line too.
    ///
    /// # Errors
    /// [`Error::Broken`] if the connection ends before the body does, [`Error::Decode`] for a line without end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        loop {
            if let Some(line) = self.cutter.line() {
                return Ok(Some(line));
            }
            if self.ended {
                return Ok(self.cutter.rest());
            }
            match self.reply.piece().await? {
                Some(piece) => self.cutter.feed(&piece),
                None => self.ended = true,
            }
            if self.cutter.len() > LINE_MAX {
                return Err(self.reply.nonsense(format!("a line longer than {LINE_MAX} bytes")));
            }
        }
    }

    /// An error that says that a line is not what was asked for.
    pub(crate) fn nonsense(&self, what: impl Into<String>) -> Error {
        self.reply.nonsense(what)
    }
}

/// Bytes that wait for the end of their line.
#[derive(Debug, Default)]
struct Cutter {
    bytes: Vec<u8>,
    /// Where the first line that was not given out begins.
    start: usize,
    /// Up to where no end of line was found.
    seen: usize,
}

impl Cutter {
    fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    fn feed(&mut self, piece: &[u8]) {
        // What was given out is dropped here and not with each line: a piece of many lines is moved once.
        self.bytes.drain(..self.start);
        self.seen -= self.start;
        self.start = 0;
        self.bytes.extend_from_slice(piece);
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let Some(at) = self.bytes[self.seen..].iter().position(|&byte| byte == b'\n') else {
            self.seen = self.bytes.len();
            return None;
        };
        let end = self.seen + at;
        let line = &self.bytes[self.start..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line).to_vec();
        (self.start, self.seen) = (end + 1, end + 1);
        Some(line)
    }

    fn rest(&mut self) -> Option<Vec<u8>> {
        let rest = self.bytes.split_off(self.start);
        (self.start, self.seen) = (0, 0);
        self.bytes.clear();
        (!rest.is_empty()).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::Cutter;

    fn cut(text: &str, size: usize) -> Vec<String> {
        let mut cutter = Cutter::default();
        let mut lines = Vec::new();
        let text_of = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        for piece in text.as_bytes().chunks(size) {
            cutter.feed(piece);
            lines.extend(std::iter::from_fn(|| cutter.line()).map(text_of));
        }
        lines.extend(cutter.rest().map(text_of));
        lines
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_are_cut() {
        let text = "one\r\n\n{\"two\":2}\nrest";
        for size in 1..=text.len() {
            assert_eq!(cut(text, size), ["one", "", "{\"two\":2}", "rest"], "pieces of {size}");
        }
        assert_eq!(cut("one\n", 3), ["one"]);
        assert_eq!(cut("", 3), Vec::<String>::new());
    }
}
