//! The JSON Schema of configuration files, made from the declarations, for editors and linters.

use serde_json::{Map, Value as Json, json};

use crate::config::Config;
use crate::kind::Kind;
use crate::option::{ConfigOption, Range};
use crate::{consul, options};

/// The schema of a configuration file in JSON (draft 2020-12). Keys of Consul that mean nothing are in it, marked as
/// deprecated; keys that are not built are not, since a file with them is refused.
#[must_use]
pub fn json_schema() -> Json {
    let mut root = block();
    let defaults = Config::default();
    for option in options::all().filter(|option| option.in_files) {
        insert(&mut root, option.key, property(option, &defaults));
        for alias in option.aliases {
            let description = format!("Another name of `{}`.", option.key);
            let mut property = property(option, &defaults);
            property["description"] = json!(description);
            insert(&mut root, alias, property);
        }
    }
    for (key, reason) in consul::MEANS_NOTHING {
        let description = format!("Accepted for Consul's sake and ignored: {reason}.");
        let property = json!({ "deprecated": true, "description": description });
        insert(&mut root, key.trim_end_matches(".*"), property);
    }
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["$defs"] = crate::definitions::schemas();
    root["title"] = json!("Konsul agent configuration");
    root
}

fn block() -> Json {
    json!({ "type": "object", "additionalProperties": false, "properties": {} })
}

fn insert(root: &mut Json, key: &str, property: Json) {
    let mut place = &mut *root;
    for name in key.split('.') {
        if place.get("properties").is_none() {
            *place = block();
        }
        place = &mut place["properties"][name];
    }
    *place = property;
}

fn property(option: &ConfigOption, defaults: &Config) -> Json {
    let mut property = shape(option);
    property.insert("description".into(), json!(option.doc));
    if !option.default.is_empty() {
        property.insert("default".into(), option.value_in(defaults));
    }
    if let Range::Integers(least, most) = option.range {
        property.insert("minimum".into(), json!(least));
        property.insert("maximum".into(), json!(most));
    }
    Json::Object(property)
}

fn shape(option: &ConfigOption) -> Map<String, Json> {
    let shape = match option.kind {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Integer | Kind::Port => json!({ "type": "integer" }),
        Kind::Ratio => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Kind::Duration => json!({ "type": "string", "examples": ["10s", "1h30m"] }),
        Kind::Text => json!({ "type": "string" }),
        // Words are read without regard to case, which a plain `enum` cannot say.
        Kind::Choice(words) => json!({ "type": "string", "examples": words }),
        Kind::List => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Map => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Kind::Blocks => {
            let block = (option.block_schema)();
            json!({ "anyOf": [block, { "type": "array", "items": block }] })
        }
    };
    shape.as_object().cloned().unwrap_or_default()
}
