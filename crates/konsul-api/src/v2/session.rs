//! Sessions: leases that hold locks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::time::Timestamp;
use super::value::{objects, present};

/// What becomes of the keys that a session holds when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = SessionBehavior)]
#[serde(rename_all = "snake_case")]
pub enum Behavior {
    /// They lose their holder and stay.
    #[default]
    Release,
    /// They are removed.
    Delete,
}

/// A check of a service that a session leans on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = SessionServiceCheck)]
#[serde(deny_unknown_fields)]
pub struct ServiceCheck {
    /// The check's id.
    #[schema(schema_with = super::shape::label)]
    pub id: String,
    /// Its namespace; absent for the session's.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, schema_with = super::shape::namespace)]
    pub namespace: Option<String>,
}

/// What is asked for when a session is made. Every field may be absent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SessionCreate {
    /// A name for people.
    #[schema(max_length = 1024)]
    pub name: String,
    /// The node that it lives with; absent for the answering one.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, schema_with = super::shape::node)]
    pub node: Option<String>,
    /// Time to live, from 10 s to 24 h; absent for none.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, schema_with = super::shape::duration)]
    pub ttl: Option<String>,
    /// How long a lock that is lost by the session's end stays free; absent for 15 s, at most 60 s.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, schema_with = super::shape::duration)]
    pub lock_delay: Option<String>,
    /// What becomes of its keys.
    pub behavior: Behavior,
    /// Checks of the node that must not be critical; absent for the node's liveness check.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, schema_with = super::shape::labels)]
    pub node_checks: Option<Vec<String>>,
    /// Checks of services that must not be critical.
    #[serde(deserialize_with = "objects")]
    pub service_checks: Vec<ServiceCheck>,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// Its id.
    #[schema(format = "uuid")]
    pub id: String,
    /// A name for people.
    pub name: String,
    /// The node that it lives with.
    pub node: String,
    /// Its time to live; absent for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ttl: Option<String>,
    /// How long a lock that is lost by its end stays free.
    pub lock_delay: String,
    /// What becomes of its keys.
    pub behavior: Behavior,
    /// Checks of the node that must not be critical.
    pub node_checks: Vec<String>,
    /// Checks of services that must not be critical.
    pub service_checks: Vec<ServiceCheck>,
    /// Before this it does not run out; absent without a time to live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expires_at: Option<Timestamp>,
    /// The index at which it was made.
    pub create_index: u64,
    /// The index at which it last changed: its `ETag`.
    pub modify_index: u64,
}
