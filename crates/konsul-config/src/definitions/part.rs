//! [`Part`]: a type that the value of a key in a definition may have: how it is read, written and described.

use std::fmt::Display;

use konsul_types::duration::GoDuration;
use konsul_types::{
    CheckId, CheckStatus, NameError, Namespace, Pairs, ServiceId, ServiceKind, ServiceName, Tags,
};
use serde_json::{Map, Value as Json, json};

use super::keys::items;
use crate::kind::{OptionValue, cut, expected, text};
use crate::refusal::{Refusal, Refusals};
use crate::syntax::{Node, Value};

/// A type of a value.
pub(crate) trait Part: Sized {
    /// The type as a reader of the book sees it.
    const SHAPE: &'static str;

    /// Reads it; `path` is the key with the blocks around it.
    fn read(node: &Node, path: &str) -> Result<Self, Refusals>;

    /// The value as a file would have it; `None` where a file need not say it.
    fn show(&self) -> Option<Json>;

    /// What the value may be, as JSON Schema says it.
    fn schema() -> Json;

    /// Takes in another value of the same key.
    fn merge(&mut self, other: Self) {
        *self = other;
    }
}

/// Puts key and place to a fault.
pub(crate) fn placed<T, E: Display>(node: &Node, path: &str, read: Result<T, E>) -> Result<T, Refusals> {
    read.map_err(|why| vec![Refusal::at(node.at, format!("`{path}`: {why}"))])
}

/// A simple type: what it is called, its schema, how it is read, and how it is written unless it says nothing.
macro_rules! simple {
    ($($type:ty: $shape:literal, $schema:expr, $read:expr, $show:expr;)+) => {$(
        impl Part for $type {
            const SHAPE: &'static str = $shape;

            fn read(node: &Node, path: &str) -> Result<Self, Refusals> {
                let read: fn(&Value) -> Result<$type, String> = $read;
                placed(node, path, read(&node.value))
            }

            fn show(&self) -> Option<Json> {
                let show: fn(&$type) -> Option<Json> = $show;
                show(self)
            }

            fn schema() -> Json {
                $schema
            }
        }
    )+};
}

fn text_schema() -> Json {
    json!({ "type": "string" })
}

fn unless_empty(text: &str) -> Option<Json> {
    (!text.is_empty()).then(|| json!(text))
}

fn whole(value: &Value, most: u32) -> Result<u32, String> {
    match value {
        Value::Integer(number) if (0..=i64::from(most)).contains(number) => {
            u32::try_from(*number).map_err(|_| "a number of 32 bits is one".to_owned())
        }
        other => expected(&format!("a whole number from 0 to {most} (without quotes)"), other),
    }
}

/// Milliseconds. A fraction of one is rounded up, since zero stands for "not said".
fn millis(value: &Value) -> Result<u64, String> {
    let span = GoDuration::read(value)?;
    if span.0 < 0 {
        return Err(format!("a duration may not be negative, found {span}"));
    }
    Ok(u64::try_from(span.0).unwrap_or(0).div_ceil(1_000_000))
}

fn named<T>(value: &Value, what: &str, make: fn(&str) -> Result<T, NameError>) -> Result<Option<T>, String> {
    let text = text(what, value)?;
    // The error quotes the name, and says what a good one is.
    if text.is_empty() { Ok(None) } else { make(text).map(Some).map_err(|why| why.to_string()) }
}

fn of_words<T: Copy>(value: &Value, words: &[(&str, T)]) -> Result<T, String> {
    let word = text("a word in quotes", value)?;
    let found = words.iter().find(|(name, _)| *name == word).map(|(_, meaning)| *meaning);
    found.ok_or_else(|| {
        let names: Vec<_> = words.iter().map(|(name, _)| *name).filter(|name| !name.is_empty()).collect();
        format!("expected one of {}, found {:?}", names.join(", "), cut(word))
    })
}

const STATUSES: [(&str, Option<CheckStatus>); 4] = [
    ("", None),
    ("passing", Some(CheckStatus::Passing)),
    ("warning", Some(CheckStatus::Warning)),
    ("critical", Some(CheckStatus::Critical)),
];

