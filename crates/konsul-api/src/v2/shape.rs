//! Shapes of bodies: the schemas that fields share, and the check that finds every fault of a body at once.
//!
//! A body is read by serde first, which stops at the first fault. Only when it refuses, [`faults`] walks the body along
//! the schema of the OpenAPI document and lists all of them. A test holds the two to the same opinion.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};

use super::problem::Fault;

/// What a duration looks like: Go's form, without a sign.
pub const DURATION: &str = r"^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$";

/// What a namespace's name looks like.
pub const NAMESPACE: &str = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$";

/// What a session's id looks like.
pub const UUID: &str = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$";

fn text(pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern))
}

/// A duration.
pub fn duration() -> Schema {
    text(DURATION).examples([json!("30s")]).into()
}

/// A duration, or `null`.
pub fn duration_or_null() -> Schema {
    let either = SchemaType::Array(vec![Type::String, Type::Null]);
    text(DURATION).schema_type(either).examples([json!("30s")]).into()
}

/// A key.
pub fn key() -> Schema {
    ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(8192)).into()
}

/// A name of a check.
pub fn label() -> Schema {
    ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(128)).into()
}

/// Names of checks.
pub fn labels() -> Schema {
    ArrayBuilder::new().items(RefOr::T(label())).into()
}

/// A service's name.
pub fn service() -> Schema {
    ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(512)).into()
}

/// A node's name.
pub fn node() -> Schema {
    text("^[^/]+$").max_length(Some(128)).into()
}

/// A namespace's name.
pub fn namespace() -> Schema {
    text(NAMESPACE).max_length(Some(64)).into()
}

/// A UUID.
pub fn uuid() -> Schema {
    text(UUID).format(Some(SchemaFormat::Custom("uuid".to_owned()))).into()
}

/// Whether a text is a duration; see [`DURATION`].
pub fn is_duration(text: &str) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let Some(after) = after_one_span(rest) else { return false };
        rest = after;
    }
    !text.is_empty()
}

fn after_one_span(text: &str) -> Option<&str> {
    let after = after_digits(text)?;
    let after = match after.strip_prefix('.') {
        Some(places) => after_digits(places)?,
        None => after,
    };
    // `ms` before `m`, which it begins with.
    ["ns", "us", "µs", "ms", "s", "m", "h"].iter().find_map(|unit| after.strip_prefix(unit))
}

fn after_digits(text: &str) -> Option<&str> {
    let after = text.trim_start_matches(|c: char| c.is_ascii_digit());
    (after.len() < text.len()).then_some(after)
}

/// The document's schemas, read once, when the first body is refused.
static SCHEMAS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    let mut document: Value = serde_json::from_str(super::OPENAPI).unwrap_or_default();
    match document.pointer_mut("/components/schemas").map(Value::take) {
        Some(Value::Object(schemas)) => schemas,
        _ => Map::new(),
    }
});

/// Every fault of a body's shape, by the name of its schema.
pub fn faults(schema: &str, body: &Value) -> Vec<Fault> {
    let mut walk = Walk { schemas: &SCHEMAS, faults: Vec::new() };
    match walk.schemas.get(schema) {
        Some(schema) => walk.value(schema, body, ""),
        None => walk.add("", format!("there is no schema {schema}")),
    }
    walk.faults
}

struct Walk<'a> {
    schemas: &'a Map<String, Value>,
    faults: Vec<Fault>,
}

