//! Batches, export and import.

use super::common::{Answer, Body, Kind, Method, Operation, Parameter, Resource};
use super::parameters::{CONSISTENCY, IDEMPOTENCY_KEY, NAMESPACE, PREFIX, own};
use super::{Id, code};

static ALL_NAMESPACES: Parameter =
    own("all_namespaces", Kind::Flag, "Those of every namespace; `namespace` must be absent.");
static MODE: Parameter = own(
    "mode",
    Kind::Choice(&["merge", "replace"]),
    "What becomes of keys that no line names: they stay, or they are removed. To replace, lines must be in order of namespace and key.",
);
static DRY_RUN: Parameter = own("dry_run", Kind::Flag, "Only tell what would change.");

pub(super) static BATCH: Resource = Resource {
    path: "/v2/batch",
    greedy: false,
    parameters: &[],
    operations: &[Operation::new(Id::Batch, Method::Post, "kv", "Runs several operations")
        .about("With `atomic` all or none, at one index, up to the bound of a log entry. Otherwise each for itself, in order, and the answer says of each what became of it. With `Accept: application/x-ndjson` results are sent as they come, a line each, and a last line with the summary.")
        .takes(&[&NAMESPACE, &CONSISTENCY, &IDEMPOTENCY_KEY])
        .body(&[Body::json("BatchRequest")])
        .answers(&[Answer::new(200, "What became of it.", &[Body::json("BatchAnswer"), Body::lines("BatchLine")])])
        .codes_of(&[&code::BATCH_FAILED, &code::TOO_LARGE, &code::TOO_MANY_OPERATIONS, &code::VALUE_TOO_LARGE])
        .needs("each member's own")
        .cli("konsulctl txn")],
};

pub(super) static EXPORT: Resource = Resource {
    path: "/v2/export",
    greedy: false,
    parameters: &[],
    operations: &[Operation::new(Id::Export, Method::Get, "kv", "Exports keys")
        .about("A line of JSON for each, of one state, in order of namespace and key. Exporting what was imported gives the same bytes.")
        .takes(&[&NAMESPACE, &CONSISTENCY, &PREFIX, &ALL_NAMESPACES])
        .answers(&[Answer::new(200, "The keys, streamed.", &[Body::lines("ExportLine")])])
        .needs("key:list and key:read")
        .cli("konsulctl kv export")],
};

pub(super) static IMPORT: Resource = Resource {
    path: "/v2/import",
    greedy: false,
    parameters: &[],
    operations: &[Operation::new(Id::Import, Method::Post, "kv", "Imports keys")
        .about("Lines as the export gives them. The answer has a line for each key that differs, while the import goes on, and a last line with the sums, or with what broke it off and at which line. Lines before it are in force. Neither side keeps more than a few lines in memory.")
        .takes(&[&NAMESPACE, &PREFIX, &MODE, &DRY_RUN, &ALL_NAMESPACES, &IDEMPOTENCY_KEY])
        .body(&[Body::lines("ExportLine")])
        .answers(&[Answer::new(200, "What changed, streamed.", &[Body::lines("ImportLine")])])
        .codes_of(&[&code::INVALID_BODY, &code::MALFORMED_JSON, &code::VALUE_TOO_LARGE])
        .needs("key_prefix:write")
        .cli("konsulctl kv import")],
};
