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
static WATCH_SERVICE: Parameter = own(
    "service",
    Kind::Text { min: 1, max: 512 },
    "The service whose instances to watch. With `event`: only events for an instance of it, in place of those that the answering agent keeps.",
);
static WATCH_TAG: Parameter = own(
    "tag",
    Kind::Texts { min: 1, max: 512 },
    "With `service`: a tag that must be there, in whatever case. Repeat it for more; beside `event` at most one.",
);
static WATCH_PASSING: Parameter = own(
    "passing",
    Kind::Flag,
    "With `service`: only instances of which every check passes, the node's included.",
);
static WATCH_NODE_META: Parameter = own(
    "node_meta",
    Kind::Texts { min: 1, max: 1024 },
    "With `service`, `key:value`: a pair that the node must have. Repeat it for more.",
);
static WATCH_FILTER: Parameter = own(
    "filter",
    Kind::Text { min: 1, max: 1_048_576 },
    "With `service`: an expression of Consul's filter language over entries of health, such as `Service.Port == 80`.",
);
static WATCH_SERVICES: Parameter = own(
    "services",
    Kind::Flag,
    "Watch all services of the namespace: their tags, and how many instances stand how.",
);
static WATCH_NODE: Parameter = own(
    "node",
    Kind::Node,
    "The node to watch, with its instances and its own checks. With `event`: only events for it, in place of the answering agent's.",
);
static WATCH_CHECKS: Parameter =
    own("checks", Kind::Choice(&["any", "passing", "warning", "critical"]), "Watch checks that stand so.");
static WATCH_EVENT: Parameter =
    own("event", Kind::Text { min: 0, max: 256 }, "Watch events of this name; of any if it is empty.");
static EVENT_NODE: Parameter =
    own("node", Kind::Node, "Only events for a node of this name, in place of the answering agent's.");
static EVENT_SERVICE: Parameter = own(
    "service",
    Kind::Text { min: 1, max: 512 },
    "Only events for an instance of this service, in place of those that the answering agent keeps.",
);
static EVENT_TAG: Parameter =
    own("tag", Kind::Text { min: 1, max: 512 }, "With `service`: only events for an instance with this tag.");
static INITIAL: Parameter = own("initial", Kind::Flag, "Begin with what there is, as events `initial`.");
static OLD_VALUES: Parameter =
    own("old_values", Kind::Flag, "Tell what a key held, or what a record was, before each change.");
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
            .about("Oldest first, of the 256 newest, those that are for this server's node and an instance that its agent keeps; or for whom `node`, `service` and `tag` name.")
            .takes(&[
                &NAMESPACE, &CONSISTENCY, &EVENT_NAME, &EVENT_NODE, &EVENT_SERVICE, &EVENT_TAG, &LIMIT, &CURSOR,
            ])
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
        .about("One of `key`, `prefix`, `glob`, `service`, `services`, `node`, `checks` and `event` says of what; `event` may have `node`, `service` and `tag` beside it, which then say whom events must be for. Each change comes once and in order; the event's id is a cursor. A stream that cannot go on from its cursor begins with `reset`, then what there is now as `initial`, then `ready`. Quiet streams send `heartbeat`.")
        .takes(&[
            &NAMESPACE, &CONSISTENCY, &WATCH_KEY, &WATCH_PREFIX, &WATCH_GLOB, &WATCH_SERVICE, &WATCH_TAG,
            &WATCH_PASSING, &WATCH_NODE_META, &WATCH_FILTER, &WATCH_SERVICES, &WATCH_NODE, &WATCH_CHECKS,
            &WATCH_EVENT, &INITIAL, &OLD_VALUES, &WATCH_CURSOR, &LAST_EVENT_ID,
        ])
        .answers(&[Answer::new(
            200,
            "The stream: events `change`, `initial`, `ready`, `reset`, `heartbeat`, `error`.",
            &[Body { media: "text/event-stream", schema: "WatchChange", stream: true }],
        )])
        .codes_of(&[&code::BAD_FILTER, &code::INVALID_CURSOR, &code::CURSOR_MISMATCH])
        .needs("key:list, or service:read, node:read or event:read for what is watched")
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
        .needs("key:list, or service:read, node:read or event:read for what is watched")
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
    .needs("agent:read")
    .cli("konsulctl metrics")],
};

pub(super) static LOG_LEVEL: Resource = Resource {
    path: "/v2/system/log_level",
    greedy: false,
    parameters: &[],
    operations: &[
        Operation::new(Id::LogLevelGet, Method::Get, "system", "Says how much is logged")
            .answers(&[Answer::new(200, "The level.", &[Body::json("LogLevel")])])
            .needs("agent:read")
            .cli("konsulctl log-level"),
        Operation::new(Id::LogLevelSet, Method::Put, "system", "Says how much to log")
            .about("Until the server starts again or is told otherwise.")
            .takes(&[&IDEMPOTENCY_KEY])
            .body(&[Body::json("LogLevel")])
            .answers(&[Answer::new(200, "The level.", &[Body::json("LogLevel")])])
            .needs("agent:write")
            .cli("konsulctl log-level"),
    ],
};
