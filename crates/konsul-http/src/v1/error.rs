//! The one table from an operation's error to status and text of `/v1`.
//!
//! Consul answers whatever its servers refuse with 500 and the bare text, and clients match on those texts; only what the
//! HTTP layer itself finds wrong is 400. The table keeps that split, and adds statuses only for what Consul does not know:
//!
//! | error | status | why |
//! | --- | --- | --- |
//! | a value, a transaction or something else is too large | 413 | as Consul's own bounds |
//! | a namespace's keys or bytes are used up, or the disk is full | 507 | there is no room; trying again at once is useless |
//! | too many sessions, or too much at once | 429 | trying again later may work |
//! | the outcome of a write is unknown | 500 | not 504: proxies repeat on 504, and a repeated write may be a second one |
//! | the deadline passed before anything happened | 504 | repeating is safe |
//! | the server is stopping | 503 | another one may answer |
//! | a request that is too old, or was overtaken | 409 | nothing happened; the client must look again |

use http::StatusCode;
use konsul_operations::Error;
use konsul_types::Refusal;

use super::reply::Reply;

/// The answer to an error.
pub(crate) fn reply(error: &Error) -> Reply {
    if let Error::Internal(why) = error {
        tracing::error!(error = %why, "internal error");
    }
    Reply::plain(status(error), text(error))
}

