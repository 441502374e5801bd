//! What types an option's value may have, and how each is read from a file's value or a word on the command line.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use konsul_types::NodeName;
use konsul_types::duration::GoDuration;
use konsul_types::ids::NodeId;
use serde_json::{Value as Json, json};

use crate::config::Config;
use crate::error::Origin;
use crate::refusal::{Refusal, Refusals};
use crate::syntax::{Format, Item, Value, parse};
use crate::types::{
    Addresses, FileMode, Listeners, LogLevel, Network, OtlpEndpoint, OtlpProtocol, Port, Ratio,
    RecursorStrategy, StorageEngine,
};
use crate::watch_block::{self, WatchBlock};

/// The type of an option, as a reader of the documentation sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer,
    /// A port, with `-1` for off and `0` for any free one.
    Port,
    /// A number from 0 to 1.
    Ratio,
    /// A duration such as `"1h30m"`.
    Duration,
    /// A text.
    Text,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// A list of texts.
    List,
    /// Texts by name.
    Map,
    /// A list of blocks.
    Blocks,
}

impl Kind {
    /// The name of the type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "boolean",
            Self::Integer => "integer",
            Self::Port => "port",
            Self::Ratio => "number from 0 to 1",
            Self::Duration => "duration",
            Self::Text => "text",
            Self::Choice(_) => "word",
            Self::List => "list of texts",
            Self::Map => "map of texts",
            Self::Blocks => "list of blocks",
        }
    }

    /// Whether a second value is joined with the first instead of replacing it.
    pub(crate) fn joins(self) -> bool {
        matches!(self, Self::List | Self::Map | Self::Blocks)
    }

    /// Whether values of several sources are appended to each other, in which case flags come first.
    pub(crate) fn appends(self) -> bool {
        matches!(self, Self::List | Self::Blocks)
    }

    /// The value that a text stands for, given as a flag or as a default. A list gets one element, a map one entry.
    pub(crate) fn value_of_text(self, text: &str) -> Result<Value, String> {
        match self {
            Self::Bool => go_bool(text),
            Self::Integer | Self::Port => go_integer(text),
            Self::Ratio => Ok(Value::Number(text.to_owned())),
            Self::Duration | Self::Text | Self::Choice(_) => Ok(Value::Text(text.to_owned())),
            Self::List => Ok(list_of(&[text])),
            Self::Map => entry(text),
            Self::Blocks => json_value(text),
        }
    }

    /// The value that an environment variable stands for: a list is separated by commas, a map is a JSON object.
    pub(crate) fn value_of_variable(self, text: &str) -> Result<Value, String> {
        match self {
            Self::List => Ok(list_of(&text.split(',').map(str::trim).collect::<Vec<_>>())),
            Self::Map => object(text),
            _ => self.value_of_text(text),
        }
    }
}

/// The kind of a field, found by its type.
pub(crate) const fn kind_of<T: OptionValue>(_field: fn(&Config) -> &T) -> Kind {
    T::KIND
}

/// The schema of a field's blocks, found by its type.
pub(crate) const fn block_schema_of<T: OptionValue>(_field: fn(&Config) -> &T) -> fn() -> Json {
    T::block_schema
}

fn go_bool(text: &str) -> Result<Value, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
        _ => Err(format!("expected true or false, found {text:?}")),
    }
}

fn go_integer(text: &str) -> Result<Value, String> {
    text.parse().map(Value::Integer).map_err(|_| format!("expected a whole number, found {text:?}"))
}

fn list_of(texts: &[&str]) -> Value {
    let at = crate::syntax::Position { line: 1, column: 1 };
    let node = |text: &&str| crate::syntax::Node { value: Value::Text((*text).to_owned()), at };
    Value::List(texts.iter().map(node).collect())
}