impl Walk<'_> {
    fn add(&mut self, pointer: &str, detail: impl Into<String>) {
        self.faults.push(Fault::at(pointer, detail));
    }

    fn value(&mut self, schema: &Value, value: &Value, at: &str) {
        if let Some(target) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
            let schemas = self.schemas;
            return schemas.get(target).into_iter().for_each(|schema| self.value(schema, value, at));
        }
        if let Some(branches) = schema["oneOf"].as_array().filter(|_| schema["properties"].is_null()) {
            return self.variant(branches, value, at);
        }
        if !has_type(schema, value) {
            return self.add(at, format!("must be {}, and is {}", type_text(schema), kind(value)));
        }
        match value {
            Value::Object(fields) => self.object(schema, fields, at),
            Value::Array(items) => self.array(schema, items, at),
            Value::String(_) => self.choice(schema, value, at),
            _ => {}
        }
    }

    fn object(&mut self, schema: &Value, fields: &Map<String, Value>, at: &str) {
        let declared = schema["properties"].as_object();
        for (name, value) in fields {
            let pointer = format!("{at}/{}", escape(name));
            match declared.and_then(|declared| declared.get(name)) {
                Some(schema) => self.value(schema, value, &pointer),
                None if schema["additionalProperties"].is_object() => {
                    self.value(&schema["additionalProperties"], value, &pointer);
                }
                None => self.add(&pointer, unknown(declared)),
            }
        }
        for name in names(&schema["required"]).filter(|name| !fields.contains_key(*name)) {
            self.add(&format!("{at}/{}", escape(name)), "is missing");
        }
        if let Some(groups) = schema["oneOf"].as_array() {
            self.exactly_one(groups, fields, at);
        }
        let excluded: Vec<&str> = names(&schema["not"]["required"]).collect();
        if !excluded.is_empty() && excluded.iter().all(|name| fields.contains_key(*name)) {
            self.add(
                &format!("{at}/{}", escape(excluded[0])),
                format!("not both of {} may be there", excluded.join(" and ")),
            );
        }
    }

    /// One of several fields must be there, and no other.
    fn exactly_one(&mut self, groups: &[Value], fields: &Map<String, Value>, at: &str) {
        let wanted: Vec<&str> = groups.iter().flat_map(|group| names(&group["required"])).collect();
        let present = wanted.iter().filter(|name| fields.contains_key(**name)).count();
        if present != 1 && !wanted.is_empty() {
            let first = wanted[0];
            self.add(
                &format!("{at}/{}", escape(first)),
                format!("exactly one of {} must be there", wanted.join(" and ")),
            );
        }
    }

    /// The branch whose constant field the value has.
    fn variant(&mut self, branches: &[Value], value: &Value, at: &str) {
        let Some(fields) = value.as_object() else {
            return self.add(at, format!("must be an object, and is {}", kind(value)));
        };
        let found = branches
            .iter()
            .find(|branch| constant(branch).is_some_and(|(name, wanted)| fields.get(name) == Some(wanted)));
        if let Some(branch) = found {
            return self.value(branch, value, at);
        }
        let Some((name, _)) = branches.first().and_then(constant) else { return };
        let known: Vec<String> =
            branches.iter().filter_map(constant).map(|(_, wanted)| wanted.to_string()).collect();
        let detail = match fields.get(name) {
            Some(_) => format!("must be one of {}", known.join(", ")),
            None => "is missing".to_owned(),
        };
        self.add(&format!("{at}/{}", escape(name)), detail);
    }

    fn array(&mut self, schema: &Value, items: &[Value], at: &str) {
        for (place, item) in items.iter().enumerate() {
            self.value(&schema["items"], item, &format!("{at}/{place}"));
        }
    }

    fn choice(&mut self, schema: &Value, value: &Value, at: &str) {
        let Some(choices) = schema["enum"].as_array().filter(|choices| !choices.contains(value)) else {
            return;
        };
        let choices: Vec<String> = choices.iter().map(Value::to_string).collect();
        self.add(at, format!("must be one of {}", choices.join(", ")));
    }
}

fn constant(schema: &Value) -> Option<(&String, &Value)> {
    let properties = schema["properties"].as_object()?;
    properties.iter().find_map(|(name, schema)| match schema["enum"].as_array().map(Vec::as_slice) {
        Some([wanted]) => Some((name, wanted)),
        _ => None,
    })
}

fn names(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn unknown(declared: Option<&Map<String, Value>>) -> String {
    let known: Vec<&str> =
        declared.into_iter().flat_map(|declared| declared.keys()).map(String::as_str).collect();
    format!("is not known here; known are {}", known.join(", "))
}

fn has_type(schema: &Value, value: &Value) -> bool {
    let types = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => return true,
    };
    types.iter().any(|wanted| is_of(wanted, value))
}

fn is_of(wanted: &str, value: &Value) -> bool {
    match wanted {
        // Every whole number here is an index, a count or flags.
        "integer" => value.is_u64(),
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => value.is_number(),
    }
}

fn type_text(schema: &Value) -> String {
    let word = |name: &str| match name {
        "integer" => format!("a whole number from 0 to {}", u64::MAX),
        "boolean" => "true or false".to_owned(),
        "string" => "a text".to_owned(),
        "array" => "a list".to_owned(),
        "object" => "an object".to_owned(),
        other => other.to_owned(),
    };
    match &schema["type"] {
        Value::Array(many) => {
            many.iter().filter_map(Value::as_str).map(word).collect::<Vec<_>>().join(" or ")
        }
        one => word(one.as_str().unwrap_or_default()),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "another number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A name as a part of a JSON pointer.
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_gos_without_a_sign() {
        for yes in ["30s", "1h30m", "1.5s", "0s", "100µs", "1m0.5s", "3600000ms"] {
            assert!(is_duration(yes), "{yes}");
        }
        for no in ["", "30", "-1s", "+1s", ".5s", "5.s", "1 s", "1d", "s", "1s "] {
            assert!(!is_duration(no), "{no}");
        }
    }

    #[test]
    fn a_pointer_escapes() {
        assert_eq!(escape("a/b~c"), "a~1b~0c");
    }
}
