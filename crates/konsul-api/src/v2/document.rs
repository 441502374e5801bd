//! The OpenAPI document, made from the table of operations and the schemas of the bodies.

mod schemas;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::code::Code;
use super::operations::{
    Answer, Body, Header, Kind, Link, Operation, Parameter, Place, Resource, all, headers,
};
use super::problem::MEDIA_TYPE;
use super::shape;

/// The document.
pub fn document() -> Value {
    let paths: BTreeMap<&str, BTreeMap<String, Value>> =
        all().fold(BTreeMap::new(), |mut paths, (resource, operation)| {
            let method = operation.method.as_str().to_ascii_lowercase();
            paths.entry(resource.path).or_default().insert(method, one(resource, operation));
            paths
        });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Konsul",
            "summary": "Key-value store, sessions, locks, events and streams",
            "description": ABOUT,
            "version": "2.0.0",
            "license": { "name": "Apache 2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "The server that serves this document." }],
        "security": [],
        "tags": tags(),
        "paths": paths,
        "components": { "schemas": schemas::all(), "parameters": shared_parameters(), "headers": shared_headers(), "responses": shared_problems() },
    })
}

/// The document as it is checked in: indented, with its members in order of their names.
pub fn text() -> String {
    let sorted = sorted(&document());
    serde_json::to_string_pretty(&sorted).unwrap_or_default() + "\n"
}

/// The same with every object's members in order, whichever map the build of the library uses.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<&String, Value> =
                fields.iter().map(|(name, value)| (name, sorted(value))).collect();
            Value::Object(fields.into_iter().map(|(name, value)| (name.clone(), value)).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

const ABOUT: &str = "\
Times are RFC 3339 in UTC with milliseconds. Durations are Go's texts, such as `1m30s`. Errors are problem details (RFC \
9457) with a stable `code`. A conditional write has `If-Match` with the `ETag` that a read gave, or `If-None-Match: *`. A \
write with an `Idempotency-Key` can be sent again without a second effect. A list goes on with `next_cursor`. New fields \
may be added to answers, and are to be skipped by clients that do not know them.";

fn tags() -> Value {
    json!([
        { "name": "kv", "description": "Keys and values." },
        { "name": "services", "description": "Services, their instances, and who needs whom." },
        { "name": "nodes", "description": "Nodes." },
        { "name": "checks", "description": "Health checks and what became of them." },
        { "name": "catalog", "description": "Registration directly in the catalogue." },
        { "name": "agent", "description": "What the answering agent keeps: instances, checks, maintenance." },
        { "name": "queries", "description": "Prepared queries." },
        { "name": "locks", "description": "Locks with a queue and a fencing number for each grant." },
        { "name": "sessions", "description": "Leases, which hold locks." },
        { "name": "events", "description": "Notices to all nodes." },
        { "name": "watch", "description": "Changes as they happen." },
        { "name": "snapshots", "description": "Everything, saved and restored." },
        { "name": "system", "description": "The server itself." },
    ])
}

fn one(resource: &Resource, operation: &Operation) -> Value {
    let path = resource.parameters.iter().map(parameter);
    let own = operation.parameters.iter().map(|one| match is_shared(one) {
        true => json!({ "$ref": format!("#/components/parameters/{}", shared_name(one)) }),
        false => parameter(one),
    });
    let mut out = json!({
        "operationId": operation.id.as_str(),
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": path.chain(own).collect::<Vec<_>>(),
        "responses": responses(operation),
        "x-konsul-permission": operation.needs,
        "x-konsul-cli": operation.cli,
    });
    if !operation.about.is_empty() {
        out["description"] = json!(operation.about);
    }
    if !operation.body.is_empty() {
        out["requestBody"] =
            json!({ "required": !operation.body_optional, "content": content(operation.body) });
    }
    out
}

fn content(bodies: &[Body]) -> Value {
    bodies.iter().map(|body| (body.media.to_owned(), json!({ "schema": schema_of(body) }))).collect()
}

/// A stream's schema is a text: tools that read the whole of a body as one JSON document would stumble over lines of it.
fn schema_of(body: &Body) -> Value {
    match (body.stream, body.schema) {
        (false, "") => json!({}),
        (true, "") => json!({ "type": "string" }),
        (true, name) => json!({
            "type": "string",
            "description": format!("Many of `{name}`, one after another."),
            "contentMediaType": "application/json",
            "contentSchema": { "$ref": format!("#/components/schemas/{name}") },
        }),
        (false, name) => json!({ "$ref": format!("#/components/schemas/{name}") }),
    }
}

fn responses(operation: &Operation) -> Value {
    let good = operation.answers.iter().map(|answer| (answer.status.to_string(), good(answer)));
    let shared = problem_names();
    let bad = problems(operation).into_iter().map(|(status, codes)| {
        let response = match shared.get(&(status, ids(&codes))) {
            Some(name) => json!({ "$ref": format!("#/components/responses/{name}") }),
            None => problem(status, &codes),
        };
        (status.to_string(), response)
    });
    let early = EARLY.iter().map(|(status, _)| {
        (status.to_string(), json!({ "$ref": format!("#/components/responses/Early{status}") }))
    });
    good.chain(bad).chain(early).collect()
}

/// What is answered to a head that is not even read to its end: a status alone, without a body and without headers.
const EARLY: &[(u16, &str)] = &[
    (414, "The path and query are longer than the server reads."),
    (
        431,
        "The head is longer than the server reads; `http.head_bytes` of `GET /v2/limits` says how long it may be.",
    ),
];

/// The codes of an operation by their status.
fn problems(operation: &Operation) -> BTreeMap<u16, Vec<&'static Code>> {
    let mut out: BTreeMap<u16, Vec<&Code>> = BTreeMap::new();
    for code in operation.codes() {
        out.entry(code.status).or_default().push(code);
    }
    out
}