/// `name:value`, as Consul's `-node-meta` writes it; spaces around the value are dropped, as in a header.
fn entry(text: &str) -> Result<Value, String> {
    let at = crate::syntax::Position { line: 1, column: 1 };
    let (key, value) = text.split_once(':').ok_or_else(|| format!("expected name:value, found {text:?}"))?;
    let node = crate::syntax::Node { value: Value::Text(value.trim().to_owned()), at };
    Ok(Value::Object(vec![Item { key: key.trim().to_owned(), at, node }]))
}

fn object(text: &str) -> Result<Value, String> {
    parse(Format::Json, text.as_bytes())
        .map(Value::Object)
        .map_err(|error| format!("expected a JSON object such as {{\"name\": \"value\"}}: {error}"))
}

/// A value written in JSON.
fn json_value(text: &str) -> Result<Value, String> {
    let wanted = "expected a block in JSON such as {\"name\": \"value\"}, or a list of them";
    let items = parse(Format::Json, format!("{{\"value\": {text}}}").as_bytes());
    let mut items = items.map_err(|error| format!("{wanted}: {error}"))?;
    // Two mean that the text closed the object that was put around it.
    match (items.pop(), items.is_empty()) {
        (Some(item), true) => Ok(item.node.value),
        _ => Err(wanted.to_owned()),
    }
}

/// A type that a field of the configuration may have.
pub(crate) trait OptionValue: Sized {
    /// What it is called.
    const KIND: Kind;

    /// Reads it from a value as written; the error says what was expected and what was found.
    fn read(value: &Value) -> Result<Self, String>;

    /// The same, for values with parts, where a fault has a place of its own, or the value remembers where it was given.
    fn read_placed(value: &Value, _origin: &Origin) -> Result<Self, Refusals> {
        Self::read(value).map_err(|reason| vec![Refusal::from(reason)])
    }

    /// The value as JSON writes it.
    fn to_json(&self) -> Json;

    /// The value with what may be secret in it hidden.
    fn to_json_hidden(&self) -> Json {
        hidden(self.to_json())
    }

    /// Takes in the value of a later source.
    fn merge(&mut self, later: Self) {
        *self = later;
    }

    /// What a range is compared with, in ones or nanoseconds.
    fn amount(&self) -> Option<i128> {
        None
    }

    /// What one block may hold, as JSON Schema says it, for a list of blocks.
    fn block_schema() -> Json {
        Json::Null
    }
}

/// A value of which only the form is left.
pub(crate) fn hidden(value: Json) -> Json {
    match value {
        Json::Null => Json::Null,
        Json::String(text) if text.is_empty() => json!(""),
        Json::Array(values) => values.into_iter().map(hidden).collect(),
        Json::Object(fields) => fields.into_iter().map(|(name, value)| (name, hidden(value))).collect(),
        _ => json!("hidden"),
    }
}

/// A value in words, for an error; long texts are cut.
pub(crate) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(bool) => bool.to_string(),
        Value::Integer(number) => format!("the number {number}"),
        Value::Number(number) => format!("the number {}", cut(number)),
        Value::Text(text) => format!("the text {:?}", cut(text)),
        Value::List(_) => "a list".to_owned(),
        Value::Object(_) => "a block".to_owned(),
    }
}

pub(crate) fn cut(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}

pub(crate) fn expected<T>(what: &str, value: &Value) -> Result<T, String> {
    Err(format!("expected {what}, found {}", describe(value)))
}

pub(crate) fn text<'a>(what: &str, value: &'a Value) -> Result<&'a str, String> {
    match value {
        Value::Text(text) => Ok(text),
        other => expected(what, other),
    }
}

impl OptionValue for bool {
    const KIND: Kind = Kind::Bool;

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Bool(bool) => Ok(*bool),
            other => expected("true or false (without quotes)", other),
        }
    }

    fn to_json(&self) -> Json {
        json!(self)
    }
}

impl OptionValue for Option<bool> {
    const KIND: Kind = Kind::Bool;

    fn read(value: &Value) -> Result<Self, String> {
        bool::read(value).map(Some)
    }

    fn to_json(&self) -> Json {
        json!(self)
    }
}

impl OptionValue for Ratio {
    const KIND: Kind = Kind::Ratio;

