//! Names and keys that can only be made by a checking constructor.
//!
//! Short texts lie inside the name itself, so that an ordered map of keys compares them without leaving its nodes, and
//! copies a node without touching a counter for each.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

/// Why a name was refused: what was wrong and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {what}")]
pub struct NameError {
    /// The kind of name, as a user calls it.
    pub kind: &'static str,
    /// What is wrong with it.
    pub what: String,
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $kind:literal, $check:path;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(SmolStr);

        impl $name {
            /// Checks and makes one.
            pub fn new(text: impl AsRef<str> + Into<SmolStr>) -> Result<Self, NameError> {
                $check(text.as_ref()).map_err(|what| NameError { kind: $kind, what })?;
                Ok(Self(text.into()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, as it may be kept: short ones are copied, long ones shared.
            pub fn shared(&self) -> SmolStr {
                self.0.clone()
            }
        }

        reads_as_text!($name);
    )*};
}

/// What every name does by its text.
macro_rules! reads_as_text {
    ($name:ident) => {
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.as_str())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = SmolStr::deserialize(from)?;
                Self::new(text).map_err(D::Error::custom)
            }
        }
    };
}

names! {
    /// A key of the key-value store: 1 to 8192 bytes of UTF-8 without control characters. Slashes have no meaning to the
    /// store itself; `a`, `a/` and `/a` are three keys.
    Key = "key", check_key;
    /// A node's name: 1 to 128 bytes without control characters or `/`.
    NodeName = "node name", check_label;
    /// A lock's name: 1 to 512 bytes of UTF-8 without control characters. Slashes have no meaning.
    LockName = "lock name", check_lock_name;
    /// A check's id on its node: 1 to 512 bytes without control characters.
    CheckId = "check id", check_catalog_name;
    /// A service's name: 1 to 512 bytes of UTF-8 without control characters. Compared without regard to the case of ASCII
    /// letters, as in DNS.
    ServiceName = "service name", check_catalog_name;
    /// An instance's id on its node: 1 to 512 bytes of UTF-8 without control characters.
    ServiceId = "service id", check_catalog_name;
}

/// Longest name of a lock, in bytes.
pub const LOCK_NAME_BYTES_MAX: usize = 512;

/// Longest name or id of a service, and id of a check, in bytes.
pub const CATALOG_NAME_BYTES_MAX: usize = 512;

/// Longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 8192;

/// A tenant's name: 1 to 64 of `a-z`, `0-9` and `-`, beginning and ending with a letter or digit.
///
/// It is part of the key of nearly every table, and nearly always the default one: that takes no memory beside one word,
/// and two of it are compared without looking at a text.
// `None` is the default one, and only that, so that equal texts are equal values.
#[derive(Clone, PartialEq, Eq)]
pub struct Namespace(Option<Arc<SmolStr>>);

const DEFAULT_NAMESPACE: &str = "default";

reads_as_text!(Namespace);

impl Ord for Namespace {
    fn cmp(&self, other: &Namespace) -> Ordering {
        match (&self.0, &other.0) {
            (None, None) => Ordering::Equal,
            _ => self.as_str().cmp(other.as_str()),
        }
    }
}

impl PartialOrd for Namespace {
    fn partial_cmp(&self, other: &Namespace) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Namespace {
    /// As its text, by which it is borrowed.
    fn hash<H: Hasher>(&self, to: &mut H) {
        self.as_str().hash(to);
    }
}

impl Namespace {
    /// Checks and makes one.
    pub fn new(text: impl AsRef<str> + Into<SmolStr>) -> Result<Namespace, NameError> {
        check_namespace(text.as_ref()).map_err(|what| NameError { kind: "namespace", what })?;
        let other = (text.as_ref() != DEFAULT_NAMESPACE).then(|| Arc::new(text.into()));
        Ok(Namespace(other))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_ref().map_or(DEFAULT_NAMESPACE, |text| text)
    }

    /// The text, as it may be kept.
    pub fn shared(&self) -> SmolStr {
        self.0.as_ref().map_or(SmolStr::new_static(DEFAULT_NAMESPACE), |text| (**text).clone())
    }

    /// The namespace meant where none is named.
    pub fn default_namespace() -> Namespace {
        Namespace(None)
    }

