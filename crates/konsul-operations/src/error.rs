//! Why an operation has no answer. The kinds are closed and know no status code; each edge has one table from kind to
//! its own replies.

use konsul_types::{Index, Millis, Refusal, SessionId};

/// Why an operation has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The replicated state refused. A conditional write that met another index is one of these.
    #[error("{0}")]
    Refused(Refusal),
    /// An argument is wrong. Nothing happened.
    #[error("{message}")]
    Invalid {
        /// Which argument.
        field: &'static str,
        /// What is wrong with it and what would be right; Consul's own words where clients match on them.
        message: String,
    },
    /// A session that is to be renewed does not exist.
    #[error("Session id '{0}' not found")]
    SessionNotFound(SessionId),
    /// The agent that was asked has no such instance.
    #[error("Unknown service ID {0:?}. Ensure that the service ID is passed, not the service name.")]
    ServiceNotFound(String),
    /// The agent that was asked has no such check.
    #[error("Unknown check ID {0:?}. Ensure that the check ID is passed, not the check name.")]
    CheckNotFound(String),
    /// The agent that was asked has the check, but runs it itself.
    #[error("CheckID {0:?} does not have associated TTL")]
    NotTtlCheck(String),
    /// The catalogue has no such node.
    #[error("node {0:?} is not registered")]
    NodeNotFound(String),
    /// There is no such prepared query.
    #[error("Query not found")]
    QueryNotFound,
    /// A filter expression cannot be used.
    #[error("{0}")]
    BadFilter(String),
    /// More than an argument may hold.
    #[error("{what} has {actual} {unit}; at most {limit} are allowed")]
    TooLarge {
        /// What is too large.
        what: String,
        /// How large it is.
        actual: u64,
        /// The bound.
        limit: u64,
        /// What is counted.
        unit: &'static str,
    },
    /// The identity may not do this.
    #[error("Permission denied: {0}")]
    PermissionDenied(String),
    /// Nobody leads at the moment.
    #[error("No cluster leader")]
    NoLeader,
    /// A leader that has not yet caught up with its own log.
    #[error("Not ready to serve consistent reads")]
    NotReady,
    /// No such datacentre is known here.
    #[error("No path to datacenter")]
    NoPathToDatacenter(String),
    /// The disk is full: reads go on, writes are refused until there is space.
    #[error(
        "no space is left for writes on the server's disk; reads go on, and writes resume when there is space"
    )]
    DiskFull,
    /// The write may or may not have happened.
    #[error("the outcome of the write is unknown: {0}")]
    UnknownOutcome(String),
    /// The deadline passed before the operation began to take effect.
    #[error("the deadline passed: {0}")]
    Deadline(String),
    /// More at once than this server serves.
    #[error("{what} is at its limit of {limit}; try again later")]
    Busy {
        /// What is at its limit.
        what: &'static str,
        /// The bound.
        limit: u64,
    },
    /// The agent makes no backups of its own accord.
    #[error("this agent makes no backups: set backup.directory to the directory where they shall be kept")]
    BackupsOff,
    /// A backup was not made.
    #[error("the backup was not made: {0}")]
    BackupFailed(String),
    /// The server is stopping or has stopped.
    #[error("this server is stopping: {0}")]
    Stopping(String),
    /// The wait for a lock ended without a grant.
    #[error("the lock is held{}; {place} more would be served before", held_by(*holder))]
    LockHeld {
        /// Who holds it; `None` while its lock delay runs.
        holder: Option<SessionId>,
        /// The fencing number of the holder's grant.
        fencing: Option<Index>,
        /// How many waited before this session when the wait ended.
        place: u64,
        /// Log time until which nobody gets it.
        delayed_until: Option<Millis>,
    },
    /// The cluster's feature level is below what this needs: not every server can read it yet.
    #[error(
        "{what} needs feature level {needs}; the cluster is at {present}, and rises once every server runs a build that \
         knows it"
    )]
    FeatureLevel {
        /// What was asked for.
        what: &'static str,
        /// The level that it needs.
        needs: u32,
        /// The cluster's.
        present: u32,
    },
    /// The server that was asked does not have the operation.
    #[error("this server does not offer {operation}; ask one of a newer build")]
    NotOffered {
        /// Which.
        operation: &'static str,
    },
    /// The version of a key that was asked for is not remembered.
    #[error("key {key:?} has no version {index} that is remembered; its history says which there are")]
    NoSuchVersion {
        /// Which key.
        key: String,
        /// Which version.
        index: Index,
    },
    /// There is no earlier value to put back.
    #[error("nothing earlier is remembered of key {key:?}, so there is nothing to put back")]
    NothingToUndo {
        /// Which key.
        key: String,
    },
    /// The request was done before, and its answer was too large to be remembered.
    #[error(
        "this request was done before, at index {index}; its answer is no longer kept, and nothing was done now"
    )]
    DoneBefore {
        /// The entry that did it.
        index: Index,
    },
    /// One entry of an import, or one member of a batch, is wrong.
    #[error("entry {position}: {error}")]
    Entry {
        /// Its position, from 1.
        position: u64,
        /// What is wrong.
        error: Box<Error>,
    },
    /// A defect of the server. The text is for the log.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Error {
    /// A stable name for programs. Part of the API: never changed, only added to.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Refused(refusal) => refusal_code(refusal),
            Error::Invalid { .. } => "invalid_argument",
            Error::SessionNotFound(_) => "session_not_found",
            Error::ServiceNotFound(_) => "service_not_found",
            Error::CheckNotFound(_) => "check_not_found",
            Error::NotTtlCheck(_) => "not_a_ttl_check",
            Error::NodeNotFound(_) => "node_not_found",
            Error::QueryNotFound => "query_not_found",
            Error::BadFilter(_) => "bad_filter",
            Error::TooLarge { .. } => "too_large",
            Error::PermissionDenied(_) => "permission_denied",
            Error::NoLeader => "no_leader",
            Error::NotReady => "not_ready",
            Error::NoPathToDatacenter(_) => "no_path_to_datacenter",
            Error::DiskFull => "disk_full",
            Error::UnknownOutcome(_) => "unknown_outcome",
            Error::Deadline(_) => "deadline_exceeded",
            Error::Busy { .. } => "busy",
            Error::BackupsOff => "backups_off",
            Error::BackupFailed(_) => "backup_failed",
            Error::Stopping(_) => "stopping",
            Error::LockHeld { .. } => "lock_held",
            Error::FeatureLevel { .. } => "feature_level",
            Error::NotOffered { .. } => "not_offered",
            Error::NoSuchVersion { .. } => "no_such_version",
            Error::NothingToUndo { .. } => "nothing_to_undo",
            Error::DoneBefore { .. } => "done_before",
            Error::Entry { error, .. } => error.code(),
            Error::Internal(_) => "internal",
        }
    }

    /// An argument that is wrong.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Error {
        Error::Invalid { field, message: message.into() }
    }
}

