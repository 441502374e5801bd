//! Why an operation has no answer. The kinds are closed and know no status code; each edge has one table from kind to
//! its own replies.

use konsul_types::{Refusal, SessionId};

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
    /// The server is stopping or has stopped.
    #[error("this server is stopping: {0}")]
    Stopping(String),
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
            Error::TooLarge { .. } => "too_large",
            Error::PermissionDenied(_) => "permission_denied",
            Error::NoLeader => "no_leader",
            Error::NotReady => "not_ready",
            Error::NoPathToDatacenter(_) => "no_path_to_datacenter",
            Error::DiskFull => "disk_full",
            Error::UnknownOutcome(_) => "unknown_outcome",
            Error::Deadline(_) => "deadline_exceeded",
            Error::Busy { .. } => "busy",
            Error::Stopping(_) => "stopping",
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
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        Error::Refused(refusal)
    }
}
