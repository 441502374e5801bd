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

/// The name space of clients' keys, drawn once.
const KEYS: Uuid = Uuid::from_u128(0x6f0c_52f1_9a5e_4b44_8c8e_36fd_e25b_0b7a);

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
    /// A prepared query.
    QueryId
    /// One staged restore.
    RestoreId
    /// A write that may be sent more than once. A UUID of version 7: it carries the time of its making, so that the state
    /// can tell a request too old to be remembered from a new one.
    RequestId
}

/// A write that may be sent more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Which.
    pub id: RequestId,
    /// A hash of what the client sent, if it is known: the same id with another one is a mistake of the client, not a
    /// repeat. Feature level 2.
    pub fingerprint: Option<u64>,
}

impl Request {
    /// The feature level that it belongs to: level 1 knows no fingerprints, and no ids that tell no time.
    pub fn level(self) -> u32 {
        if self.fingerprint.is_some() || self.id.made_at().is_none() { 2 } else { 1 }
    }

    /// The request of one step of an operation that takes several log entries: a repeat of the operation repeats its steps.
    #[must_use]
    pub fn step(self, number: u64) -> Request {
        Request { id: self.id.step(number), ..self }
    }
}

impl From<RequestId> for Request {
    fn from(id: RequestId) -> Request {
        Request { id, fingerprint: None }
    }
}

impl RequestId {
    /// The id that a client's own key stands for, within a scope that other clients do not share. A key that is a UUID of
    /// version 7 is taken as it is: it tells its time, and a repeat that comes too late is refused instead of done again.
    /// Any other key is remembered for the window, and new after it.
    pub fn of_key(scope: &str, key: &str) -> RequestId {
        match key.parse().map(RequestId) {
            Ok(id) if id.made_at().is_some() => id,
            _ => RequestId(Uuid::new_v5(&KEYS, format!("{}:{scope}:{key}", scope.len()).as_bytes())),
        }
    }

    /// The id of one step. It tells the same time as the whole.
    fn step(self, number: u64) -> RequestId {
        let step = Uuid::new_v5(&self.0, &number.to_be_bytes());
        match self.made_at() {
            // Time and version stay; what chance had drawn is replaced by what depends on id and number.
            Some(_) => {
                let time = self.0.as_u128() & (u128::MAX << 76);
                RequestId(Uuid::from_u128(time | step.as_u128() & !(u128::MAX << 76)))
            }
            None => RequestId(step),
        }
    }

    /// Milliseconds since the Unix epoch at which the id was made; `None` if it is not of version 7.
    pub fn made_at(self) -> Option<u64> {
        (self.0.get_version_num() == 7).then(|| (self.0.as_u128() >> 80) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_for_one_id_in_its_scope() {
        let of = RequestId::of_key;
        assert_eq!(of("a", "order-1"), of("a", "order-1"));
        assert_ne!(of("a", "order-1"), of("b", "order-1"));
        assert_ne!(of("a", "b:c"), of("a:b", "c"));
        assert_eq!(of("a", "order-1").made_at(), None);
        let timed = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";
        assert_eq!(of("a", timed), timed.parse().unwrap());
    }

    #[test]
    fn steps_of_a_request_differ_and_keep_its_time() {
        let whole: RequestId = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f".parse().unwrap();
        assert_eq!(whole.step(3), whole.step(3));
        assert_ne!(whole.step(3), whole.step(4));
        assert_ne!(whole.step(0), whole);
        assert_eq!(whole.step(3).made_at(), whole.made_at());
        assert_eq!(RequestId::of_key("", "k").step(1).made_at(), None);
    }

    #[test]
    fn a_request_id_tells_when_it_was_made() {
        let id: RequestId = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f".parse().unwrap();
        assert_eq!(id.made_at(), Some(1_645_557_742_000));
        let random: RequestId = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d".parse().unwrap();
        assert_eq!(random.made_at(), None);
    }
}