fn refusal_code(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::StaleIndex { .. } => "stale_index",
        Refusal::LockHeld => "lock_held",
        Refusal::LockDelay { .. } => "lock_delay",
        Refusal::NotHolder => "not_lock_holder",
        Refusal::UnknownSession { .. } => "unknown_session",
        Refusal::SessionExists { .. } => "session_exists",
        Refusal::MissingNode => "missing_node",
        Refusal::MissingCheck { .. } => "missing_check",
        Refusal::CriticalCheck { .. } => "critical_check",
        Refusal::TooManyKeys { .. } | Refusal::TooManyBytes { .. } | Refusal::TooManySessions { .. } => {
            "quota"
        }
        Refusal::ValueTooLarge { .. } => "value_too_large",
        Refusal::TooManyOperations { .. } => "too_many_operations",
        Refusal::RequestExpired => "request_expired",
        Refusal::Superseded => "superseded",
        Refusal::FeatureLevel { .. } => "feature_level",
        Refusal::RestoreOrder { .. } => "restore_order",
        Refusal::RestoreRefused { .. } => "restore_refused",
        Refusal::NotRegistered { .. } => "not_registered",
        Refusal::NoSuchKey { .. } => "key_not_found",
        Refusal::LockQueueFull { .. } => "lock_queue_full",
        Refusal::TooManyLocks { .. } => "quota",
        Refusal::StaleFencing { .. } => "stale_fencing",
        Refusal::RequestReused { .. } => "idempotency_key_reused",
        Refusal::TooManyRequests { .. } => "too_many_requests",
        Refusal::NodeNameTaken { .. } => "node_name_taken",
        Refusal::MissingService => "missing_service",
        Refusal::UnknownCheck { .. } => "check_not_found",
        Refusal::CatalogFull { .. } => "quota",
        Refusal::QueryAlias { .. } => "query_name_taken",
        Refusal::UnknownQuery { .. } => "query_not_found",
        Refusal::QuerySession => "unknown_session",
    }
}

fn held_by(holder: Option<SessionId>) -> String {
    match holder {
        Some(id) => format!(" by session {id}"),
        None => " by nobody, because its lock delay runs".into(),
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        Error::Refused(refusal)
    }
}