    fn read(value: &Value) -> Result<Self, String> {
        let wanted = "a number from 0 to 1 (without quotes)";
        let read = match value {
            Value::Integer(number) => number.to_string().parse().ok(),
            Value::Number(number) => number.parse().ok(),
            _ => None,
        };
        read.map_or_else(|| expected(wanted, value), Ok)
    }

    fn to_json(&self) -> Json {
        json!(self.0)
    }
}

impl OptionValue for Option<OtlpEndpoint> {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value) -> Result<Self, String> {
        let text = text("an address in quotes, such as \"http://localhost:4318\"", value)?;
        if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
    }

    fn to_json(&self) -> Json {
        json!(self.as_ref().map(ToString::to_string))
    }
}

impl OptionValue for u64 {
    const KIND: Kind = Kind::Integer;

    fn read(value: &Value) -> Result<Self, String> {
        let wanted = "a whole number (without quotes, not negative)";
        match value {
            Value::Integer(number) => Self::try_from(*number).or_else(|_| expected(wanted, value)),
            other => expected(wanted, other),
        }
    }

    fn to_json(&self) -> Json {
        json!(self)
    }

    fn amount(&self) -> Option<i128> {
        Some(i128::from(*self))
    }
}

impl OptionValue for i64 {
    const KIND: Kind = Kind::Integer;

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Integer(number) => Ok(*number),
            other => expected("a whole number (without quotes)", other),
        }
    }

    fn to_json(&self) -> Json {
        json!(self)
    }

    fn amount(&self) -> Option<i128> {
        Some(i128::from(*self))
    }
}

impl OptionValue for Port {
    const KIND: Kind = Kind::Port;

    fn read(value: &Value) -> Result<Self, String> {
        let wanted = "a port from 1 to 65535, 0 for any free one, or -1 for off";
        match value {
            Value::Integer(number) => Self::from_written(*number).map_or_else(|| expected(wanted, value), Ok),
            other => expected(wanted, other),
        }
    }

    fn to_json(&self) -> Json {
        json!(self.written())
    }

    fn amount(&self) -> Option<i128> {
        Some(i128::from(self.written()))
    }
}

impl OptionValue for GoDuration {
    const KIND: Kind = Kind::Duration;

    fn read(value: &Value) -> Result<Self, String> {
        let text = text("a duration in quotes, such as \"10s\" or \"1h30m\"", value)?;
        text.parse().map_err(|error: konsul_types::duration::DurationError| error.to_string())
    }

    fn to_json(&self) -> Json {
        json!(self.to_string())
    }

    fn amount(&self) -> Option<i128> {
        Some(i128::from(self.0))
    }
}

impl OptionValue for String {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value) -> Result<Self, String> {
        text("a text in quotes", value).map(ToOwned::to_owned)
    }

    fn to_json(&self) -> Json {
        json!(self)
    }
}

impl OptionValue for IpAddr {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value) -> Result<Self, String> {
        crate::types::address(text("an IP address in quotes", value)?)
    }

    fn to_json(&self) -> Json {
        json!(self.to_string())
    }
}

impl OptionValue for Addresses {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value) -> Result<Self, String> {
        text("IP addresses in quotes, with spaces between them", value)?.parse()
    }

    fn to_json(&self) -> Json {
        json!(self.to_string())
    }
}

impl OptionValue for Listeners {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value) -> Result<Self, String> {
        text("IP addresses and unix:///path in quotes, with spaces between them", value)?.parse()
    }

    fn to_json(&self) -> Json {
        json!(self.to_string())
    }
}

impl OptionValue for Option<FileMode> {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value) -> Result<Self, String> {
        text("a file mode in quotes, such as \"0660\"", value)?.parse().map(Some)
    }

    fn to_json(&self) -> Json {
        json!(self.map(|mode| mode.to_string()))
    }
}

impl OptionValue for Option<String> {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value) -> Result<Self, String> {
        let text = text("a text in quotes", value)?;
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    fn to_json(&self) -> Json {
        json!(self)
    }
}