    /// Whether this is the namespace meant where none is named.
    pub fn is_default(&self) -> bool {
        self.0.is_none()
    }
}

impl ServiceName {
    /// The form under which it is compared: lower case in its ASCII letters.
    #[must_use]
    pub fn folded(&self) -> ServiceName {
        ServiceName(fold(&self.0))
    }
}

impl NodeName {
    /// The form under which it is compared: lower case in its ASCII letters.
    #[must_use]
    pub fn folded(&self) -> NodeName {
        NodeName(fold(&self.0))
    }
}

/// Folding keeps the length and adds no control character, so what was a good name stays one.
fn fold(text: &SmolStr) -> SmolStr {
    if text.bytes().any(|b| b.is_ascii_uppercase()) { text.to_ascii_lowercase().into() } else { text.clone() }
}

fn check_namespace(text: &str) -> Result<(), String> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    if bytes.is_empty() || bytes.len() > 64 {
        return Err(format!("has {} bytes; 1 to 64 are allowed", bytes.len()));
    }
    if !bytes.iter().all(|&b| plain(b) || b == b'-') || !plain(bytes[0]) || !plain(bytes[bytes.len() - 1]) {
        return Err(format!(
            "{text:?} may hold only a-z, 0-9 and -, and must begin and end with a letter or digit"
        ));
    }
    Ok(())
}

fn check_key(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("is empty".into());
    }
    check_text(text, KEY_BYTES_MAX)
}

fn check_label(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("is empty".into());
    }
    if text.contains('/') {
        return Err(format!("{text:?} may not contain a slash"));
    }
    check_text(text, 128)
}

fn check_lock_name(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("is empty".into());
    }
    check_text(text, LOCK_NAME_BYTES_MAX)
}

fn check_catalog_name(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("is empty".into());
    }
    check_text(text, CATALOG_NAME_BYTES_MAX)
}

/// Bounds a text and refuses control characters, which clients cannot send and terminals cannot show.
fn check_text(text: &str, max: usize) -> Result<(), String> {
    if text.len() > max {
        return Err(format!("has {} bytes; at most {max} are allowed", text.len()));
    }
    match text.char_indices().find(|(_, c)| c.is_control()) {
        Some((at, c)) => Err(format!("has the control character {c:?} at byte {at}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_opaque_text() {
        for good in ["a", "a/", "/a", "a//b", "../x", "ç", "with space", &"k".repeat(8192)] {
            assert_eq!(Key::new(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn a_refused_key_says_why() {
        let why = |text: &str| Key::new(text).unwrap_err().to_string();
        assert_eq!(why(""), "key is empty");
        assert_eq!(why("a\nb"), "key has the control character '\\n' at byte 1");
        assert_eq!(why(&"k".repeat(8193)), "key has 8193 bytes; at most 8192 are allowed");
    }

    #[test]
    fn namespaces_are_labels() {
        for good in ["default", "a", "team-1"] {
            assert!(Namespace::new(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a/b", "a b", &"n".repeat(65)] {
            assert!(Namespace::new(bad).is_err(), "{bad}");
        }
    }

    /// The default one is told apart from the others by its form, which nobody may see.
    #[test]
    fn namespaces_are_ordered_hashed_and_stored_as_their_texts() {
        use std::hash::BuildHasher;
        let hasher = std::hash::BuildHasherDefault::<std::collections::hash_map::DefaultHasher>::default();
        let texts = ["a", "default", "default-1", "def", "z", "0"];
        for one in texts {
            let name = Namespace::new(one).unwrap();
            assert_eq!((name.as_str(), name.shared().as_str()), (one, one));
            assert_eq!(name.is_default(), one == "default");
            assert_eq!(hasher.hash_one(&name), hasher.hash_one(one));
            let bytes = postcard::to_allocvec(&name).unwrap();
            assert_eq!(bytes, postcard::to_allocvec(one).unwrap());
            assert_eq!(postcard::from_bytes::<Namespace>(&bytes).unwrap(), name);
            for other in texts {
                assert_eq!(name.cmp(&Namespace::new(other).unwrap()), one.cmp(other), "{one} {other}");
                assert_eq!(name == Namespace::new(other).unwrap(), one == other, "{one} {other}");
            }
        }
        assert_eq!(Namespace::default_namespace(), Namespace::new("default").unwrap());
        assert_eq!(size_of::<Namespace>(), size_of::<usize>());
    }

    #[test]
    fn decoding_checks_too() {
        let bytes = postcard::to_allocvec("bad\u{0}key").unwrap();
        assert!(postcard::from_bytes::<Key>(&bytes).is_err());
    }
}
