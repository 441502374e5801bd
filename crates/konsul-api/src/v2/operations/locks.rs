//! Locks and sessions.

use super::common::{Answer, Body, Kind, Link, Method, Operation, Parameter, Resource};
use super::headers::{ETAG, LOCATION};
use super::parameters::{CONSISTENCY, CURSOR, IDEMPOTENCY_KEY, IF_CHANGED, LIMIT, NAMESPACE, own, path};
use super::{Id, code};

static NAME: &[Parameter] = &[path(
    "name",
    Kind::LockName,
    "The lock's name: 1 to 1024 bytes of UTF-8 without control characters. A slash in it is sent as `%2F`.",
)];
static SESSION_ID: &[Parameter] = &[path("id", Kind::Uuid, "The session's id.")];
static LOCK_PREFIX: Parameter =
    own("prefix", Kind::Text { min: 0, max: 1024 }, "Only locks whose names begin with it.");
static NODE: Parameter = own("node", Kind::Node, "Only sessions of this node.");

const BY_NAME: &[(&str, &str)] = &[("name", "$request.path.name")];

pub(super) static LOCKS: Resource = Resource {
    path: "/v2/locks",
    greedy: false,
    parameters: &[],
    operations: &[Operation::new(Id::LockList, Method::Get, "locks", "Lists locks that are in use")
        .about("By name. A lock that nobody holds or waits for is not in use.")
        .takes(&[&NAMESPACE, &CONSISTENCY, &LOCK_PREFIX, &LIMIT, &CURSOR])
        .answers(&[Answer::new(200, "A page.", &[Body::json("LockPage")])])
        .codes_of(&[&code::INVALID_CURSOR, &code::CURSOR_MISMATCH])
        .needs("lock:read")
        .cli("konsulctl lock list")],
};

pub(super) static LOCK: Resource = Resource {
    path: "/v2/locks/{name}",
    greedy: false,
    parameters: NAME,
    operations: &[Operation::new(Id::LockGet, Method::Get, "locks", "Reads a lock and its queue")
        .takes(&[&NAMESPACE, &CONSISTENCY, &IF_CHANGED])
        .answers(&[
            Answer::new(200, "The lock.", &[Body::json("Lock")]).with(&[&ETAG]),
            Answer::new(304, "It is the version that `If-None-Match` names.", &[]).with(&[&ETAG]),
        ])
        .codes_of(&[&code::LOCK_NOT_FOUND])
        .needs("lock:read")
        .cli("konsulctl lock get")],
};

pub(super) static ACQUIRE: Resource = Resource {
    path: "/v2/locks/{name}/acquire",
    greedy: false,
    parameters: NAME,
    operations: &[Operation::new(Id::LockAcquire, Method::Post, "locks", "Takes a lock, or waits for it")
        .about("Waiters are served in order, and each grant has a fencing number that is larger than all before it. A session that holds the lock already is told so again. A client that hangs up leaves the queue.")
        .takes(&[&NAMESPACE, &IDEMPOTENCY_KEY])
        .body(&[Body::json("LockAcquire")])
        .answers(&[Answer::new(200, "The grant.", &[Body::json("LockGrant")]).links(&[
            Link { to: Id::LockGet, parameters: BY_NAME },
            Link { to: Id::LockRelease, parameters: BY_NAME },
        ])])
        .codes_of(&[
            &code::LOCK_HELD,
            &code::LOCK_DELAY,
            &code::UNKNOWN_SESSION,
            &code::LOCK_QUEUE_FULL,
            &code::VALUE_TOO_LARGE,
            &code::TOO_LARGE,
        ])
        .needs("lock:write")
        .cli("konsulctl lock acquire")],
};