impl OptionValue for Vec<WatchBlock> {
    const KIND: Kind = Kind::Blocks;

    fn read(value: &Value) -> Result<Self, String> {
        watch_block::read_all(value).map_err(|refusal| refusal.reason)
    }

    fn read_placed(value: &Value, _origin: &Origin) -> Result<Self, Refusals> {
        watch_block::read_all(value).map_err(Refusals::from)
    }

    fn block_schema() -> Json {
        watch_block::schema()
    }

    fn to_json(&self) -> Json {
        self.iter().map(|block| block.to_json(false)).collect()
    }

    fn to_json_hidden(&self) -> Json {
        self.iter().map(|block| block.to_json(true)).collect()
    }

    fn merge(&mut self, later: Self) {
        self.extend(later);
    }
}

impl OptionValue for Option<PathBuf> {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value) -> Result<Self, String> {
        let path = text("a path in quotes", value)?;
        // Files could have such names, but a line end that slipped in is the likelier story.
        if path.contains(char::is_control) {
            return Err(format!("a path may not hold control characters, found {path:?}"));
        }
        Ok((!path.is_empty()).then(|| PathBuf::from(path)))
    }

    fn to_json(&self) -> Json {
        json!(self.as_ref().map(|path| path.to_string_lossy()))
    }
}

impl OptionValue for Option<NodeName> {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value) -> Result<Self, String> {
        let name = text("a name in quotes", value)?;
        NodeName::new(name).map(Some).map_err(|error| error.to_string())
    }

    fn to_json(&self) -> Json {
        json!(self.as_ref().map(NodeName::as_str))
    }
}

impl OptionValue for Option<NodeId> {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value) -> Result<Self, String> {
        let wanted = "a UUID in quotes, such as \"b0f1a4c6-4e3c-4b1e-9a53-2f6d0c7e1a55\"";
        NodeId::from_str(text(wanted, value)?).map(Some).or_else(|_| expected(wanted, value))
    }

    fn to_json(&self) -> Json {
        json!(self.map(|id| id.to_string()))
    }
}

macro_rules! choices {
    ($($name:ident)*) => {$(
        impl OptionValue for $name {
            const KIND: Kind = Kind::Choice(Self::WORDS);

            fn read(value: &Value) -> Result<Self, String> {
                text("a word in quotes", value)?.parse()
            }

            fn to_json(&self) -> Json {
                json!(self.word())
            }
        }
    )*};
}

choices! { LogLevel OtlpProtocol RecursorStrategy StorageEngine }

pub(crate) fn texts<T>(value: &Value, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    let Value::List(nodes) = value else {
        return expected("a list of texts", value);
    };
    nodes.iter().map(|node| read(text("a text in quotes as an element", &node.value)?)).collect()
}

impl OptionValue for Vec<String> {
    const KIND: Kind = Kind::List;

    fn read(value: &Value) -> Result<Self, String> {
        texts(value, |text| Ok(text.to_owned()))
    }

    fn to_json(&self) -> Json {
        json!(self)
    }

    fn merge(&mut self, later: Self) {
        self.extend(later);
    }
}

impl OptionValue for Vec<Network> {
    const KIND: Kind = Kind::List;

    fn read(value: &Value) -> Result<Self, String> {
        texts(value, str::parse)
    }

    fn to_json(&self) -> Json {
        json!(self.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    fn merge(&mut self, later: Self) {
        self.extend(later);
    }
}

impl OptionValue for BTreeMap<String, String> {
    const KIND: Kind = Kind::Map;

    fn read(value: &Value) -> Result<Self, String> {
        let mut map = Self::new();
        for item in crate::reading::block(value).map_or_else(|| expected("a block of texts", value), Ok)? {
            let wanted = format!("a text in quotes for {:?}", cut(&item.key));
            map.insert(item.key.clone(), text(&wanted, &item.node.value)?.to_owned());
        }
        Ok(map)
    }

    fn to_json(&self) -> Json {
        json!(self)
    }

    fn merge(&mut self, later: Self) {
        self.extend(later);
    }
}
