//! The `proxy` block of a service: what the catalogue asks for becomes fields, the rest is checked against Consul's keys and
//! kept as JSON under the names of Consul's API.

use konsul_types::Proxy;
use serde_json::{Map, Number, Value as Json, json};

use super::keys::{items, same, unknown};
use super::part::{Part, placed};
use crate::kind::{cut, text};
use crate::refusal::{Refusal, Refusals};
use crate::syntax::{Node, Value};

/// What a key of the rest may hold.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    Words(&'static [&'static str]),
    Bool,
    Port,
    /// Whatever it is: the proxy knows, or what is plugged into it.
    Free,
    Block(&'static [(&'static str, Shape)]),
    Blocks(&'static [(&'static str, Shape)]),
}

/// Keys that are fields of [`Proxy`].
const FIELDS: &[(&str, Shape)] = &[
    ("destination_service_name", Shape::Text),
    ("destination_service_id", Shape::Text),
    ("local_service_address", Shape::Text),
    ("local_service_port", Shape::Port),
];

const MESH_GATEWAY: &[(&str, Shape)] = &[("mode", Shape::Words(&["", "none", "local", "remote"]))];

const UPSTREAM: &[(&str, Shape)] = &[
    ("destination_type", Shape::Words(&["", "service", "prepared_query"])),
    ("destination_name", Shape::Text),
    ("destination_namespace", Shape::Text),
    ("destination_partition", Shape::Text),
    ("destination_peer", Shape::Text),
    ("datacenter", Shape::Text),
    ("local_bind_address", Shape::Text),
    ("local_bind_port", Shape::Port),
    ("local_bind_socket_path", Shape::Text),
    ("local_bind_socket_mode", Shape::Text),
    ("config", Shape::Free),
    ("mesh_gateway", Shape::Block(MESH_GATEWAY)),
];

const EXPOSED_PATH: &[(&str, Shape)] = &[
    ("path", Shape::Text),
    ("local_path_port", Shape::Port),
    ("listener_port", Shape::Port),
    ("protocol", Shape::Words(&["", "http", "http2"])),
];

const REST: &[(&str, Shape)] = &[
    ("local_service_socket_path", Shape::Text),
    ("mode", Shape::Words(&["", "direct", "transparent"])),
    ("config", Shape::Free),
    ("upstreams", Shape::Blocks(UPSTREAM)),
    ("mesh_gateway", Shape::Block(MESH_GATEWAY)),
    (
        "expose",
        Shape::Block(&[
            ("checks", Shape::Bool),
            ("port", Shape::Port),
            ("paths", Shape::Blocks(EXPOSED_PATH)),
        ]),
    ),
    (
        "transparent_proxy",
        Shape::Block(&[("outbound_listener_port", Shape::Port), ("dialed_directly", Shape::Bool)]),
    ),
    (
        "access_logs",
        Shape::Block(&[
            ("enabled", Shape::Bool),
            ("disable_listener_logs", Shape::Bool),
            ("type", Shape::Words(&["", "file", "stderr", "stdout"])),
            ("path", Shape::Text),
            ("json_format", Shape::Text),
            ("text_format", Shape::Text),
        ]),
    ),
    (
        "envoy_extensions",
        Shape::Blocks(&[
            ("name", Shape::Text),
            ("required", Shape::Bool),
            ("arguments", Shape::Free),
            ("consul_version", Shape::Text),
            ("envoy_version", Shape::Text),
        ]),
    ),
];

/// The name in Consul's API of a key in its files.
fn api_name(key: &str) -> String {
    let word = |word: &str| match word {
        // The two that Consul writes in capitals.
        "json" | "id" => word.to_ascii_uppercase(),
        _ => {
            let (first, rest) = word.split_at(word.len().min(1));
            first.to_ascii_uppercase() + rest
        }
    };
    key.split('_').map(word).collect()
}

/// A block whose keys are these, with the names of the API.
fn object(node: &Node, path: &str, keys: &[&[(&str, Shape)]]) -> Result<Map<String, Json>, Refusals> {
    let mut object = Map::new();
    let mut faults = Refusals::new();
    let all = || keys.iter().copied().flatten();
    for item in items(node, path)?.into_iter().filter(|item| item.node.value != Value::Null) {
        let folded = item.key.to_ascii_lowercase();
        let Some((name, shape)) = all().find(|(name, _)| same(name, &folded)) else {
            faults.push(unknown(item, &format!("{path}."), &folded, all().map(|(name, _)| *name)));
            continue;
        };
        let inner = format!("{path}.{name}");
        match value(&item.node, &inner, *shape) {
            Ok(value) => put(&mut object, name, *shape, value).unwrap_or_else(|why| {
                faults.push(Refusal::at(item.at, format!("`{inner}` {why}")));
            }),
            Err(more) => faults.extend(more.into_iter().map(|fault| fault.or_at(item.at))),
        }
    }
    if faults.is_empty() { Ok(object) } else { Err(faults) }
}

/// Repeated blocks are joined; anything else may be said once.
fn put(object: &mut Map<String, Json>, name: &str, shape: Shape, value: Json) -> Result<(), String> {
    let key = api_name(name);
    match (object.get_mut(&key), shape, value) {
        (None, _, value) => {
            object.insert(key, value);
            Ok(())
        }
        (Some(Json::Array(known)), Shape::Blocks(_), Json::Array(more)) => {
            known.extend(more);
            Ok(())
        }
        _ => Err("stands here twice; leave one out".to_owned()),
    }
}