fn kinds() -> [(&'static str, ServiceKind); 6] {
    ServiceKind::ALL.map(|kind| (kind.name(), kind))
}

simple! {
    bool: "boolean", json!({ "type": "boolean" }), bool::read_plain, |on| on.then(|| json!(true));
    Option<bool>: "boolean", json!({ "type": "boolean" }), |value| bool::read_plain(value).map(Some),
        |on| on.map(|on| json!(on));
    u16: "number from 0 to 65535", json!({ "type": "integer", "minimum": 0, "maximum": 65_535 }),
        |value| whole(value, u32::from(u16::MAX)).map(|number| number as u16),
        |number| (*number != 0).then(|| json!(number));
    u32: "whole number", json!({ "type": "integer", "minimum": 0 }), |value| whole(value, u32::MAX),
        |number| (*number != 0).then(|| json!(number));
    Option<u32>: "whole number", json!({ "type": "integer", "minimum": 0 }),
        |value| whole(value, u32::MAX).map(Some), |number| number.map(|number| json!(number));
    u64: "duration", json!({ "type": "string", "examples": ["10s", "1m30s"] }), millis,
        |ms| (*ms != 0).then(|| json!(GoDuration::from_millis(*ms).to_string()));
    String: "text", text_schema(), |value| text("a text in quotes", value).map(ToOwned::to_owned),
        |text| unless_empty(text);
    Vec<String>: "list of texts", json!({ "type": "array", "items": text_schema() }), Self::read_plain,
        |texts| (!texts.is_empty()).then(|| json!(texts));
    Option<CheckId>: "text", text_schema(), |value| named(value, "an id in quotes", |text| CheckId::new(text)),
        |id| id.as_ref().map(|id| json!(id.as_str()));
    Option<ServiceId>: "text", text_schema(), |value| named(value, "an id in quotes", |text| ServiceId::new(text)),
        |id| id.as_ref().map(|id| json!(id.as_str()));
    Option<ServiceName>: "text", text_schema(),
        |value| named(value, "a name in quotes", |text| ServiceName::new(text)),
        |name| name.as_ref().map(|name| json!(name.as_str()));
    Option<Namespace>: "text", text_schema(),
        |value| named(value, "a name in quotes", |text| Namespace::new(text)),
        |name| name.as_ref().filter(|name| !name.is_default()).map(|name| json!(name.as_str()));
    Option<CheckStatus>: "`passing`, `warning` or `critical`",
        json!({ "enum": ["passing", "warning", "critical"] }), |value| of_words(value, &STATUSES),
        |status| status.map(|status| json!(status.name()));
    ServiceKind: "word", json!({ "enum": ServiceKind::ALL.map(ServiceKind::name) }),
        |value| of_words(value, &kinds()), |kind| unless_empty(kind.name());
    Tags: "list of texts", json!({ "type": "array", "items": text_schema() }),
        |value| Vec::<String>::read_plain(value).map(|tags| tags.into_iter().collect()),
        |tags| (!tags.is_empty()).then(|| tags.iter().collect());
}

/// Reading as an option of the same type is read.
trait Plain: OptionValue {
    fn read_plain(value: &Value) -> Result<Self, String> {
        <Self as OptionValue>::read(value)
    }
}

impl Plain for bool {}
impl Plain for Vec<String> {}

/// Texts by name, each of them once.
fn texts_by_name<'n>(node: &'n Node, path: &str) -> Result<Vec<(&'n str, &'n Node)>, Refusals> {
    let mut found: Vec<(&str, &Node)> = Vec::new();
    for item in items(node, path)?.into_iter().filter(|item| item.node.value != Value::Null) {
        if found.iter().any(|(name, _)| *name == item.key) {
            let reason = format!("`{path}`: {:?} stands here twice; leave one out", cut(&item.key));
            return Err(vec![Refusal::at(item.at, reason)]);
        }
        found.push((&item.key, &item.node));
    }
    Ok(found)
}

impl Part for Pairs {
    const SHAPE: &'static str = "texts by name";

