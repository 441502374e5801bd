//! Events, streams, snapshots, and the server itself.

use super::common::{Answer, Body, Kind, Method, Operation, Parameter, Place, Resource};
use super::parameters::{CONSISTENCY, CURSOR, IDEMPOTENCY_KEY, LIMIT, NAMESPACE, own};
use super::{Id, code};

static EVENT_NAME: Parameter = own("name", Kind::Text { min: 1, max: 256 }, "Only events of this name.");
static WATCH_KEY: Parameter = own("key", Kind::Key, "The key to watch.");
static WATCH_PREFIX: Parameter =
    own("prefix", Kind::Text { min: 0, max: 8192 }, "What the keys to watch begin with; empty for all.");
static WATCH_GLOB: Parameter = own(
    "glob",
    Kind::Text { min: 1, max: 1024 },
    "A pattern of the keys to watch: `*` stands for any text without `/`, `**` for any text.",
);
static INITIAL: Parameter = own("initial", Kind::Flag, "Begin with what there is, as events `initial`.");
static OLD_VALUES: Parameter = own("old_values", Kind::Flag, "Tell what a key held before each change.");
static WATCH_CURSOR: Parameter =
    own("cursor", Kind::Text { min: 1, max: 1024 }, "Where an earlier stream of the same query stood.");
static LAST_EVENT_ID: Parameter = Parameter {
    name: "Last-Event-ID",
    place: Place::Header,
    required: false,
    kind: Kind::Text { min: 0, max: 1024 },
    about: "As `cursor`, which it goes before: browsers send it when they connect again.",
};

pub(super) static EVENTS: Resource = Resource {
    path: "/v2/events",
    greedy: false,
    parameters: &[],
    operations: &[
        Operation::new(Id::EventList, Method::Get, "events", "Lists events")
            .about("Oldest first, of the 256 newest that are for this server's node.")
            .takes(&[&NAMESPACE, &CONSISTENCY, &EVENT_NAME, &LIMIT, &CURSOR])
            .answers(&[Answer::new(200, "A page.", &[Body::json("EventPage")])])
            .codes_of(&[&code::INVALID_CURSOR, &code::CURSOR_MISMATCH])
            .needs("event:read")
            .cli("konsulctl event list"),
        Operation::new(Id::EventFire, Method::Post, "events", "Fires an event")
            .takes(&[&NAMESPACE, &IDEMPOTENCY_KEY])
            .body(&[Body::json("EventFire")])
            .answers(&[Answer::new(201, "The event.", &[Body::json("Event")])])
            .codes_of(&[&code::TOO_LARGE])
            .needs("event:write")
            .cli("konsulctl event fire"),
    ],
};

pub(super) static WATCH: Resource = Resource {
    path: "/v2/watch",
    greedy: false,
    parameters: &[],
    operations: &[Operation::new(Id::Watch, Method::Get, "watch", "Streams changes as server-sent events")
        .about("One of `key`, `prefix` and `glob` says of what. Each change comes once and in order; the event's id is a cursor. A stream that cannot go on from its cursor begins with `reset`, then what there is now as `initial`, then `ready`. Quiet streams send `heartbeat`.")
        .takes(&[
            &NAMESPACE, &CONSISTENCY, &WATCH_KEY, &WATCH_PREFIX, &WATCH_GLOB, &INITIAL, &OLD_VALUES, &WATCH_CURSOR,
            &LAST_EVENT_ID,
        ])
        .answers(&[Answer::new(
            200,
            "The stream: events `put`, `delete`, `expire`, `initial`, `ready`, `reset`, `heartbeat`.",
            &[Body { media: "text/event-stream", schema: "WatchEvent", stream: true }],
        )])
        .codes_of(&[&code::INVALID_CURSOR, &code::CURSOR_MISMATCH])
        .needs("key:list")
        .cli("konsulctl watch")],
};

pub(super) static SOCKET: Resource = Resource {
    path: "/v2/ws",
    greedy: false,
    parameters: &[],
    operations: &[Operation::new(Id::WatchSocket, Method::Get, "watch", "Streams changes over a WebSocket")
        .about("The request is a WebSocket handshake. On the socket, messages subscribe and unsubscribe; each subscription has its own cursor.")
        .takes(&[&NAMESPACE])
        .answers(&[Answer::new(101, "The connection is a WebSocket now.", &[])])
        .codes_of(&[&code::UPGRADE_REQUIRED])
        .needs("key:list")
        .cli("konsulctl watch")],
};