fn status(error: &Error) -> StatusCode {
    match error {
        Error::Refused(refusal) => refusal_status(refusal),
        Error::SessionNotFound(_)
        | Error::NoSuchVersion { .. }
        | Error::ServiceNotFound(_)
        | Error::CheckNotFound(_)
        | Error::NodeNotFound(_)
        | Error::QueryNotFound => StatusCode::NOT_FOUND,
        Error::LockHeld { .. } | Error::NothingToUndo { .. } | Error::DoneBefore { .. } => {
            StatusCode::CONFLICT
        }
        Error::NotOffered { .. } => StatusCode::NOT_IMPLEMENTED,
        Error::Entry { error, .. } => status(error),
        Error::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Error::PermissionDenied(_) => StatusCode::FORBIDDEN,
        Error::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        Error::Deadline(_) => StatusCode::GATEWAY_TIMEOUT,
        Error::Busy { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Stopping(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Invalid { .. }
        | Error::BadFilter(_)
        | Error::NotTtlCheck(_)
        | Error::NoLeader
        | Error::NotReady
        | Error::NoPathToDatacenter(_)
        | Error::UnknownOutcome(_)
        | Error::BackupsOff
        | Error::BackupFailed(_)
        | Error::FeatureLevel { .. }
        | Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn refusal_status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::ValueTooLarge { .. } | Refusal::TooManyOperations { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::TooManyKeys { .. } | Refusal::TooManyBytes { .. } => StatusCode::INSUFFICIENT_STORAGE,
        Refusal::TooManySessions { .. }
        | Refusal::TooManyLocks { .. }
        | Refusal::LockQueueFull { .. }
        | Refusal::TooManyRequests { .. }
        | Refusal::CatalogFull { .. } => StatusCode::TOO_MANY_REQUESTS,
        Refusal::RequestExpired
        | Refusal::Superseded
        | Refusal::RequestReused { .. }
        | Refusal::StaleFencing { .. } => StatusCode::CONFLICT,
        Refusal::NoSuchKey { .. } | Refusal::UnknownCheck { .. } => StatusCode::NOT_FOUND,
        Refusal::StaleIndex { .. }
        | Refusal::LockHeld
        | Refusal::LockDelay { .. }
        | Refusal::NotHolder
        | Refusal::UnknownSession { .. }
        | Refusal::SessionExists { .. }
        | Refusal::MissingNode
        | Refusal::MissingCheck { .. }
        | Refusal::CriticalCheck { .. }
        | Refusal::FeatureLevel { .. }
        | Refusal::RestoreOrder { .. }
        | Refusal::RestoreRefused { .. }
        | Refusal::NotRegistered { .. }
        | Refusal::NodeNameTaken { .. }
        | Refusal::MissingService
        | Refusal::QueryAlias { .. }
        | Refusal::UnknownQuery { .. }
        | Refusal::QuerySession => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn text(error: &Error) -> String {
    match error {
        Error::Internal(_) => "An unexpected error occurred".to_owned(),
        Error::Refused(Refusal::TooManyOperations { count, max }) => {
            format!("Transaction contains too many operations ({count} > {max})")
        }
        other => other.to_string(),
    }
}

/// Whether a write's condition did not hold: Consul answers `false`, which is no error.
pub(crate) fn is_unmet_condition(error: &Error) -> bool {
    matches!(
        error,
        Error::Refused(
            Refusal::StaleIndex { .. } | Refusal::LockHeld | Refusal::LockDelay { .. } | Refusal::NotHolder
        )
    )
}

#[cfg(test)]
mod tests {
    use konsul_types::{Index, Millis, SessionId};

    use super::*;

    #[track_caller]
    fn check(error: impl Into<Error>, expect: u16, begins: &str) {
        let error = error.into();
        assert_eq!(status(&error).as_u16(), expect, "{error:?}");
        assert!(text(&error).starts_with(begins), "{}", text(&error));
    }

    #[test]
    fn every_error_has_its_row() {
        let id: SessionId = "adf4238a-882b-9ddc-4a9d-5b6758e4159e".parse().unwrap();
        check(
            Error::invalid("ttl", "Invalid Session TTL '5000000000', must be between [10s=24h0m0s]"),
            500,
            "Invalid Session TTL",
        );
        check(Error::SessionNotFound(id), 404, "Session id 'adf4238a-882b-9ddc-4a9d-5b6758e4159e' not found");
        check(Error::TooLarge { what: "x".into(), actual: 2, limit: 1, unit: "bytes" }, 413, "x has 2 bytes");
        check(Error::PermissionDenied("x".into()), 403, "Permission denied");
        check(Error::NoLeader, 500, "No cluster leader");
        check(Error::NotReady, 500, "Not ready to serve consistent reads");
        check(Error::NoPathToDatacenter("x".into()), 500, "No path to datacenter");
        check(Error::DiskFull, 507, "no space is left");
        check(Error::UnknownOutcome("x".into()), 500, "the outcome of the write is unknown");
        check(Error::Deadline("x".into()), 504, "the deadline passed");
        check(Error::Busy { what: "x", limit: 1 }, 429, "x is at its limit");
        check(Error::Stopping("x".into()), 503, "this server is stopping");
        check(Error::Internal("secret".into()), 500, "An unexpected error occurred");
        check(
            Error::ServiceNotFound("w".into()),
            404,
            "Unknown service ID \"w\". Ensure that the service ID",
        );
        check(Error::CheckNotFound("c".into()), 404, "Unknown check ID \"c\". Ensure that the check ID");
        check(Error::NotTtlCheck("c".into()), 500, "CheckID \"c\" does not have associated TTL");
        check(Error::NodeNotFound("n".into()), 404, "node \"n\" is not registered");
        check(Error::QueryNotFound, 404, "Query not found");
        check(Error::BadFilter("Selector \"X\" is not valid".into()), 500, "Selector \"X\" is not valid");
    }

    #[test]
    fn every_refusal_has_its_row() {
        let text = || "x".to_owned();
        check(Refusal::StaleIndex { found: Index(1) }, 500, "the index is stale");
        check(Refusal::LockHeld, 500, "the lock is already held");
        check(Refusal::LockDelay { until: Millis(1) }, 500, "the lock delay");
        check(Refusal::NotHolder, 500, "the lock isn't held");
        check(Refusal::UnknownSession { id: text() }, 500, "invalid session \"x\"");
        check(Refusal::SessionExists { id: text() }, 500, "a session with the id");
        check(Refusal::MissingNode, 500, "Missing node registration");
        check(Refusal::MissingCheck { id: text() }, 500, "Missing check 'x' registration");
        check(Refusal::CriticalCheck { id: text() }, 500, "Check 'x' is in critical state");
        check(Refusal::TooManyKeys { namespace: text(), limit: 1 }, 507, "namespace \"x\"");
        check(Refusal::TooManyBytes { namespace: text(), wanted: 2, limit: 1 }, 507, "namespace \"x\"");
        check(Refusal::TooManySessions { namespace: text(), limit: 1 }, 429, "namespace \"x\"");
        check(Refusal::ValueTooLarge { bytes: 2, limit: 1 }, 413, "the value has 2 bytes");
        check(
            Refusal::TooManyOperations { count: 129, max: 128 },
            413,
            "Transaction contains too many operations (129 > 128)",
        );
        check(Refusal::RequestExpired, 409, "the request is too old");
        check(Refusal::Superseded, 409, "the command came too late");
        check(Refusal::FeatureLevel { present: 1, wanted: 1 }, 500, "the feature level");
        check(Refusal::RestoreOrder { why: text() }, 500, "the restore cannot go on");
        check(Refusal::RestoreRefused { why: text() }, 500, "the snapshot cannot be restored");
        check(Refusal::NotRegistered { what: text() }, 500, "x is not registered");
    }
}
