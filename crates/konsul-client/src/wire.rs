//! Helpers for JSON as Consul writes it: base64 for bytes, `null` for nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serializer};

/// Reads base64 or `null`.
pub(crate) fn bytes<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text: Option<std::borrow::Cow<'de, str>> = Option::deserialize(from)?;
    let Some(text) = text else { return Ok(Vec::new()) };
    STANDARD.decode(text.as_bytes()).map_err(serde::de::Error::custom)
}

/// Writes base64, or `null` for nothing.
pub(crate) fn to_base64<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    if bytes.is_empty() {
        return to.serialize_none();
    }
    to.serialize_str(&STANDARD.encode(bytes))
}

/// Reads a list or `null`.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(from)?.unwrap_or_default())
}
