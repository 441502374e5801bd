//! Bytes on the wire: standard base64 with padding, `null` for none.

use std::fmt;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::GeneralPurposeConfig;
use base64::engine::simd::Simd;
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Padded, and as lenient about stray bits in the last symbol as Go's.
static STANDARD: LazyLock<Simd> =
    LazyLock::new(|| Simd::standard(GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true)));

/// Opaque bytes. Consul writes no bytes as `null`, and reads `null` as none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Base64(pub Vec<u8>);

/// Appends bytes as a JSON value: base64 in quotes, `null` if there are none.
pub fn write(out: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.is_empty() {
        return out.extend_from_slice(b"null");
    }
    let encoded = bytes.len().div_ceil(3) * 4;
    out.push(b'"');
    let start = out.len();
    out.resize(start + encoded, 0);
    let written = STANDARD.encode_slice(bytes, &mut out[start..]);
    debug_assert_eq!(written, Ok(encoded), "the room for base64 is its exact length");
    out.push(b'"');
}

/// Reads base64 as Go does: line breaks in it are skipped.
///
/// # Errors
/// Go's text, with the offset of the first byte that does not belong.
pub fn decode(text: &str) -> Result<Vec<u8>, String> {
    let joined;
    let text = if text.contains(['\r', '\n']) {
        joined = text.replace(['\r', '\n'], "");
        joined.as_str()
    } else {
        text
    };
    STANDARD.decode(text).map_err(|why| {
        let at = match why {
            base64::DecodeError::InvalidByte(at, _)
            | base64::DecodeError::InvalidLastSymbol { offset: at, .. } => at,
            _ => text.len(),
        };
        format!("illegal base64 data at input byte {at}")
    })
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.0.is_empty() {
            return to.serialize_unit();
        }
        to.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Base64;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a base64 string or null")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Base64, E> {
                decode(text).map(Base64).map_err(E::custom)
            }
            fn visit_unit<E: serde::de::Error>(self) -> Result<Base64, E> {
                Ok(Base64::default())
            }
        }
        from.deserialize_any(Text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bytes_are_null() {
        let mut out = Vec::new();
        write(&mut out, b"");
        write(&mut out, b"a\xff");
        assert_eq!(out, b"null\"Yf8=\"");
    }

    #[test]
    fn refuses_what_go_refuses_in_its_words() {
        assert_eq!(decode("Yf8=").unwrap(), b"a\xff");
        assert_eq!(decode("Y\nf8=\r").unwrap(), b"a\xff");
        assert_eq!(decode("Y!8=").unwrap_err(), "illegal base64 data at input byte 1");
        assert!(decode("Yf8").unwrap_err().starts_with("illegal base64 data at input byte "));
    }
}