fn value(node: &Node, path: &str, shape: Shape) -> Result<Json, Refusals> {
    match shape {
        Shape::Text => String::read(node, path).map(|text| json!(text)),
        Shape::Bool => <bool as Part>::read(node, path).map(|on| json!(on)),
        Shape::Port => u16::read(node, path).map(|port| json!(port)),
        Shape::Words(words) => placed(node, path, word(&node.value, words)),
        Shape::Free => free(node, path),
        Shape::Block(keys) => object(node, path, &[keys]).map(Json::Object),
        Shape::Blocks(keys) => {
            let nodes: Vec<&Node> = match &node.value {
                Value::List(nodes) => nodes.iter().collect(),
                _ => vec![node],
            };
            nodes.into_iter().map(|node| object(node, path, &[keys]).map(Json::Object)).collect()
        }
    }
}

fn word(value: &Value, words: &[&str]) -> Result<Json, String> {
    let found = text("a word in quotes", value)?;
    if words.contains(&found) {
        return Ok(json!(found));
    }
    let known: Vec<&str> = words.iter().copied().filter(|word| !word.is_empty()).collect();
    Err(format!("expected one of {}, found {:?}", known.join(", "), cut(found)))
}

/// A value of which nothing is known, with its keys as they are.
fn free(node: &Node, path: &str) -> Result<Json, Refusals> {
    Ok(match &node.value {
        Value::Null => Json::Null,
        Value::Bool(on) => json!(on),
        Value::Integer(number) => json!(number),
        Value::Number(number) => {
            let read = serde_json::from_str::<Number>(number);
            Json::Number(placed(
                node,
                path,
                read.map_err(|_| format!("{} is no number of JSON", cut(number))),
            )?)
        }
        Value::Text(text) => json!(text),
        Value::List(nodes) => nodes.iter().map(|node| free(node, path)).collect::<Result<_, _>>()?,
        Value::Object(items) => {
            let mut object = Map::new();
            for item in items {
                let inner = format!("{path}.{}", cut(&item.key));
                if object.insert(item.key.clone(), free(&item.node, &inner)?).is_some() {
                    let reason = format!("`{inner}` stands here twice; leave one out");
                    return Err(vec![Refusal::at(item.at, reason)]);
                }
            }
            Json::Object(object)
        }
    })
}

impl Part for Option<Proxy> {
    const SHAPE: &'static str = "block";

    fn read(node: &Node, path: &str) -> Result<Self, Refusals> {
        let mut block = object(node, path, &[FIELDS, REST])?;
        let mut text = |key: &str| match block.remove(&api_name(key)) {
            Some(Json::String(text)) => text,
            _ => String::new(),
        };
        let (destination, id) = (text("destination_service_name"), text("destination_service_id"));
        let local = text("local_service_address");
        let port = block.remove(&api_name("local_service_port")).and_then(|port| port.as_u64());
        Ok(Some(Proxy {
            destination_service: destination.into(),
            destination_id: id.into(),
            local_address: local.into(),
            local_port: port.and_then(|port| u16::try_from(port).ok()).unwrap_or(0),
            rest: if block.is_empty() { String::new() } else { Json::Object(block).to_string() },
        }))
    }

    fn show(&self) -> Option<Json> {
        let proxy = self.as_ref()?;
        let mut block = Map::new();
        for (key, text) in [
            ("destination_service_name", &proxy.destination_service),
            ("destination_service_id", &proxy.destination_id),
            ("local_service_address", &proxy.local_address),
        ] {
            if !text.is_empty() {
                block.insert(key.to_owned(), json!(text.as_str()));
            }
        }
        if proxy.local_port != 0 {
            block.insert("local_service_port".to_owned(), json!(proxy.local_port));
        }
        if let Ok(Json::Object(rest)) = serde_json::from_str(&proxy.rest) {
            block.extend(rest);
        }
        Some(Json::Object(block))
    }

    fn schema() -> Json {
        schema_of(&[FIELDS, REST])
    }
}

fn schema_of(keys: &[&[(&str, Shape)]]) -> Json {
    let property = |(name, shape): &(&str, Shape)| ((*name).to_owned(), schema_of_shape(*shape));
    let properties: Map<String, Json> = keys.iter().copied().flatten().map(property).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn schema_of_shape(shape: Shape) -> Json {
    match shape {
        Shape::Text => String::schema(),
        Shape::Words(words) => json!({ "enum": words }),
        Shape::Bool => <bool as Part>::schema(),
        Shape::Port => u16::schema(),
        Shape::Free => json!({}),
        Shape::Block(keys) => schema_of(&[keys]),
        Shape::Blocks(keys) => json!({ "type": "array", "items": schema_of(&[keys]) }),
    }
}

/// The keys of a `proxy` block, in words for the book.
pub(super) fn keys_in_words() -> String {
    let names: Vec<String> =
        [FIELDS, REST].into_iter().flatten().map(|(name, shape)| in_words(name, *shape)).collect();
    names.join(", ")
}

fn in_words(name: &str, shape: Shape) -> String {
    match shape {
        Shape::Block(keys) | Shape::Blocks(keys) => {
            let inner: Vec<String> = keys.iter().map(|(name, shape)| in_words(name, *shape)).collect();
            format!("`{name}` ({})", inner.join(", "))
        }
        _ => format!("`{name}`"),
    }
}
