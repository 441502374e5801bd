//! Reads answers: a head, and a body of a known length or in chunks.

use std::borrow::Cow;

use crate::error::Error;

/// A whole answer.
#[derive(Debug)]
pub struct Response<'a> {
    /// The status code.
    pub status: u16,
    /// The body, joined if it came in chunks.
    pub body: Cow<'a, [u8]>,
    /// How many bytes the answer took.
    pub length: usize,
}

const HEADERS_MAX: usize = 32;

/// The answer at the beginning of `bytes`; `None` when it is not whole yet.
///
/// # Errors
///
/// [`Error::Wire`] when this is not HTTP/1.1 that this generator understands.
pub fn parse(bytes: &[u8]) -> Result<Option<Response<'_>>, Error> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Response::new(&mut headers);
    let head_length = match head.parse(bytes).map_err(|why| Error::Wire(why.to_string()))? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return Ok(None),
    };
    let status = head.code.unwrap_or(0);
    let rest = &bytes[head_length..];
    Ok(match framing(head.headers)? {
        Framing::Length(length) if rest.len() < length => None,
        Framing::Length(length) => {
            Some(Response { status, body: Cow::Borrowed(&rest[..length]), length: head_length + length })
        }
        Framing::Chunked => chunks(rest)?.map(|(body, length)| Response {
            status,
            body: Cow::Owned(body),
            length: head_length + length,
        }),
    })
}

enum Framing {
    Length(usize),
    Chunked,
}

fn framing(headers: &[httparse::Header<'_>]) -> Result<Framing, Error> {
    for header in headers {
        if header.name.eq_ignore_ascii_case("content-length") {
            let text = std::str::from_utf8(header.value).unwrap_or("");
            let length = text.trim().parse();
            return length
                .map(Framing::Length)
                .map_err(|_| Error::Wire(format!("a content length of {text:?}")));
        }
        if header.name.eq_ignore_ascii_case("transfer-encoding") {
            return Ok(Framing::Chunked);
        }
    }
    Err(Error::Wire("an answer with neither a length nor chunks".to_owned()))
}

fn chunks(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Error> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let size =
            httparse::parse_chunk_size(&bytes[at..]).map_err(|_| Error::Wire("a broken chunk".to_owned()))?;
        let httparse::Status::Complete((head, size)) = size else {
            return Ok(None);
        };
        let size = usize::try_from(size).map_err(|_| Error::Wire("a chunk too long".to_owned()))?;
        let (start, end) = (at + head, at + head + size);
        if bytes.len() < end + 2 {
            return Ok(None);
        }
        body.extend_from_slice(&bytes[start..end]);
        at = end + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, status: u16, body: &str) {
        for cut in 0..text.len() {
            assert!(parse(&text.as_bytes()[..cut]).unwrap().is_none(), "whole at {cut}");
        }
        let followed = format!("{text}HTTP/1.1");
        let response = parse(followed.as_bytes()).unwrap().expect("whole");
        assert_eq!(
            (response.status, &*response.body, response.length),
            (status, body.as_bytes(), text.len())
        );
    }

    #[test]
    fn a_body_of_known_length() {
        check("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue", 200, "true");
        check("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", 404, "");
    }

    #[test]
    fn a_body_in_chunks() {
        let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        check(text, 200, "abcde");
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        assert!(parse(b"SMTP ready\r\n\r\n").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
