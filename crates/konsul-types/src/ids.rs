//! Identifiers: one type for each kind, so that a session cannot stand where an event is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An index of the Raft log, as seen by clients in `X-Consul-Index`, `CreateIndex` and `ModifyIndex`.
///
/// Zero means "nothing yet" inside, and is never sent to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Index(pub u64);

impl Index {
    /// The index before the first entry.
    pub const ZERO: Index = Index(0);

    /// The larger of the two.
    #[must_use]
    pub fn max(self, other: Index) -> Index {
        Ord::max(self, other)
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! uuid_kinds {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub Uuid);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )*};
}

uuid_kinds! {
    /// A session.
    SessionId
    /// A node of the catalogue.
    NodeId
    /// A fired event.
    EventId
    /// One staged restore.
    RestoreId
    /// A write that may be sent more than once. A UUID of version 7: it carries the time of its making, so that the state
    /// can tell a request too old to be remembered from a new one.
    RequestId
}

impl RequestId {
    /// Milliseconds since the Unix epoch at which the id was made; `None` if it is not of version 7.
    pub fn made_at(self) -> Option<u64> {
        (self.0.get_version_num() == 7).then(|| (self.0.as_u128() >> 80) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_tells_when_it_was_made() {
        let id: RequestId = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f".parse().unwrap();
        assert_eq!(id.made_at(), Some(1_645_557_742_000));
        let random: RequestId = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d".parse().unwrap();
        assert_eq!(random.made_at(), None);
    }
}
