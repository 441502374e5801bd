//! How stored values become bytes: one version byte, then postcard.
//!
//! Postcard is documented and small, and not self-describing: the order of fields *is* the format. So the version byte
//! changes whenever a stored type changes shape, old shapes stay readable, and `konsul-state`'s corpus of old bytes proves
//! it. Bytes after the value are refused: they would be data that this build silently ignores.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The version that this build writes.
pub const VERSION: u8 = 1;

/// Why bytes could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// There are no bytes at all.
    #[error("the record is empty")]
    Empty,
    /// The bytes were written by a newer build.
    #[error("the record has version {found}, which this build does not know; use a newer one")]
    Newer {
        /// Its version.
        found: u8,
    },
    /// The bytes are not such a value.
    #[error("the record cannot be read: {0}")]
    Malformed(String),
}

/// Encodes a value of this version.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    encode_as(VERSION, value)
}

/// Encodes a value whose type has a version of its own.
pub fn encode_as<T: Serialize>(version: u8, value: &T) -> Vec<u8> {
    // Postcard fails only on sequences of unknown length, which no stored type has.
    postcard::to_extend(value, vec![version]).expect("stored types encode")
}

/// Decodes a value.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    decode_as(VERSION, bytes)
}

/// Decodes a value of one version of its type.
pub fn decode_as<T: DeserializeOwned>(wanted: u8, bytes: &[u8]) -> Result<T, DecodeError> {
    let (&version, rest) = bytes.split_first().ok_or(DecodeError::Empty)?;
    if version != wanted {
        return Err(DecodeError::Newer { found: version });
    }
    match postcard::take_from_bytes(rest) {
        Ok((value, [])) => Ok(value),
        Ok((_, left)) => Err(DecodeError::Malformed(format!("{} bytes are left over", left.len()))),
        Err(why) => Err(DecodeError::Malformed(why.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_refusals() {
        let bytes = encode(&(7u64, "x".to_owned()));
        assert_eq!(decode::<(u64, String)>(&bytes), Ok((7, "x".to_owned())));
        assert_eq!(decode::<u64>(&[]), Err(DecodeError::Empty));
        assert_eq!(decode::<u64>(&[9, 1]), Err(DecodeError::Newer { found: 9 }));
        assert!(matches!(decode::<u64>(&[1, 1, 1]), Err(DecodeError::Malformed(_))));
        assert!(matches!(decode::<String>(&[1, 200]), Err(DecodeError::Malformed(_))));
    }
}