    fn read(node: &Node, path: &str) -> Result<Self, Refusals> {
        let read = |(name, node): (&str, &Node)| {
            let value = text("a text in quotes", &node.value);
            Ok((name.to_owned(), placed(node, &format!("{path}.{}", cut(name)), value)?.to_owned()))
        };
        texts_by_name(node, path)?.into_iter().map(read).collect()
    }

    fn show(&self) -> Option<Json> {
        let pairs: Map<String, Json> =
            self.iter().map(|(key, value)| (key.to_owned(), json!(value))).collect();
        (!pairs.is_empty()).then_some(Json::Object(pairs))
    }

    fn schema() -> Json {
        json!({ "type": "object", "additionalProperties": text_schema() })
    }
}

/// Headers of a request: a list of texts by name, or one text.
impl Part for Vec<(String, Vec<String>)> {
    const SHAPE: &'static str = "lists of texts by name";

    fn read(node: &Node, path: &str) -> Result<Self, Refusals> {
        let read = |(name, node): (&str, &Node)| {
            let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            if name.is_empty() || !name.bytes().all(token) {
                return placed(node, path, Err(format!("{:?} is no name of a header", cut(name))));
            }
            let values = match &node.value {
                Value::Text(text) => Ok(vec![text.clone()]),
                list => Vec::<String>::read_plain(list),
            };
            // A value may be a secret, and what cannot be sent may hold one too.
            let sent =
                |text: &String| text.bytes().all(|byte| byte == b'\t' || (byte >= 0x20 && byte != 0x7f));
            match values {
                Ok(values) if values.iter().all(sent) => Ok((name.to_owned(), values)),
                _ => placed(
                    node,
                    path,
                    Err(format!("expected the header {name:?} to have a list of texts, without line ends")),
                ),
            }
        };
        let mut headers: Self = texts_by_name(node, path)?.into_iter().map(read).collect::<Result<_, _>>()?;
        // A block has no order that would mean something.
        headers.sort();
        Ok(headers)
    }

    fn show(&self) -> Option<Json> {
        let headers: Map<String, Json> =
            self.iter().map(|(name, values)| (name.clone(), json!(values))).collect();
        (!headers.is_empty()).then_some(Json::Object(headers))
    }

    fn schema() -> Json {
        let values = json!({ "type": "array", "items": text_schema() });
        json!({ "type": "object", "additionalProperties": values })
    }
}

/// A token, which there is nobody to show to yet.
pub(crate) struct NoToken;

impl Part for NoToken {
    const SHAPE: &'static str = "text";

    fn read(node: &Node, path: &str) -> Result<Self, Refusals> {
        match &node.value {
            Value::Text(text) if text.is_empty() => Ok(NoToken),
            Value::Text(_) => {
                let why = "known to Consul, not built yet in Konsul: there is no access control that would ask for it; \
                           leave it out, and everything that it could do is allowed";
                placed(node, path, Err(why))
            }
            // The value may be a secret, whatever its form.
            _ => placed(node, path, Err("expected a text in quotes")),
        }
    }

    fn show(&self) -> Option<Json> {
        None
    }

    fn schema() -> Json {
        json!({ "const": "" })
    }
}

/// The partition, of which there is one.
pub(crate) struct OnePartition;

impl Part for OnePartition {
    const SHAPE: &'static str = "text";

    fn read(node: &Node, path: &str) -> Result<Self, Refusals> {
        let read = match placed(node, path, text("a text in quotes", &node.value))? {
            "" | "default" => Ok(OnePartition),
            other => {
                Err(format!("there is one partition, `default`, and not {:?}; use `namespace`", cut(other)))
            }
        };
        placed(node, path, read)
    }

    fn show(&self) -> Option<Json> {
        None
    }

    fn schema() -> Json {
        json!({ "enum": ["", "default"] })
    }
}

/// Something that is to come.
pub(crate) struct Coming;

impl Part for Coming {
    const SHAPE: &'static str = "–";

    fn read(node: &Node, path: &str) -> Result<Self, Refusals> {
        placed(node, path, Err("known to Consul, not built yet in Konsul"))
    }

    fn show(&self) -> Option<Json> {
        None
    }

    fn schema() -> Json {
        json!({ "not": {} })
    }
}
