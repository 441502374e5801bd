//! Locks as resources: one holder, a queue of waiters, a fencing number for each grant.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::time::Timestamp;
use super::value::present;

/// A lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lock {
    /// Its name.
    pub name: String,
    /// The session that holds it; absent while it is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uuid")]
    pub session: Option<String>,
    /// The number of the present grant; absent while it is free. Each grant's is larger than all before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub fencing: Option<u64>,
    /// The holder's note, where it is UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub value: Option<String>,
    /// The holder's note in base64, where it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, content_encoding = "base64")]
    pub value_base64: Option<String>,
    /// Since when it is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub held_since: Option<Timestamp>,
    /// Until when nobody gets it, because its last holder was lost and may not know it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub delayed_until: Option<Timestamp>,
    /// How many sessions wait for it.
    pub waiting: u64,
    /// The first 100 sessions that wait, in the order in which they will be served; empty in a list of locks.
    pub queue: Vec<String>,
    /// The index at which it was made.
    pub create_index: u64,
    /// The index at which it last changed: its `ETag`.
    pub modify_index: u64,
}

/// Who wants a lock, and for how long it waits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LockAcquire {
    /// The session that is to hold it.
    #[schema(schema_with = super::shape::uuid)]
    pub session: String,
    /// How long to wait in the queue, such as `30s`; absent for not at all.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, schema_with = super::shape::duration)]
    pub wait: Option<String>,
    /// A note of the holder for people, as text. At most one of `value` and `value_base64` is there.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub value: Option<String>,
    /// The note in base64.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, content_encoding = "base64")]
    pub value_base64: Option<String>,
}

/// A lock that was granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LockGrant {
    /// Its name.
    pub name: String,
    /// The session that holds it.
    #[schema(format = "uuid")]
    pub session: String,
    /// The number of this grant: give it to what the lock guards, which refuses lower ones.
    pub fencing: u64,
    /// The index of the answer.
    pub index: u64,
}

/// Who gives a lock back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LockRelease {
    /// The session that holds it, or waits for it.
    #[schema(schema_with = super::shape::uuid)]
    pub session: String,
    /// The number of the grant that is given back; absent for whichever the session holds.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub fencing: Option<u64>,
}

/// A lock that was given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LockReleased {
    /// Its name.
    pub name: String,
    /// The index of the answer.
    pub index: u64,
}
