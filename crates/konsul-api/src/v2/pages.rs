//! The book's pages on this API, made from the table of operations and the table of codes.

use std::fmt::Write as _;

use super::code::CODES;
use super::operations::{Body, Kind, Operation, Parameter, Place, Resource, all};

/// The page of operations, as Markdown.
pub fn operations() -> String {
    let mut out = String::from(HEAD);
    let mut tag = "";
    for (resource, operation) in in_order() {
        if operation.tag != tag {
            tag = operation.tag;
            let _ = write!(out, "\n## {}\n", title(tag));
        }
        one(&mut out, resource, operation);
    }
    out
}

/// Operations by noun, each noun where it first stands in the table.
fn in_order() -> Vec<(&'static Resource, &'static Operation)> {
    let mut tags: Vec<&str> = Vec::new();
    for (_, operation) in all() {
        if !tags.contains(&operation.tag) {
            tags.push(operation.tag);
        }
    }
    tags.into_iter().flat_map(|tag| all().filter(move |(_, operation)| operation.tag == tag)).collect()
}

fn title(tag: &str) -> &str {
    match tag {
        "kv" => "Keys and values",
        "services" => "Services",
        "nodes" => "Nodes",
        "checks" => "Checks",
        "catalog" => "The catalogue",
        "agent" => "The answering agent",
        "queries" => "Prepared queries",
        "locks" => "Locks",
        "sessions" => "Sessions",
        "events" => "Events",
        "watch" => "Streams of changes",
        "snapshots" => "Snapshots and backups",
        _ => "The server",
    }
}

fn one(out: &mut String, resource: &Resource, operation: &Operation) {
    let Operation { id, method, summary, about, needs, cli, .. } = operation;
    let _ = write!(out, "\n### `{}`\n\n`{} {}`\n\n{summary}.", id.as_str(), method.as_str(), resource.path);
    if !about.is_empty() {
        let _ = write!(out, " {about}");
    }
    let _ = write!(out, "\n\nNeeds `{needs}`. On the command line: `{cli}`.\n");
    parameters(out, resource, operation);
    if !operation.body.is_empty() {
        let optional = if operation.body_optional { ", may be absent" } else { "" };
        let _ = write!(out, "\nBody: {}{optional}.\n", forms(operation.body));
    }
    out.push_str("\n| Status | Answer |\n| --- | --- |\n");
    for answer in operation.answers {
        let body = if answer.body.is_empty() { String::new() } else { format!(" {}", forms(answer.body)) };
        let _ = writeln!(out, "| `{}` | {}{body} |", answer.status, answer.about);
    }
    let codes = operation.codes().into_iter().filter(|code| operation.codes.contains(code));
    let own: Vec<String> = codes.map(|code| format!("`{}`", code.id)).collect();
    if !own.is_empty() {
        let _ = write!(out, "\nProblems of its own: {}.\n", own.join(", "));
    }
}

fn parameters(out: &mut String, resource: &Resource, operation: &Operation) {
    let every: Vec<&Parameter> =
        resource.parameters.iter().chain(operation.parameters.iter().copied()).collect();
    if every.is_empty() {
        return;
    }
    out.push_str("\n| Parameter | In | Value | Meaning |\n| --- | --- | --- | --- |\n");
    for one in every {
        let place = match one.place {
            Place::Path => "path",
            Place::Query => "query",
            Place::Header => "header",
        };
        let must = if one.required && one.place != Place::Path { ", required" } else { "" };
        let _ = writeln!(out, "| `{}` | {place}{must} | {} | {} |", one.name, kind(one.kind), one.about);
    }
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Text { min: 0, max } => format!("text, up to {max} bytes"),
        Kind::Text { min, max } => format!("text, {min} to {max} bytes"),
        Kind::Texts { min, max } => format!("text, {min} to {max} bytes; may be repeated"),
        Kind::Key => "key".into(),
        Kind::LockName => "name".into(),
        Kind::Node => "node's name".into(),
        Kind::Namespace => "namespace's name".into(),
        Kind::Uuid => "UUID".into(),
        Kind::Number { min, max: u64::MAX, .. } => format!("number from {min}"),
        Kind::Number { min, max, .. } => format!("number from {min} to {max}"),
        Kind::Flag => "`true` or `false`".into(),
        Kind::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        Kind::Duration => "duration".into(),
        Kind::Tag => "`\"42\"`".into(),
        Kind::TagOrAny => "`\"42\"` or `*`".into(),
        Kind::Any => "`*`".into(),
        Kind::Token => "1 to 128 visible ASCII characters".into(),
    }
}

fn forms(bodies: &[Body]) -> String {
    let one = |body: &Body| match body.schema {
        "" => format!("`{}`", body.media),
        name => format!("`{}` (`{name}`)", body.media),
    };
    bodies.iter().map(one).collect::<Vec<_>>().join(" or ")
}

/// The page of codes, as Markdown.
pub fn errors() -> String {
    let mut out = String::from(ERRORS);
    for code in CODES {
        let _ = writeln!(
            out,
            "| <a id=\"{0}\"></a>`{0}` | {1} | {2} | {3} |",
            code.id, code.status, code.title, code.about
        );
    }
    out
}

const HEAD: &str = "\
# HTTP API, version 2

This page is made from the server's table of operations; `cargo xtask openapi` writes it anew. The same table gives the
[OpenAPI document](https://spec.openapis.org/oas/v3.1.0) that each server serves at `GET /v2/openapi.json`, where the bodies' schemas are.

## What every operation knows

- **Names** are in `snake_case`. Times are RFC 3339 in UTC with milliseconds, durations are texts such as `1m30s`.
- **Errors** are problem details (RFC 9457) with a stable `code`; [the list of codes](http-v2-errors.md) says what helps. Every
  fault of a body is listed at once, with a JSON pointer to it, and so is every fault of the parameters.
- **Every answer** has `X-Konsul-Index`, the index of the state that it is of, and `X-Request-Id`, which the server's log
  repeats.
- **Conditions.** A record's `ETag` is its modify index. `If-Match` with it makes a write conditional, `If-None-Match: *`
  writes only what is not there, and `If-None-Match` with a tag saves a read what it has already.
- **Repeats.** A write with an `Idempotency-Key` can be sent again: it happens once, and is answered alike for five minutes.
  The same key with another request is refused.
- **Lists** have `items`, `next_cursor` and `index`. A cursor belongs to its query.
- **Consistency.** Reads are confirmed by a quorum unless `consistency` says `default` (the leader's lease) or `stale`.
- **Fields.** A request's unknown field is refused. An answer may gain fields, and leaves out what it has nothing to say of.
- `HEAD` goes where `GET` does, `OPTIONS` says the methods, and a method that does nothing is `405` with `Allow`.
";

const ERRORS: &str = "\
# Codes of problems

This page is made from the server's table of codes; `cargo xtask openapi` writes it anew. A problem's `type` is
`urn:konsul:problem:` and its code. Codes are never changed, only added to.

| Code | Status | Problem | When, and what helps |
| --- | --- | --- | --- |
";
