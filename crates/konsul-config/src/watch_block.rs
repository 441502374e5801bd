//! [`WatchBlock`]: a `watches` block, which runs a handler when something in the store changes.
//!
//! The keys are Consul's. Of its kinds of watches those over the key-value store and over events are here; the others
//! watch what is not built yet and are refused by name.

use std::collections::BTreeMap;
use std::path::PathBuf;

use konsul_types::duration::GoDuration;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value as Json, json};

use crate::kind::{OptionValue, describe};
use crate::nearest::nearest;
use crate::reading::block;
use crate::refusal::Refusal;
use crate::syntax::{Item, Node, Value};

/// What a watch looks at, and what it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchBlock {
    /// What it looks at.
    pub on: WatchOn,
    /// In which namespace.
    pub namespace: Option<String>,
    /// Whether any server may answer, however far it is behind.
    pub stale: bool,
    /// What is run.
    pub handler: WatchHandler,
}

/// What a watch looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchOn {
    /// One key.
    Key(String),
    /// All keys with this prefix.
    KeyPrefix(String),
    /// Events of this name; without one, all events.
    Event(Option<String>),
}

/// What a watch runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchHandler {
    /// A program and its arguments, as they are.
    Program(Vec<String>),
    /// A command line for `/bin/sh -c`: Consul's older `handler`, which asks for a shell by being one text.
    Shell(String),
    /// A request.
    Http(HttpHandler),
}

/// A request that tells of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpHandler {
    /// The whole URL, `http` or `https`.
    pub url: String,
    /// The method.
    pub method: String,
    /// How long it may take.
    pub timeout: GoDuration,
    /// Headers; a name may have several values. They may hold secrets.
    pub headers: BTreeMap<String, Vec<String>>,
    /// Whether any certificate will do.
    pub tls_skip_verify: bool,
    /// A file of certificates in PEM form that are trusted, instead of the system's.
    pub ca_file: Option<PathBuf>,
}

const KEYS: &[&str] = &[
    "type",
    "key",
    "prefix",
    "name",
    "namespace",
    "stale",
    "args",
    "handler",
    "handler_type",
    "http_handler_config",
];

/// Consul's keys of a watch that ask for what is not built yet, unless they are empty.
const NOT_BUILT_KEYS: &[&str] = &[
    "datacenter",
    "token",
    "token_file",
    "partition",
    "service",
    "service_id",
    "tag",
    "passingonly",
    "state",
    "filter",
    "peer_name",
];

const NOT_BUILT_TYPES: &[&str] =
    &["services", "nodes", "service", "checks", "connect_roots", "connect_leaf", "agent_service"];

const HTTP_KEYS: &[&str] = &["path", "method", "timeout", "header", "tls_skip_verify", "ca_file"];

/// What a block says, before it is known to be whole.
#[derive(Default)]
struct Draft {
    kind: Option<String>,
    key: Option<String>,
    prefix: Option<String>,
    name: Option<String>,
    namespace: Option<String>,
    stale: bool,
    args: Vec<String>,
    shell: Option<String>,
    handler_type: Option<String>,
    http: Option<HttpHandler>,
}

impl WatchBlock {
    /// Reads one block.
    fn of(node: &Node) -> Result<Self, Refusal> {
        let whole = |reason: String| Refusal::at(node.at, reason);
        let Some(items) = block(&node.value) else {
            return Err(whole(format!("expected a block, found {}", describe(&node.value))));
        };
        let mut draft = Draft::default();
        for item in items {
            draft.take(item).map_err(|refusal| refusal.or_at(item.at))?;
        }
        draft.finish().map_err(whole)
    }

    /// The block as JSON writes it, with everything that may be secret hidden if `hide` says so.
    pub(crate) fn to_json(&self, hide: bool) -> Json {
        let mut block = Map::new();
        let mut put = |key: &str, value: Json| block.insert(key.to_owned(), value);
        match &self.on {
            WatchOn::Key(key) => {
                put("type", json!("key"));
                put("key", json!(key));
            }
            WatchOn::KeyPrefix(prefix) => {
                put("type", json!("keyprefix"));
                put("prefix", json!(prefix));
            }
            WatchOn::Event(name) => {
                put("type", json!("event"));
                name.as_ref().map(|name| put("name", json!(name)));
            }
        }
        self.namespace.as_ref().map(|namespace| put("namespace", json!(namespace)));
        if self.stale {
            put("stale", json!(true));
        }
        match &self.handler {
            WatchHandler::Program(args) => put("args", json!(args)),
            WatchHandler::Shell(line) => put("handler", json!(line)),
            WatchHandler::Http(http) => {
                put("handler_type", json!("http"));
                put("http_handler_config", http.to_json(hide))
            }
        };
        Json::Object(block)
    }
}

