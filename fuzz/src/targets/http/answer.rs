//! An answer as it came over the socket, and what must hold for any.

/// A parsed answer.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: &'a [u8],
    /// Whether the body is left out by its kind.
    bodiless: bool,
}

impl<'a> Answer<'a> {
    /// Reads a whole answer.
    ///
    /// # Panics
    /// If it is none: every well-formed request is answered.
    pub(super) fn read(bytes: &'a [u8], to_head: bool) -> Answer<'a> {
        let shown = || bytes.escape_ascii().to_string();
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer came: {:?}", shown()));
        let head = std::str::from_utf8(&bytes[..end])
            .unwrap_or_else(|_| panic!("a head that is no text: {}", shown()));
        let mut lines = head.split("\r\n");
        let status =
            lines.next().and_then(status_in).unwrap_or_else(|| panic!("no status line: {}", shown()));
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("no header: {line:?}"));
            (name.to_ascii_lowercase(), value.to_owned())
        });
        let bodiless = to_head || matches!(status, 100..200 | 204 | 304);
        Answer { status, headers: headers.collect(), body: &bytes[end + 4..], bodiless }
    }

    /// What must hold for any answer.
    ///
    /// # Panics
    /// If it does not.
    pub(super) fn check(&self) {
        assert!(self.status >= 200, "{self:?}");
        let length = self.header("content-length").map(str::parse::<usize>);
        if let Some(length) = length.filter(|_| !self.bodiless) {
            assert_eq!(length, Ok(self.body.len()), "the answer's length is not what it says");
        }
        let is_plain =
            self.header("transfer-encoding").is_none() && self.header("content-encoding").is_none();
        let is_json = self.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        if is_plain && is_json && !self.bodiless {
            let read = serde_json::from_slice::<serde_json::Value>(self.body);
            assert!(
                read.is_ok(),
                "JSON that is none: {read:?} in {:?}",
                self.body.escape_ascii().to_string()
            );
        }
        let indexes = ["x-consul-index", "x-konsul-index"].into_iter().filter_map(|name| self.header(name));
        for index in indexes {
            assert!(index.parse::<u64>().is_ok_and(|index| index > 0), "a client was told the index {index}");
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn status_in(line: &str) -> Option<u16> {
    let rest = line.strip_prefix("HTTP/1.1 ").or_else(|| line.strip_prefix("HTTP/1.0 "))?;
    rest.get(..3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, good: bool) {
        let judged = std::panic::catch_unwind(|| Answer::read(text.as_bytes(), false).check());
        assert_eq!(judged.is_ok(), good, "{text}");
    }

    #[test]
    fn answers_that_lie_are_found() {
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n[]", true);
        check("", false);
        check("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[]", false);
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n[[", false);
        check("HTTP/1.1 200 OK\r\nX-Consul-Index: 0\r\nContent-Length: 0\r\n\r\n", false);
        check("HTTP/1.1 100 Continue\r\n\r\n", false);
    }
}
