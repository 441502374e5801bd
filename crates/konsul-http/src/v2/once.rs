//! Writes that may be sent more than once: `Idempotency-Key`.

use http::header::{HeaderMap, HeaderName};
use konsul_types::{Request, RequestId};
use uuid::Uuid;

use super::rejection::{Rejected, Rejection};
use crate::headers;

/// The header.
pub(crate) const HEADER: &str = "Idempotency-Key";

const NAME: HeaderName = HeaderName::from_static("idempotency-key");

/// Longest key, in bytes.
const KEY_MAX: usize = 128;

/// The name space in which requests are hashed. Replicas compare the hashes, so it never changes.
const SPACE: Uuid = Uuid::from_u128(0x5d3c_94f2_0b1a_4c57_9d6e_2f81_77a0_c4e3);

/// A write that names itself, but for its body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Once {
    id: RequestId,
    head: Uuid,
}

impl Once {
    /// Reads the header of a request for an operation.
    pub(crate) fn read(headers: &HeaderMap, operation: &str, target: &str) -> Rejected<Option<Once>> {
        let Some((value, again)) = headers::first(headers, &NAME) else { return Ok(None) };
        if again {
            return Err(Rejection::of_header(HEADER, "is given twice"));
        }
        let key = value.to_str().ok().map(str::trim).filter(|key| is_token(key));
        let key =
            key.ok_or_else(|| Rejection::of_header(HEADER, "must be 1 to 128 visible ASCII characters"))?;
        let head = Uuid::new_v5(&SPACE, format!("{operation} {target}").as_bytes());
        Ok(Some(Once { id: RequestId::of_key("v2", key), head }))
    }

    /// The request with its body.
    pub(crate) fn request(self, body: &[u8]) -> Request {
        let whole = Uuid::new_v5(&self.head, body);
        Request { id: self.id, fingerprint: Some(whole.as_u64_pair().0) }
    }
}

fn is_token(key: &str) -> bool {
    (1..=KEY_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(key: &str, target: &str) -> Rejected<Option<Once>> {
        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static("idempotency-key"),
            HeaderValue::from_str(key).unwrap(),
        )]);
        Once::read(&headers, "kv_put", target)
    }

    #[test]
    fn another_target_or_body_has_another_fingerprint_under_the_same_id() {
        let request = |target, body: &[u8]| read("k", target).unwrap().unwrap().request(body);
        let first = request("/v2/kv/a", b"1");
        assert_eq!(request("/v2/kv/a", b"1"), first);
        for other in [request("/v2/kv/b", b"1"), request("/v2/kv/a", b"2")] {
            assert!(other.id == first.id && other.fingerprint != first.fingerprint);
        }
    }

    #[test]
    fn a_key_is_a_token() {
        for bad in ["", " ", "a b", &"k".repeat(129)] {
            assert!(read(bad, "/").is_err(), "{bad:?}");
        }
        assert!(read(&"k".repeat(128), "/").is_ok());
        assert!(Once::read(&HeaderMap::new(), "kv_put", "/").unwrap().is_none());
    }
}