impl Serialize for WatchBlock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json(true).serialize(serializer)
    }
}

impl HttpHandler {
    fn of(node: &Node) -> Result<Self, Refusal> {
        let Some(items) = block(&node.value) else {
            return Err(Refusal::from(format!("expected a block, found {}", describe(&node.value))));
        };
        let timeout = GoDuration(10_000_000_000);
        let mut http = Self {
            url: String::new(),
            method: "POST".to_owned(),
            timeout,
            headers: BTreeMap::new(),
            tls_skip_verify: false,
            ca_file: None,
        };
        for item in items {
            http.take(item).map_err(|refusal| refusal.or_at(item.at))?;
        }
        if !http.url.starts_with("http://") && !http.url.starts_with("https://") {
            let wanted = "expected `path` to be a URL such as http://127.0.0.1:9000/changed";
            return Err(Refusal::at(node.at, wanted));
        }
        // The URL is shown in places where a secret must not be.
        if http.url.contains('@') {
            let wanted = "expected `path` without a name and a password; put them into `header`";
            return Err(Refusal::at(node.at, wanted));
        }
        Ok(http)
    }

    fn take(&mut self, item: &Item) -> Result<(), Refusal> {
        let value = &item.node.value;
        match item.key.to_ascii_lowercase().as_str() {
            "path" => self.url = field(item)?,
            "method" => self.method = method(&field::<String>(item)?)?,
            "timeout" => self.timeout = field(item)?,
            "tls_skip_verify" => self.tls_skip_verify = field(item)?,
            "ca_file" => self.ca_file = field(item)?,
            "header" => self.headers = headers(value)?,
            _ => return Err(unknown("http_handler_config.", &item.key, HTTP_KEYS)),
        }
        Ok(())
    }

    fn to_json(&self, hide: bool) -> Json {
        let shown = |values: &Vec<String>| match hide {
            true => json!(vec!["hidden"; values.len()]),
            false => json!(values),
        };
        let headers: Map<String, Json> =
            self.headers.iter().map(|(name, values)| (name.clone(), shown(values))).collect();
        let mut block = json!({
            "path": self.url,
            "method": self.method,
            "timeout": self.timeout.to_string(),
            "tls_skip_verify": self.tls_skip_verify,
            "header": headers,
        });
        if let Some(file) = &self.ca_file {
            block["ca_file"] = json!(file.to_string_lossy());
        }
        block
    }
}

impl Draft {
    fn take(&mut self, item: &Item) -> Result<(), Refusal> {
        if item.node.value == Value::Null {
            return Ok(());
        }
        match item.key.to_ascii_lowercase().as_str() {
            "type" => self.kind = Some(kind(&field::<String>(item)?)?),
            "key" => self.key = Some(field(item)?),
            "prefix" => self.prefix = Some(field(item)?),
            "name" => self.name = Some(field(item)?),
            "namespace" => self.namespace = Some(field(item)?),
            "stale" => self.stale = field(item)?,
            "args" => self.args = field(item)?,
            "handler" => self.shell = Some(field(item)?),
            "handler_type" => self.handler_type = Some(field(item)?),
            "http_handler_config" => self.http = Some(HttpHandler::of(&item.node)?),
            other => match NOT_BUILT_KEYS.contains(&other) {
                true if crate::reading::asks_for_nothing(other, &item.node.value) => {}
                true => return Err(not_built(&format!("`{other}`"))),
                false => return Err(unknown("", &item.key, KEYS)),
            },
        }
        Ok(())
    }

    fn finish(self) -> Result<WatchBlock, String> {
        let kind = self.kind.as_deref().ok_or("a watch needs a `type`: key, keyprefix or event")?;
        let unused = |what: &str, given: &Option<String>| match given {
            Some(_) => Err(format!("a watch of type {kind} takes no `{what}`")),
            None => Ok(()),
        };
        let text = |given: Option<String>| given.filter(|text| !text.is_empty());
        let on = match kind {
            "key" => {
                unused("prefix", &self.prefix).and(unused("name", &self.name))?;
                WatchOn::Key(text(self.key).ok_or("a watch of type key needs a `key`")?)
            }
            "keyprefix" => {
                unused("key", &self.key).and(unused("name", &self.name))?;
                WatchOn::KeyPrefix(text(self.prefix).ok_or("a watch of type keyprefix needs a `prefix`")?)
            }
            _ => {
                unused("key", &self.key).and(unused("prefix", &self.prefix))?;
                WatchOn::Event(text(self.name))
            }
        };
        let handler = handler(self.handler_type.as_deref(), self.args, self.shell, self.http)?;
        Ok(WatchBlock { on, namespace: text(self.namespace), stale: self.stale, handler })
    }
}