fn ids(codes: &[&Code]) -> Vec<&'static str> {
    codes.iter().map(|code| code.id).collect()
}

/// A status and the codes that come with it.
type ProblemKind = (u16, Vec<&'static str>);

/// Names for what more than one operation answers.
fn problem_names() -> BTreeMap<ProblemKind, String> {
    let mut counts: BTreeMap<ProblemKind, usize> = BTreeMap::new();
    for (status, codes) in all().flat_map(|(_, operation)| problems(operation)) {
        *counts.entry((status, ids(&codes))).or_default() += 1;
    }
    let mut last = (0, 0);
    let shared = counts.into_iter().filter(|(_, count)| *count > 1).map(|((status, ids), _)| {
        last = if last.0 == status { (status, last.1 + 1) } else { (status, 1) };
        let name =
            if last.1 == 1 { format!("Problem{status}") } else { format!("Problem{status}_{}", last.1) };
        ((status, ids), name)
    });
    shared.collect()
}

fn shared_problems() -> Value {
    let named = problem_names().into_iter().map(|((status, ids), name)| {
        let codes: Vec<&Code> = ids.iter().filter_map(|id| super::code::find(id)).collect();
        (name, problem(status, &codes))
    });
    let early =
        EARLY.iter().map(|(status, about)| (format!("Early{status}"), json!({ "description": about })));
    named.chain(early).collect()
}

fn good(answer: &Answer) -> Value {
    let every = headers::EVERY.iter().chain(answer.headers).map(|header| {
        (header.name.to_owned(), json!({ "$ref": format!("#/components/headers/{}", header.name) }))
    });
    let mut out = json!({ "description": answer.about, "headers": every.collect::<Map<_, _>>() });
    if !answer.body.is_empty() {
        out["content"] = content(answer.body);
    }
    if !answer.links.is_empty() {
        out["links"] = answer.links.iter().map(|one| (one.to.as_str().to_owned(), link(one))).collect();
    }
    out
}

fn link(link: &Link) -> Value {
    json!({
        "operationId": link.to.as_str(),
        "parameters": link.parameters.iter().map(|(name, from)| ((*name).to_owned(), json!(from))).collect::<Map<_, _>>(),
    })
}

fn problem(status: u16, codes: &[&Code]) -> Value {
    let texts: Vec<String> = codes.iter().map(|code| format!("`{}`: {}.", code.id, code.title)).collect();
    let mut names = vec![&headers::INDEX, &headers::REQUEST_ID];
    if status == 405 {
        names.push(&headers::ALLOW);
    }
    let headers: Map<String, Value> = names
        .iter()
        .map(|header| {
            (header.name.to_owned(), json!({ "$ref": format!("#/components/headers/{}", header.name) }))
        })
        .collect();
    json!({
        "description": texts.join(" "),
        "headers": headers,
        "content": { MEDIA_TYPE: { "schema": { "$ref": "#/components/schemas/Problem" } } },
    })
}

fn parameter(one: &Parameter) -> Value {
    let place = match one.place {
        Place::Path => "path",
        Place::Query => "query",
        Place::Header => "header",
    };
    json!({
        "name": one.name,
        "in": place,
        "required": one.required,
        "description": one.about,
        "schema": kind(one.kind),
    })
}

fn kind(kind: Kind) -> Value {
    match kind {
        Kind::Text { min, max } => json!({ "type": "string", "minLength": min, "maxLength": max }),
        Kind::Texts { min, max } => json!({
            "type": "array",
            "items": { "type": "string", "minLength": min, "maxLength": max },
        }),
        Kind::Key => json!({ "type": "string", "minLength": 1, "maxLength": 8192 }),
        Kind::LockName => json!({ "type": "string", "minLength": 1, "maxLength": 1024 }),
        Kind::Node => json!({ "type": "string", "pattern": "^[^/]+$", "minLength": 1, "maxLength": 128 }),
        Kind::Namespace => {
            json!({ "type": "string", "pattern": shape::NAMESPACE, "maxLength": 64, "default": "default" })
        }
        Kind::Uuid => json!({ "type": "string", "format": "uuid", "pattern": shape::UUID }),
        Kind::Number { min, max, default } => number(min, max, default),
        Kind::Flag => json!({
            "anyOf": [{ "type": "boolean" }, { "type": "string", "maxLength": 0 }],
            "default": false,
        }),
        Kind::Choice(words) => json!({ "type": "string", "enum": words, "default": words[0] }),
        Kind::Duration => json!({ "type": "string", "pattern": shape::DURATION, "examples": ["30s"] }),
        Kind::Tag => json!({ "type": "string", "pattern": "^\"[0-9]{1,20}\"$", "examples": ["\"42\""] }),
        Kind::TagOrAny => {
            json!({ "type": "string", "pattern": "^(\\*|\"[0-9]{1,20}\")$", "examples": ["\"42\""] })
        }
        Kind::Any => json!({ "type": "string", "enum": ["*"] }),
        Kind::Token => json!({ "type": "string", "pattern": "^[!-~]{1,128}$" }),
    }
}

fn number(min: u64, max: u64, default: Option<u64>) -> Value {
    let mut out = json!({ "type": "integer", "format": "uint64", "minimum": min, "maximum": max });
    if let Some(default) = default {
        out["default"] = json!(default);
    }
    out
}

/// Parameters of more than one operation stand once.
fn shared() -> Vec<&'static Parameter> {
    let mut seen: BTreeMap<*const Parameter, usize> = BTreeMap::new();
    let each: Vec<&'static Parameter> =
        all().flat_map(|(_, operation)| operation.parameters).copied().collect();
    for one in &each {
        *seen.entry(std::ptr::from_ref(*one)).or_default() += 1;
    }
    let mut told = BTreeSet::new();
    each.into_iter()
        .filter(|one| seen[&std::ptr::from_ref(*one)] > 1 && told.insert(std::ptr::from_ref(*one)))
        .collect()
}

