//! The key-value store.

use super::common::{Answer, Body, Kind, Link, Method, Operation, Parameter, Resource};
use super::headers::ETAG;
use super::parameters::{
    CONSISTENCY, CURSOR, IDEMPOTENCY_KEY, IF_ABSENT, IF_CHANGED, IF_MATCH, LIMIT, NAMESPACE, PREFIX, own,
    path, required,
};
use super::{Id, code};

const TAG: &str = "kv";

const KEY_PARAMETER: Parameter = path(
    "key",
    Kind::Key,
    "The key: 1 to 8192 bytes of UTF-8 without control characters. It is the whole rest of the path, decoded once: `/` and `%2F` are the same.",
);

static KEY_PARAMETERS: &[Parameter] = &[KEY_PARAMETER];

static FLAGS: Parameter = own(
    "flags",
    Kind::Number { min: 0, max: u64::MAX, default: Some(0) },
    "The number, for a body that is the bytes.",
);
static TTL: Parameter = own("ttl", Kind::Duration, "Time to live, for a body that is the bytes.");
static DELIMITER: Parameter = own(
    "delimiter",
    Kind::Text { min: 1, max: 64 },
    "Names are cut after the first of these beyond the prefix, and what is cut is told once, in `prefixes`.",
);
static KEYS_ONLY: Parameter = own("keys_only", Kind::Flag, "Leave the values out.");
static ALL: Parameter =
    own("all", Kind::Flag, "Must be `true` where `prefix` is empty: everything is removed.");
static REQUIRED_PREFIX: Parameter =
    required(own("prefix", Kind::Text { min: 0, max: 8192 }, "What the keys begin with."));
static Q: Parameter = required(own(
    "q",
    Kind::Text { min: 1, max: 1024 },
    "A text that is contained; in keys also a pattern, if it has `*` (any text without `/`), `**` (any text) or `?`.",
));
static IN: Parameter = own("in", Kind::Choice(&["keys", "values"]), "Where to look.");
static FROM: Parameter = own(
    "from",
    Kind::Number { min: 1, max: u64::MAX, default: None },
    "The index of the older version; absent for the one before `to`.",
);
static TO: Parameter = own(
    "to",
    Kind::Number { min: 1, max: u64::MAX, default: None },
    "The index of the newer version; absent for the present one.",
);

const READ_LINKS: &[Link] = &[
    Link { to: Id::KvGet, parameters: &[("key", "$request.path.key")] },
    Link { to: Id::KvPatch, parameters: &[("key", "$request.path.key")] },
    Link { to: Id::KvHistory, parameters: &[("key", "$request.path.key")] },
    Link { to: Id::KvDiff, parameters: &[("key", "$request.path.key")] },
    Link { to: Id::KvUndo, parameters: &[("key", "$request.path.key")] },
    Link { to: Id::KvDelete, parameters: &[("key", "$request.path.key")] },
];

const RAW: &[Body] =
    &[Body::json("KvPut"), Body::bytes("application/octet-stream"), Body::bytes("text/plain")];

pub(super) static KEY: Resource = Resource {
    path: "/v2/kv/{key}",
    greedy: true,
    parameters: KEY_PARAMETERS,
    operations: &[
        Operation::new(Id::KvGet, Method::Get, TAG, "Reads a key")
            .about("With `Accept: application/octet-stream` the answer is the value's bytes.")
            .takes(&[&NAMESPACE, &CONSISTENCY, &IF_CHANGED])
            .answers(&[
                Answer::new(
                    200,
                    "The entry, or its value's bytes.",
                    &[Body::json("KvEntry"), Body::bytes("application/octet-stream")],
                )
                .with(&[&ETAG]),
                Answer::new(304, "It is the version that `If-None-Match` names.", &[]).with(&[&ETAG]),
            ])
            .codes_of(&[&code::KEY_NOT_FOUND])
            .needs("key:read")
            .cli("konsulctl kv get"),
        Operation::new(Id::KvPut, Method::Put, TAG, "Writes a key")
            .about("The body is JSON, or the value's bytes with `flags` and `ttl` as parameters. A put without a time to live lets the key stay. The answer has no value.")
            .takes(&[&NAMESPACE, &FLAGS, &TTL, &IF_MATCH, &IF_ABSENT, &IDEMPOTENCY_KEY])
            .body(RAW)
            .answers(&[Answer::new(200, "The entry as it is now, without its value.", &[Body::json("KvEntry")])
                .with(&[&ETAG])
                .links(READ_LINKS)])
            .codes_of(&[&code::STALE_INDEX, &code::VALUE_TOO_LARGE])
            .needs("key:write")
            .cli("konsulctl kv put"),
        Operation::new(Id::KvPatch, Method::Patch, TAG, "Changes a key's flags or time to live")
            .about("The value stays as it is.")
            .takes(&[&NAMESPACE, &IF_MATCH, &IDEMPOTENCY_KEY])
            .body(&[Body::json("KvPatch")])
            .answers(&[Answer::new(200, "The entry as it is now, without its value.", &[Body::json("KvEntry")])
                .with(&[&ETAG])])
            .codes_of(&[&code::KEY_NOT_FOUND, &code::STALE_INDEX])
            .needs("key:write")
            .cli("konsulctl kv patch"),
        Operation::new(Id::KvDelete, Method::Delete, TAG, "Removes a key")
            .about("To remove a key that is not there is no error, unless `If-Match` is given.")
            .takes(&[&NAMESPACE, &IF_MATCH, &IDEMPOTENCY_KEY])
            .answers(&[Answer::new(204, "The key is gone.", &[])])
            .codes_of(&[&code::STALE_INDEX])
            .needs("key:write")
            .cli("konsulctl kv delete"),
    ],
};