pub(super) static SNAPSHOT: Resource = Resource {
    path: "/v2/snapshot",
    greedy: false,
    parameters: &[],
    operations: &[
        Operation::new(Id::SnapshotSave, Method::Get, "snapshots", "Saves everything")
            .about("The whole state at one index, checksummed and compressed, made while it is sent and while writes go on.")
            .takes(&[&CONSISTENCY])
            .answers(&[Answer::new(200, "The snapshot.", &[Body::bytes("application/octet-stream")])])
            .needs("management")
            .cli("konsulctl snapshot save"),
        Operation::new(Id::SnapshotRestore, Method::Put, "snapshots", "Restores everything")
            .about("All of it or nothing, by one entry: readers see the old state or the new one, and watchers are reset. Indexes do not go back.")
            .takes(&[&IDEMPOTENCY_KEY])
            .body(&[Body::bytes("application/octet-stream")])
            .answers(&[Answer::new(200, "It is restored.", &[Body::json("SnapshotRestored")])])
            .codes_of(&[&code::RESTORE_REFUSED, &code::RESTORE_ORDER])
            .needs("management")
            .cli("konsulctl snapshot restore"),
    ],
};

pub(super) static LIMITS: Resource = Resource {
    path: "/v2/limits",
    greedy: false,
    parameters: &[],
    operations: &[Operation::new(Id::Limits, Method::Get, "system", "Lists every bound that is in force")
        .takes(&[&CONSISTENCY])
        .answers(&[Answer::new(200, "The bounds.", &[Body::json("Limits")])])
        .needs("operator:read")
        .cli("konsulctl limits")],
};

pub(super) static SYSTEM: Resource = Resource {
    path: "/v2/system",
    greedy: false,
    parameters: &[],
    operations: &[Operation::new(Id::System, Method::Get, "system", "Says what this server is")
        .takes(&[&CONSISTENCY])
        .answers(&[Answer::new(200, "What it is.", &[Body::json("System")])])
        .needs("operator:read")
        .cli("konsulctl status")],
};

pub(super) static USAGE: Resource = Resource {
    path: "/v2/usage",
    greedy: false,
    parameters: &[],
    operations: &[Operation::new(Id::Usage, Method::Get, "system", "Says how much each namespace holds")
        .takes(&[&CONSISTENCY])
        .answers(&[Answer::new(200, "How much.", &[Body::json("Usage")])])
        .needs("operator:read")
        .cli("konsulctl usage")],
};

pub(super) static OPENAPI: Resource = Resource {
    path: "/v2/openapi.json",
    greedy: false,
    parameters: &[],
    operations: &[Operation::new(Id::Openapi, Method::Get, "system", "This document")
        .answers(&[Answer::new(200, "An OpenAPI document.", &[Body::json("OpenApi")])])
        .needs("public")
        .cli("konsulctl version")],
};

pub(super) static BACKUPS: Resource = Resource {
    path: "/v2/backups",
    greedy: false,
    parameters: &[],
    operations: &[
        Operation::new(Id::BackupList, Method::Get, "snapshots", "Lists scheduled backups")
            .about("With the schedule's state and how the last restore drill ended.")
            .answers(&[Answer::new(200, "The backups.", &[Body::json("Backups")])])
            .needs("operator:read")
            .cli("konsulctl backup list"),
        Operation::new(Id::BackupRun, Method::Post, "snapshots", "Takes a backup now")
            .takes(&[&IDEMPOTENCY_KEY])
            .answers(&[Answer::new(201, "The backup.", &[Body::json("Backup")])])
            .codes_of(&[&code::BACKUPS_OFF, &code::BACKUP_FAILED])
            .needs("management")
            .cli("konsulctl backup run"),
    ],
};

pub(super) static METRICS_HISTORY: Resource = Resource {
    path: "/v2/metrics/history",
    greedy: false,
    parameters: &[],
    operations: &[Operation::new(
        Id::MetricsHistory,
        Method::Get,
        "system",
        "The main figures of the last hour",
    )
    .answers(&[Answer::new(200, "The figures.", &[Body::json("MetricsHistory")])])
    .needs("operator:read")
    .cli("konsulctl metrics")],
};

pub(super) static LOG_LEVEL: Resource = Resource {
    path: "/v2/system/log_level",
    greedy: false,
    parameters: &[],
    operations: &[
        Operation::new(Id::LogLevelGet, Method::Get, "system", "Says how much is logged")
            .answers(&[Answer::new(200, "The level.", &[Body::json("LogLevel")])])
            .needs("operator:read")
            .cli("konsulctl log-level"),
        Operation::new(Id::LogLevelSet, Method::Put, "system", "Says how much to log")
            .about("Until the server starts again or is told otherwise.")
            .takes(&[&IDEMPOTENCY_KEY])
            .body(&[Body::json("LogLevel")])
            .answers(&[Answer::new(200, "The level.", &[Body::json("LogLevel")])])
            .needs("operator:write")
            .cli("konsulctl log-level"),
    ],
};
