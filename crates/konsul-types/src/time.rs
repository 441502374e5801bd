//! Time inside the log.

use std::fmt;
use std::num::NonZeroU64;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Log time: milliseconds since the Unix epoch as the leader stamped them. Never decreases from one entry to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Millis(pub u64);

impl Millis {
    /// This time plus a span in milliseconds; stops at the end of time instead of wrapping.
    #[must_use]
    pub fn plus(self, span_ms: u64) -> Millis {
        Millis(self.0.saturating_add(span_ms))
    }

    /// Milliseconds since `earlier`; zero if that lies in the future.
    pub fn since(self, earlier: Millis) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}

/// When something ends, if ever: an `Option<Millis>` in eight bytes, for records of which there are millions.
///
/// It counts from one, so that zero is left for "never"; the last millisecond of time is thereby one that nothing ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expiry(Option<NonZeroU64>);

impl Expiry {
    /// It does not end.
    pub const NEVER: Expiry = Expiry(None);

    /// When it ends.
    pub fn at(self) -> Option<Millis> {
        self.0.map(|counted| Millis(counted.get() - 1))
    }
}

impl From<Option<Millis>> for Expiry {
    fn from(at: Option<Millis>) -> Expiry {
        Expiry(at.map(|at| NonZeroU64::MIN.saturating_add(at.0)))
    }
}

impl Serialize for Expiry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.at().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Expiry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Expiry, D::Error> {
        Option::<Millis>::deserialize(deserializer).map(Expiry::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_an_option_in_eight_bytes() {
        assert_eq!(size_of::<Expiry>(), 8);
        for at in [None, Some(Millis(0)), Some(Millis(17)), Some(Millis(u64::MAX - 1))] {
            assert_eq!(Expiry::from(at).at(), at);
            let bytes = postcard::to_allocvec(&Expiry::from(at)).unwrap();
            assert_eq!(bytes, postcard::to_allocvec(&at).unwrap());
            assert_eq!(postcard::from_bytes::<Expiry>(&bytes).unwrap().at(), at);
        }
        assert_eq!(Expiry::from(Some(Millis(u64::MAX))).at(), Some(Millis(u64::MAX - 1)));
    }
}