fn is_shared(one: &Parameter) -> bool {
    shared().iter().any(|other| std::ptr::eq(*other, one))
}

/// A name for each: two headers of one name mean different things to reads and writes.
fn shared_name(one: &Parameter) -> String {
    match one.kind {
        Kind::TagOrAny => format!("{}-Read", one.name),
        _ => one.name.to_owned(),
    }
}

fn shared_parameters() -> Value {
    shared().into_iter().map(|one| (shared_name(one), parameter(one))).collect()
}

fn shared_headers() -> Value {
    let every = [&headers::INDEX, &headers::REQUEST_ID, &headers::ETAG, &headers::LOCATION, &headers::ALLOW];
    let header = |header: &Header| json!({ "description": header.about, "schema": { "type": header.kind } });
    every.into_iter().map(|one| (one.name.to_owned(), header(one))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_up_to_date() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for (name, text) in [
            ("openapi/v2.json", text()),
            ("docs/src/reference/http-v2.md", crate::v2::pages::operations()),
            ("docs/src/reference/http-v2-errors.md", crate::v2::pages::errors()),
        ] {
            let path = root.join(name);
            if std::env::var_os("UPDATE").is_some() {
                std::fs::write(&path, text).unwrap();
            } else {
                assert!(
                    std::fs::read_to_string(path).unwrap() == text,
                    "{name} is stale: cargo xtask openapi"
                );
            }
        }
    }

    #[test]
    fn every_reference_has_a_target() {
        let document = document();
        let mut references = Vec::new();
        gather(&document, &mut references);
        assert!(references.len() > 100);
        for reference in references {
            let pointer = reference.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    fn gather(value: &Value, out: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                out.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|value| gather(value, out));
            }
            Value::Array(items) => items.iter().for_each(|value| gather(value, out)),
            _ => {}
        }
    }
}