pub(super) static KEYS: Resource = Resource {
    path: "/v2/kv",
    greedy: false,
    parameters: &[],
    operations: &[
        Operation::new(Id::KvList, Method::Get, TAG, "Lists keys")
            .about("In order of the keys' bytes. A page costs what it holds, wherever it begins.")
            .takes(&[&NAMESPACE, &CONSISTENCY, &PREFIX, &DELIMITER, &KEYS_ONLY, &LIMIT, &CURSOR])
            .answers(&[Answer::new(200, "A page.", &[Body::json("EntryPage")])
                .links(&[Link { to: Id::KvList, parameters: &[("cursor", "$response.body#/next_cursor")] }])])
            .codes_of(&[&code::INVALID_CURSOR, &code::CURSOR_MISMATCH])
            .needs("key:list and key:read")
            .cli("konsulctl kv ls"),
        Operation::new(Id::KvDeleteTree, Method::Delete, TAG, "Removes all keys under a prefix")
            .takes(&[&NAMESPACE, &REQUIRED_PREFIX, &ALL, &IDEMPOTENCY_KEY])
            .answers(&[Answer::new(200, "They are gone.", &[Body::json("KvTreeDeleted")])])
            .needs("key_prefix:write")
            .cli("konsulctl kv delete"),
    ],
};

pub(super) static SEARCH: Resource = Resource {
    path: "/v2/kv_search",
    greedy: false,
    parameters: &[],
    operations: &[Operation::new(Id::KvSearch, Method::Get, TAG, "Searches keys or values over all folders")
        .about("The work for a page is bounded, so a page may have few items, or none, and yet a next one.")
        .takes(&[&NAMESPACE, &CONSISTENCY, &Q, &IN, &PREFIX, &LIMIT, &CURSOR])
        .answers(&[Answer::new(200, "A page.", &[Body::json("SearchPage")])])
        .codes_of(&[&code::INVALID_CURSOR, &code::CURSOR_MISMATCH])
        .needs("key:list and key:read")
        .cli("konsulctl kv search")],
};

pub(super) static HISTORY: Resource = Resource {
    path: "/v2/kv_history/{key}",
    greedy: true,
    parameters: KEY_PARAMETERS,
    operations: &[Operation::new(Id::KvHistory, Method::Get, TAG, "Lists a key's versions")
        .about("Newest first, the present one included. How many are kept is bounded by a number of bytes for each namespace; the oldest go first.")
        .takes(&[&NAMESPACE, &CONSISTENCY, &LIMIT, &CURSOR])
        .answers(&[Answer::new(200, "A page.", &[Body::json("HistoryPage")])])
        .codes_of(&[&code::INVALID_CURSOR, &code::CURSOR_MISMATCH, &code::KEY_NOT_FOUND])
        .needs("key:read")
        .cli("konsulctl kv history")],
};

pub(super) static DIFF: Resource = Resource {
    path: "/v2/kv_diff/{key}",
    greedy: true,
    parameters: KEY_PARAMETERS,
    operations: &[Operation::new(Id::KvDiff, Method::Get, TAG, "Compares two versions of a key")
        .takes(&[&NAMESPACE, &CONSISTENCY, &FROM, &TO])
        .answers(&[Answer::new(200, "The difference.", &[Body::json("KvDiff")])])
        .codes_of(&[&code::KEY_NOT_FOUND, &code::NO_SUCH_VERSION])
        .needs("key:read")
        .cli("konsulctl kv diff")],
};

pub(super) static UNDO: Resource = Resource {
    path: "/v2/kv_undo/{key}",
    greedy: true,
    parameters: KEY_PARAMETERS,
    operations: &[Operation::new(Id::KvUndo, Method::Post, TAG, "Puts an earlier version of a key back")
        .about("As a new write: nothing is taken out of the history. Without a body, the newest version that differs from the present one.")
        .takes(&[&NAMESPACE, &IDEMPOTENCY_KEY])
        .optional_body(&[Body::json("KvUndo")])
        .answers(&[Answer::new(200, "The entry as it is now.", &[Body::json("KvUndone")]).with(&[&ETAG])])
        .codes_of(&[
            &code::KEY_NOT_FOUND,
            &code::NO_SUCH_VERSION,
            &code::NOTHING_TO_UNDO,
            &code::STALE_INDEX,
            &code::VALUE_TOO_LARGE,
        ])
        .needs("key:write and key:read")
        .cli("konsulctl kv undo")],
};
