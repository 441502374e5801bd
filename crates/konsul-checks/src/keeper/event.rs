//! What the keeper tells, and what it refuses.

use std::sync::Arc;

use konsul_types::{CheckStatus, Millis};

use crate::decide::Flapping;
use crate::definition::{CheckKey, Definition};

/// What goes to the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A check stands otherwise than its owner knows.
    Report(Report),
    /// A check has been critical for as long as its `deregister_critical_service_after` says. Told again at each look
    /// (every 30 s), until it recovers or is removed.
    Deregister {
        /// The check.
        key: CheckKey,
        /// Since when it is critical, by the wall clock.
        critical_since: Millis,
    },
}

/// How a check stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The check.
    pub key: CheckKey,
    /// Its status.
    pub status: CheckStatus,
    /// What it says.
    pub output: Arc<str>,
    /// When that was found, by the wall clock.
    pub at: Millis,
    /// Why it is held critical, if it flaps. The output begins with the same words.
    pub flapping: Option<Flapping>,
}

/// A check as it stands at the moment, also where its owner was not told yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Its definition.
    pub definition: Arc<Definition>,
    /// Its status.
    pub status: CheckStatus,
    /// What it says.
    pub output: Arc<str>,
    /// Since when it has this status, by the wall clock.
    pub since: Millis,
    /// When something was last heard of it; `None` if nothing was yet.
    pub checked_at: Option<Millis>,
    /// Why it is held critical, if it flaps.
    pub flapping: Option<Flapping>,
}

/// What became of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// There was no such check.
    New,
    /// The check of that key has a new definition, and its old status.
    Replaced,
    /// The definition is equal to the old one: nothing happened.
    Unchanged,
}

/// Why a check was not added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// There are as many as may be.
    #[error(
        "this agent has {limit} checks already, the most that are allowed; remove some, or raise the limit"
    )]
    Full {
        /// The bound.
        limit: usize,
    },
}

/// Why an update by hand was refused, in Consul's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// There is no such check: 404 in Consul.
    #[error("Unknown check ID \"{}\". Ensure that the check ID is passed, not the check name.", key.id)]
    Unknown {
        /// What was asked for.
        key: CheckKey,
    },
    /// It has no time to live: 500 in Consul.
    #[error("CheckID \"{}\" does not have associated TTL", key.id)]
    NotTtl {
        /// What was asked for.
        key: CheckKey,
    },
}
