//! The codes of problems: for each its status and what it means. The book's page on errors comes from this table.

/// A kind of problem.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// Its stable name. Part of the API: never changed, only added to.
    pub id: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What it is, in a few words.
    pub title: &'static str,
    /// When it comes, and what helps.
    pub about: &'static str,
}

macro_rules! codes {
    ($($name:ident $id:literal $status:literal $title:literal $about:literal;)*) => {
        $(
            #[doc = $about]
            pub static $name: Code = Code { id: $id, status: $status, title: $title, about: $about };
        )*
        /// Every code.
        pub static CODES: &[&Code] = &[$(&$name),*];
    };
}

codes! {
    INVALID_PATH "invalid_path" 400 "The path cannot be read"
        "The path has a percent sign without two hexadecimal digits, or bytes that are no UTF-8.";
    INVALID_PARAMETER "invalid_parameter" 400 "A parameter is wrong"
        "A path or query parameter is unknown, missing, given twice or out of its range. All of them are listed.";
    INVALID_HEADER "invalid_header" 400 "A header is wrong"
        "A header that the operation looks at cannot be read, such as a weak entity tag in `If-Match`.";
    INVALID_CURSOR "invalid_cursor" 400 "The cursor cannot be read"
        "The cursor was not made by this API, or it was changed. Begin again without one.";
    CURSOR_MISMATCH "cursor_mismatch" 400 "The cursor is of another query"
        "A cursor goes on only with the query that it was made for. Begin again without one.";
    MALFORMED_JSON "malformed_json" 400 "The body is no JSON"
        "The detail says line and column.";
    INVALID_BODY "invalid_body" 400 "The body has another shape"
        "Every unknown, missing and wrong field is listed with its JSON pointer.";
    BROKEN_BODY "broken_body" 400 "The body ended too early"
        "The connection or the chunks of the body are broken. Nothing happened, unless the operation says otherwise.";
    INVALID_ARGUMENT "invalid_argument" 400 "An argument is wrong"
        "The request can be read, and what it asks for can never work.";
    BAD_FILTER "bad_filter" 400 "The filter cannot be used"
        "The expression does not parse, or names what the records do not have. The detail says where.";
    RESTORE_REFUSED "restore_refused" 400 "The snapshot cannot be restored"
        "The bytes are not a whole snapshot. The state is as it was.";
    PERMISSION_DENIED "permission_denied" 403 "Permission denied"
        "The identity may not do this.";
    ENDPOINT_BLOCKED "endpoint_blocked" 403 "The endpoint is blocked"
        "The server's configuration blocks this path (`http_config.block_endpoints`).";
    WRITE_RESTRICTED "write_restricted" 403 "Writes are restricted"
        "The server's configuration takes no writes from this address (`http_config.allow_write_http_from`).";
    NOT_FOUND "not_found" 404 "No such endpoint"
        "No operation has this path.";
    KEY_NOT_FOUND "key_not_found" 404 "No such key"
        "The namespace has no such key.";
    SESSION_NOT_FOUND "session_not_found" 404 "No such session"
        "The session does not exist, or no longer.";
    LOCK_NOT_FOUND "lock_not_found" 404 "No such lock"
        "Nobody has acquired a lock of this name.";
    SERVICE_NOT_FOUND "service_not_found" 404 "No such service"
        "The namespace has no such service, or the agent that was asked keeps no such instance.";
    NODE_NOT_FOUND "node_not_found" 404 "No such node"
        "The catalogue has no such node.";
    CHECK_NOT_FOUND "check_not_found" 404 "No such check"
        "The node has no such check, or the agent that was asked keeps none.";
    QUERY_NOT_FOUND "query_not_found" 404 "No such query"
        "There is no prepared query of this id, and none answers for this name.";
    NO_SUCH_VERSION "no_such_version" 404 "No such version"
        "The key has no version of this index, or it is no longer kept.";
    SUBSCRIPTION_NOT_FOUND "subscription_not_found" 404 "No such subscription"
        "The stream has no subscription of this id.";
    NO_PATH_TO_DATACENTER "no_path_to_datacenter" 404 "No such datacentre"
        "No such datacentre is known here.";
    METHOD_NOT_ALLOWED "method_not_allowed" 405 "No such method here"
        "`Allow` lists the methods of this path.";
    NOT_ACCEPTABLE "not_acceptable" 406 "No such form of the answer"
        "`Accept` takes none of the forms that the operation can answer in. The detail lists them.";
    BODY_TOO_SLOW "body_too_slow" 408 "The body came too slowly"
        "Nothing happened. Send it again over a better connection.";
    CLIENT_TOO_SLOW "client_too_slow" 408 "The stream was not read"
        "The client did not take what was there for it. Go on from the cursor.";
    SUBSCRIPTION_EXISTS "subscription_exists" 409 "The subscription exists already"
        "The stream has a subscription of this id already. End it first, or take another id.";
    LOCK_HELD "lock_held" 409 "The lock is held"
        "Another session holds the lock. For a lock that was waited for, the detail says the place in its queue.";
    LOCK_DELAY "lock_delay" 409 "The lock is not free yet"
        "The lock's last holder ended without giving it back, and its lock delay still runs.";
    NOT_LOCK_HOLDER "not_lock_holder" 409 "The lock is not held by this session"
        "Another session holds the lock, or none, or by another grant.";
    UNKNOWN_SESSION "unknown_session" 409 "The session named does not exist"
        "A session that the request names does not exist, or no longer.";
    SESSION_EXISTS "session_exists" 409 "The session exists already"
        "A session of that id exists already.";
    MISSING_NODE "missing_node" 409 "The node is not registered"
        "The session's node is not registered.";
    MISSING_CHECK "missing_check" 409 "A check is not registered"
        "A check that the session leans on is not registered.";
    CRITICAL_CHECK "critical_check" 409 "A check is critical"
        "A check that the session leans on is in critical state.";
    NOT_REGISTERED "not_registered" 409 "It is not registered"
        "The node or check is not registered.";
    NOT_A_TTL_CHECK "not_a_ttl_check" 409 "The check has no time to live"
        "The agent runs the check itself, and takes no updates of it.";
    NODE_NAME_TAKEN "node_name_taken" 409 "The node's name is taken"
        "Another node, with another id, has the name and is alive.";
    MISSING_SERVICE "missing_service" 409 "The instance is not registered"
        "The check is of an instance that its node does not have.";
    QUERY_NAME_TAKEN "query_name_taken" 409 "The query's name is taken"
        "Another prepared query has the name.";
    IDEMPOTENCY_KEY_REUSED "idempotency_key_reused" 409 "The idempotency key was used for something else"
        "The same `Idempotency-Key` came with another request. Nothing happened now; take a new key for a new request.";
    REQUEST_EXPIRED "request_expired" 409 "The request is too old"
        "It cannot be told whether the request was applied before. It was not applied now.";
    SUPERSEDED "superseded" 409 "The command came too late"
        "What it was decided on has changed. Nothing happened; look again.";
    FEATURE_LEVEL "feature_level" 409 "The feature level does not allow this"
        "Some server of the cluster is too old for this, or the level is no step up.";
    RESTORE_ORDER "restore_order" 409 "The restore cannot go on"
        "Another restore took its place. The state is as it was.";
    NOTHING_TO_UNDO "nothing_to_undo" 409 "There is nothing to undo"
        "No earlier version of the key is kept.";
    STALE_FENCING "stale_fencing" 409 "The lock was granted anew"
        "The session holds the lock by another grant than the one that `fencing` names.";
    DONE_BEFORE "done_before" 409 "It was done before"
        "The same `Idempotency-Key` came before, and the request was done; its answer was too large to be kept.";
    BACKUPS_OFF "backups_off" 409 "No backups are configured"
        "The server has no directory for backups.";
    BATCH_FAILED "batch_failed" 409 "The batch did not happen"
        "A member of an atomic batch failed, so none of it happened. Each member that failed is listed.";
    STALE_INDEX "stale_index" 412 "The condition does not hold"
        "The key's modify index is another one than `If-Match` or `if_index` says, or a key that should be absent is there.";
    BODY_TOO_LARGE "body_too_large" 413 "The body is too large"
        "The detail says the bound, and `GET /v2/limits` lists all of them.";
    VALUE_TOO_LARGE "value_too_large" 413 "The value is too large"
        "The detail says the bound.";
    TOO_LARGE "too_large" 413 "It is too large"
        "The detail says what, and the bound.";
    TOO_MANY_OPERATIONS "too_many_operations" 413 "The batch has too many members"
        "The detail says the bound.";
    UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" 415 "No such form of the body"
        "`Content-Type` is none of the forms that the operation takes. The detail lists them.";
    UPGRADE_REQUIRED "upgrade_required" 426 "The endpoint speaks WebSocket"
        "The request is no opening handshake of RFC 6455, version 13. The detail says what is missing.";
    TOO_MANY_SUBSCRIPTIONS "too_many_subscriptions" 429 "The stream has as many subscriptions as it may"
        "The detail says the bound. End one first, or open another stream.";
    LOCK_QUEUE_FULL "lock_queue_full" 429 "The lock's queue is full"
        "As many sessions wait for the lock as may. Try again later.";
    TOO_MANY_REQUESTS "too_many_requests" 429 "Too many requests are remembered"
        "More idempotency keys are in use than the server remembers. Try again later.";
    BUSY "busy" 429 "Too much at once"
        "Try again later.";
    INTERNAL "internal" 500 "A defect of the server"
        "The server's log has the cause, under the request's id.";
    BACKUP_FAILED "backup_failed" 500 "The backup failed"
        "The detail says why, as the health line does. Kept backups are as they were.";
    UNKNOWN_OUTCOME "unknown_outcome" 500 "The outcome is unknown"
        "The write may or may not have happened. Send it again with the same `Idempotency-Key`, or look.";
    NOT_OFFERED "not_offered" 501 "Not offered here"
        "The server does not have this operation. Ask one of a newer build.";
    NO_LEADER "no_leader" 503 "Nobody leads"
        "Nothing happened. Try again: a leader is usually elected within seconds.";
    NOT_READY "not_ready" 503 "The server has not caught up yet"
        "Nothing happened. Try again soon.";
    STOPPING "stopping" 503 "The server is stopping"
        "Nothing happened. Ask another server.";
    DEADLINE_EXCEEDED "deadline_exceeded" 504 "The deadline passed"
        "Nothing happened. It is safe to try again.";
    QUOTA "quota" 507 "There is no room"
        "The namespace has as many keys, bytes or sessions as it may. Remove some, or raise its limit.";
    DISK_FULL "disk_full" 507 "The disk is full"
        "Reads go on, and writes resume when there is space.";
}

/// The code of a name.
pub fn find(id: &str) -> Option<&'static Code> {
    CODES.iter().find(|code| code.id == id).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_in_snake_case_and_statuses_are_errors() {
        let mut seen = BTreeSet::new();
        for code in CODES {
            assert!(seen.insert(code.id), "{} stands twice", code.id);
            assert!(code.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", code.id);
            assert!((400..600).contains(&code.status), "{}", code.id);
            assert!(!code.title.ends_with('.') && code.about.ends_with('.'), "{}", code.id);
            assert_eq!(find(code.id), Some(*code));
        }
        assert!(CODES.is_sorted_by_key(|code| code.status), "codes are in order of status");
    }
}