fn handler(
    kind: Option<&str>,
    args: Vec<String>,
    shell: Option<String>,
    http: Option<HttpHandler>,
) -> Result<WatchHandler, String> {
    match (kind, http) {
        (None | Some("" | "script"), Some(_)) => {
            Err("`http_handler_config` needs `handler_type = \"http\"`".to_owned())
        }
        (None | Some("" | "script"), None) => script(args, shell),
        (Some("http"), _) if !args.is_empty() || shell.is_some() => {
            Err("a watch with `handler_type = \"http\"` takes neither `args` nor `handler`".to_owned())
        }
        (Some("http"), Some(http)) => Ok(WatchHandler::Http(http)),
        (Some("http"), None) => Err("`handler_type = \"http\"` needs an `http_handler_config`".to_owned()),
        (Some(other), _) => Err(format!("expected `handler_type` to be script or http, found {other:?}")),
    }
}

fn script(args: Vec<String>, shell: Option<String>) -> Result<WatchHandler, String> {
    match (args.first().map(String::as_str), shell) {
        (Some(_), Some(_)) => Err("a watch takes `args` or `handler`, not both".to_owned()),
        (Some(""), None) => Err("the first of `args` is the program, and cannot be empty".to_owned()),
        (Some(_), None) => Ok(WatchHandler::Program(args)),
        (None, Some(line)) if !line.trim().is_empty() => Ok(WatchHandler::Shell(line)),
        (None, _) => Err("a watch needs `args`, the program to run and its arguments".to_owned()),
    }
}

fn kind(word: &str) -> Result<String, Refusal> {
    match word {
        "key" | "keyprefix" | "event" => Ok(word.to_owned()),
        other if NOT_BUILT_TYPES.contains(&other) => Err(not_built(&format!("watches of type `{other}`"))),
        other => {
            Err(Refusal::from(format!("expected `type` to be key, keyprefix or event, found {other:?}")))
        }
    }
}

fn method(word: &str) -> Result<String, Refusal> {
    if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Err(Refusal::from(format!("expected `method` to be one such as POST, found {word:?}")));
    }
    Ok(word.to_ascii_uppercase())
}

/// Names with a list of values each, or with one.
fn headers(value: &Value) -> Result<BTreeMap<String, Vec<String>>, Refusal> {
    let Some(items) = block(value) else {
        return Err(Refusal::from(format!("expected `header` to be a block, found {}", describe(value))));
    };
    let mut headers = BTreeMap::new();
    for item in items {
        let values = match &item.node.value {
            Value::Text(text) => vec![text.clone()],
            // The value may be a secret.
            list => Vec::<String>::read(list).map_err(|_| {
                let reason = format!("expected the header {:?} to have a list of texts", item.key);
                Refusal::at(item.at, reason)
            })?,
        };
        headers.insert(item.key.clone(), values);
    }
    Ok(headers)
}

fn field<T: OptionValue>(item: &Item) -> Result<T, Refusal> {
    let value = T::read(&item.node.value);
    value.map_err(|reason| Refusal::from(format!("`{}`: {reason}", item.key)))
}

fn not_built(what: &str) -> Refusal {
    Refusal::from(format!("{what}: known to Consul, not built yet in Konsul"))
}