pub(super) static RELEASE: Resource = Resource {
    path: "/v2/locks/{name}/release",
    greedy: false,
    parameters: NAME,
    operations: &[Operation::new(Id::LockRelease, Method::Post, "locks", "Gives a lock back")
        .about("Whoever waits first gets it at the same index.")
        .takes(&[&NAMESPACE, &IDEMPOTENCY_KEY])
        .body(&[Body::json("LockRelease")])
        .answers(&[Answer::new(200, "It is given back.", &[Body::json("LockReleased")])])
        .codes_of(&[&code::NOT_LOCK_HOLDER, &code::STALE_FENCING, &code::UNKNOWN_SESSION])
        .needs("lock:write")
        .cli("konsulctl lock release")],
};

pub(super) static SESSIONS: Resource = Resource {
    path: "/v2/sessions",
    greedy: false,
    parameters: &[],
    operations: &[
        Operation::new(Id::SessionList, Method::Get, "sessions", "Lists sessions")
            .about("By id.")
            .takes(&[&NAMESPACE, &CONSISTENCY, &NODE, &LIMIT, &CURSOR])
            .answers(&[Answer::new(200, "A page.", &[Body::json("SessionPage")])])
            .codes_of(&[&code::INVALID_CURSOR, &code::CURSOR_MISMATCH])
            .needs("session:read")
            .cli("konsulctl session list"),
        Operation::new(Id::SessionCreate, Method::Post, "sessions", "Makes a session")
            .about("A session with a time to live must be renewed within it. It is never ended before its time, and ends within twice of it.")
            .takes(&[&NAMESPACE, &IDEMPOTENCY_KEY])
            .optional_body(&[Body::json("SessionCreate")])
            .answers(&[Answer::new(201, "The session.", &[Body::json("Session")]).with(&[&ETAG, &LOCATION]).links(&[
                Link { to: Id::SessionGet, parameters: &[("id", "$response.body#/id")] },
                Link { to: Id::SessionRenew, parameters: &[("id", "$response.body#/id")] },
                Link { to: Id::SessionDestroy, parameters: &[("id", "$response.body#/id")] },
            ])])
            .codes_of(&[
                &code::SESSION_EXISTS,
                &code::MISSING_NODE,
                &code::MISSING_CHECK,
                &code::CRITICAL_CHECK,
            ])
            .needs("session:write")
            .cli("konsulctl session create"),
    ],
};

pub(super) static SESSION: Resource = Resource {
    path: "/v2/sessions/{id}",
    greedy: false,
    parameters: SESSION_ID,
    operations: &[
        Operation::new(Id::SessionGet, Method::Get, "sessions", "Reads a session")
            .takes(&[&NAMESPACE, &CONSISTENCY, &IF_CHANGED])
            .answers(&[
                Answer::new(200, "The session.", &[Body::json("Session")]).with(&[&ETAG]),
                Answer::new(304, "It is the version that `If-None-Match` names.", &[]).with(&[&ETAG]),
            ])
            .codes_of(&[&code::SESSION_NOT_FOUND])
            .needs("session:read")
            .cli("konsulctl session get"),
        Operation::new(Id::SessionDestroy, Method::Delete, "sessions", "Ends a session")
            .about("Its keys and locks are given back, or its keys removed, as its behaviour says. To end one that does not exist is no error.")
            .takes(&[&NAMESPACE, &IDEMPOTENCY_KEY])
            .answers(&[Answer::new(204, "The session is gone.", &[])])
            .needs("session:write")
            .cli("konsulctl session destroy"),
    ],
};

pub(super) static RENEWAL: Resource = Resource {
    path: "/v2/sessions/{id}/renew",
    greedy: false,
    parameters: SESSION_ID,
    operations: &[Operation::new(Id::SessionRenew, Method::Post, "sessions", "Renews a session")
        .about("From now on it lives for at least one more time to live.")
        .takes(&[&NAMESPACE, &IDEMPOTENCY_KEY])
        .answers(&[Answer::new(200, "The session.", &[Body::json("Session")]).with(&[&ETAG])])
        .codes_of(&[&code::SESSION_NOT_FOUND])
        .needs("session:write")
        .cli("konsulctl session renew")],
};
