//! The opening handshake of a WebSocket: RFC 6455, section 4.2.

use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use konsul_api::v2::code::UPGRADE_REQUIRED;
use konsul_api::v2::problem::Fault;
use konsul_api::v2::stream::SUBPROTOCOL;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::v2::rejection::{Rejected, Rejection};

/// What the answer to a good handshake says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    accept: HeaderValue,
    subprotocol: bool,
}

impl Accepted {
    /// The headers of the answer.
    pub(crate) fn headers(self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let subprotocol = (SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        [
            (UPGRADE, HeaderValue::from_static("websocket")),
            (CONNECTION, HeaderValue::from_static("Upgrade")),
            (SEC_WEBSOCKET_ACCEPT, self.accept),
        ]
        .into_iter()
        .chain(self.subprotocol.then_some(subprotocol))
    }
}

/// Checks a handshake. A refusal lists everything that is wrong with it. Whether the connection can be taken over at all
/// is known to who has it: it cannot but for a GET request of HTTP/1.1.
pub(crate) fn check(can_be_taken_over: bool, headers: &HeaderMap) -> Rejected<Accepted> {
    let mut faults = Vec::new();
    let mut fault = |name: &HeaderName, detail: &str| faults.push(Fault::of_header(name.as_str(), detail));
    if !has_token(headers, &UPGRADE, "websocket") {
        fault(&UPGRADE, "has to be websocket");
    }
    if !has_token(headers, &CONNECTION, "upgrade") {
        fault(&CONNECTION, "has to name upgrade");
    } else if !can_be_taken_over {
        fault(&CONNECTION, "has to be of a GET request of HTTP/1.1");
    }
    if only(headers, &SEC_WEBSOCKET_VERSION) != Some(b"13") {
        fault(&SEC_WEBSOCKET_VERSION, "has to be 13");
    }
    let key = only(headers, &SEC_WEBSOCKET_KEY).filter(|key| is_key(key));
    if key.is_none() {
        fault(&SEC_WEBSOCKET_KEY, "has to be 16 bytes in base64, once");
    }
    match key.map(|key| HeaderValue::from_str(&derive_accept_key(key))) {
        Some(Ok(accept)) if faults.is_empty() => {
            Ok(Accepted { accept, subprotocol: has_token(headers, &SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL) })
        }
        _ => Err(Rejection::of_faults(&UPGRADE_REQUIRED, faults)),
    }
}

fn has_token(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|token| token.trim().eq_ignore_ascii_case(wanted))
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then(|| first.as_bytes())
}

fn is_key(key: &[u8]) -> bool {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &[(&str, &str)] = &[
        ("upgrade", "WebSocket"),
        ("connection", "keep-alive, Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let mut headers = HeaderMap::new();
        for (name, value) in pairs.iter().map(pair) {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn the_example_of_the_rfc_is_accepted() {
        let answer: HeaderMap = check(true, &headers(GOOD)).unwrap().headers().collect();
        assert_eq!(answer[SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(!answer.contains_key(SEC_WEBSOCKET_PROTOCOL));
        let mut named = headers(GOOD);
        named.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("other, konsul.v2"));
        let answer: HeaderMap = check(true, &named).unwrap().headers().collect();
        assert_eq!(answer[SEC_WEBSOCKET_PROTOCOL], SUBPROTOCOL);
    }

    #[test]
    fn everything_that_is_missing_is_listed() {
        let refused = check(false, &HeaderMap::new()).unwrap_err();
        assert_eq!((refused.code.status, refused.errors.len()), (426, 4));
        for at in 0..GOOD.len() {
            let mut bad = GOOD.to_vec();
            let (name, _) = bad.remove(at);
            let refused = check(true, &headers(&bad)).unwrap_err();
            assert_eq!(refused.errors[0].header.as_deref(), Some(name));
        }
        for (name, value) in [
            ("upgrade", "h2c"),
            ("connection", "close"),
            ("sec-websocket-version", "8"),
            ("sec-websocket-key", "short"),
        ] {
            let bad: Vec<_> =
                GOOD.iter().filter(|pair| pair.0 != name).copied().chain([(name, value)]).collect();
            assert!(check(true, &headers(&bad)).is_err(), "{name}");
        }
        let twice: Vec<_> = GOOD.iter().copied().chain([GOOD[3]]).collect();
        assert!(check(true, &headers(&twice)).is_err());
        assert!(check(false, &headers(GOOD)).is_err());
    }
}