fn unknown(block: &str, key: &str, keys: &[&'static str]) -> Refusal {
    let nearest = nearest(&key.to_ascii_lowercase(), keys.iter().copied());
    let hint = nearest.map(|word| format!("; did you mean `{block}{word}`?")).unwrap_or_default();
    Refusal::from(format!("unknown key `{block}{key}`{hint}"))
}

/// The blocks of a value: one, or a list of them.
pub(crate) fn read_all(value: &Value) -> Result<Vec<WatchBlock>, Refusal> {
    match value {
        Value::List(nodes) => nodes.iter().map(WatchBlock::of).collect(),
        Value::Object(items) => {
            let at = items.first().map_or(crate::syntax::Position { line: 1, column: 1 }, |item| item.at);
            WatchBlock::of(&Node { value: value.clone(), at }).map(|block| vec![block])
        }
        other => Err(Refusal::from(format!("expected blocks, found {}", describe(other)))),
    }
}

/// What a block may hold, as JSON Schema says it.
pub(crate) fn schema() -> Json {
    let text = json!({ "type": "string" });
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["type"],
        "properties": {
            "type": { "enum": ["key", "keyprefix", "event"] },
            "key": text, "prefix": text, "name": text, "namespace": text,
            "stale": { "type": "boolean" },
            "args": texts, "handler": text,
            "handler_type": { "enum": ["script", "http"] },
            "http_handler_config": {
                "type": "object",
                "additionalProperties": false,
                "required": ["path"],
                "properties": {
                    "path": text, "method": text, "timeout": text, "ca_file": text,
                    "tls_skip_verify": { "type": "boolean" },
                    "header": { "type": "object", "additionalProperties": texts },
                },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse_bytes;

    fn read(text: &str) -> Result<Vec<WatchBlock>, Refusal> {
        let items = parse_bytes("a.hcl", text.as_bytes()).expect(text);
        read_all(&items[0].node.value)
    }

    #[track_caller]
    fn refuses(text: &str, line: u32, reason: &str) {
        let refusal = read(text).expect_err(text);
        assert_eq!((refusal.at.map(|at| at.line), refusal.reason.as_str()), (Some(line), reason), "{text}");
    }

    #[test]
    fn blocks_are_read_as_consul_reads_them() {
        let text = "watches = [{ type = \"key\" key = \"a/b\" args = [\"/bin/true\", \"-x\"] },\n\
            { type = \"event\" handler = \"cat > /tmp/x\" },\n\
            { type = \"keyprefix\" prefix = \"a/\" handler_type = \"http\" http_handler_config {\n\
              path = \"https://h/x\" method = \"put\" timeout = \"2s\" header { A = [\"s3cret\"] } tls_skip_verify = true } }]";
        let blocks = read(text).expect("good blocks");
        assert_eq!(blocks[0].on, WatchOn::Key("a/b".into()));
        assert_eq!(blocks[0].handler, WatchHandler::Program(vec!["/bin/true".into(), "-x".into()]));
        assert_eq!(blocks[1].on, WatchOn::Event(None));
        assert_eq!(blocks[1].handler, WatchHandler::Shell("cat > /tmp/x".into()));
        let WatchHandler::Http(http) = &blocks[2].handler else { panic!("a request") };
        assert_eq!((http.method.as_str(), http.timeout.to_string().as_str()), ("PUT", "2s"));
        let shown = blocks[2].to_json(true).to_string();
        assert!(!shown.contains("s3cret") && shown.contains("\"A\":[\"hidden\"]"), "{shown}");
        let whole = json!(blocks.iter().map(|block| block.to_json(false)).collect::<Vec<_>>());
        let again = parse_bytes("a.json", json!({ "watches": whole }).to_string().as_bytes()).expect("JSON");
        assert_eq!(read_all(&again[0].node.value).expect("read again"), blocks);
    }

    #[test]
    fn faults_are_named_with_their_place() {
        refuses("watches {\n type = \"key\"\n kee = \"a\" }", 3, "unknown key `kee`; did you mean `key`?");
        refuses(
            "watches {\n type = \"service\" }",
            2,
            "watches of type `service`: known to Consul, not built yet in Konsul",
        );
        refuses(
            "watches {\n type = \"key\"\n token = \"x\" }",
            3,
            "`token`: known to Consul, not built yet in Konsul",
        );
        refuses(
            "watches { key = \"a\" args = [\"x\"] }",
            1,
            "a watch needs a `type`: key, keyprefix or event",
        );
        refuses("watches { type = \"key\" args = [\"x\"] }", 1, "a watch of type key needs a `key`");
        refuses(
            "watches { type = \"event\" key = \"a\" args = [\"x\"] }",
            1,
            "a watch of type event takes no `key`",
        );
        refuses(
            "watches { type = \"event\" }",
            1,
            "a watch needs `args`, the program to run and its arguments",
        );
        refuses(
            "watches { type = \"event\"\n args = \"x\" }",
            2,
            "`args`: expected a list of texts, found the text \"x\"",
        );
        refuses(
            "watches { type = \"event\" handler_type = \"http\"\n http_handler_config {\n pth = \"x\" } }",
            3,
            "unknown key `http_handler_config.pth`; did you mean `http_handler_config.path`?",
        );
        refuses(
            "watches { type = \"event\" handler_type = \"http\" http_handler_config { path = \"x\" } }",
            1,
            "expected `path` to be a URL such as http://127.0.0.1:9000/changed",
        );
    }
}
