//! The `Host` header, which every request of HTTP/1.1 has: checked as Go's server does it, before anything else of a
//! request is looked at, and refused in its words.

use http::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode, Version};
use hyper::ext::ReasonPhrase;

use crate::headers;
use crate::outgoing::Outgoing;

/// A head that is refused. Stands for `400 Bad Request`, in the status line as in the body, and then why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadHead(&'static str);

const MISSING: BadHead = BadHead("Bad Request: missing required Host header");
const MALFORMED: BadHead = BadHead("Bad Request: malformed Host header");
/// Go does not say why.
const SEVERAL: BadHead = BadHead("Bad Request");

/// Checks a request's head.
pub(crate) fn check(head: &Parts) -> Result<(), BadHead> {
    match headers::first(&head.headers, &HOST) {
        Some((_, true)) => Err(SEVERAL),
        Some((host, false)) if !host.as_bytes().iter().copied().all(may_stand_in_host) => Err(MALFORMED),
        None if head.version >= Version::HTTP_11 && head.method != Method::CONNECT => Err(MISSING),
        _ => Ok(()),
    }
}

/// Whether a byte may stand in the header: those of a registered name, an address in brackets and a port (RFC 3986,
/// section 3.2.2).
fn may_stand_in_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!$%&()*+,-.:;=['_~]".contains(&byte)
}

impl BadHead {
    /// The answer. It has none of the headers that other answers have, and the connection ends with it.
    pub(crate) fn response(self) -> Response<Outgoing> {
        let mut response = Response::new(Outgoing::Whole(format!("400 {}", self.0).into()));
        *response.status_mut() = StatusCode::BAD_REQUEST;
        *response.headers_mut() = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
            (CONNECTION, HeaderValue::from_static("close")),
        ]);
        response.extensions_mut().insert(ReasonPhrase::from_static(self.0.as_bytes()));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn verdict(version: Version, hosts: &[&str], expect: Result<(), BadHead>) {
        let mut request = http::Request::builder().version(version);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(check(&head), expect, "{hosts:?}");
    }

    #[test]
    fn one_good_host_is_needed_from_http_1_1_on() {
        verdict(Version::HTTP_11, &[], Err(MISSING));
        verdict(Version::HTTP_10, &[], Ok(()));
        for good in ["", "localhost", "127.0.0.1:8500", "[::1]:8500", "a_b.c~d", "x'y"] {
            verdict(Version::HTTP_11, &[good], Ok(()));
        }
        for bad in ["a b", "a/b", "a@b", "a\"b", "<a>", "a^b", "a\\b", "a|b", "{a}"] {
            verdict(Version::HTTP_11, &[bad], Err(MALFORMED));
            verdict(Version::HTTP_10, &[bad], Err(MALFORMED));
        }
        verdict(Version::HTTP_11, &["a", "a"], Err(SEVERAL));
        verdict(Version::HTTP_10, &["a", "b"], Err(SEVERAL));
    }
}
