//! From a tree to settings: each key is looked up, and what is not an option of ours becomes an error or a warning.

use std::collections::BTreeMap;

use crate::catalogue::{Known, look_up, nearest_key};
use crate::error::{ConfigError, Origin, Warning};
use crate::option::ConfigOption;
use crate::syntax::{Item, Node, Position, Value};

/// One option given a value by one source.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) option: &'static ConfigOption,
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// Everything that a source says, and everything that is wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) settings: Vec<Setting>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) errors: Vec<ConfigError>,
}

impl Reading {
    pub(crate) fn extend(&mut self, other: Self) {
        self.settings.extend(other.settings);
        self.warnings.extend(other.warnings);
        self.errors.extend(other.errors);
    }
}

/// Reads the tree of one file. `name` is what errors call it.
pub(crate) fn read_tree(name: &str, items: &[Item]) -> Reading {
    let mut reader = Reader { name, reading: Reading::default(), seen: BTreeMap::new(), coming: Vec::new() };
    reader.items("", items, false);
    reader.finish()
}

/// The items of a block: an object, or a list of objects, which is what repeated blocks are in HCL 1.
pub(crate) fn block(value: &Value) -> Option<Vec<&Item>> {
    match value {
        Value::Object(items) => Some(items.iter().collect()),
        Value::List(nodes) => {
            let blocks: Option<Vec<_>> = nodes.iter().map(|node| block(&node.value)).collect();
            blocks.map(|blocks| blocks.into_iter().flatten().collect())
        }
        _ => None,
    }
}

/// Whether a value of a key that is not built asks for nothing, so that doing nothing is what it asks for.
pub(crate) fn asks_for_nothing(key: &str, value: &Value) -> bool {
    let name = key.rsplit('.').next().unwrap_or(key);
    match value {
        Value::Null => true,
        Value::Bool(on) => *on == name.starts_with("disable_"),
        Value::Integer(number) => *number == -1,
        Value::Text(text) => text.is_empty(),
        Value::List(nodes) => nodes.is_empty(),
        Value::Object(items) => items.is_empty(),
        Value::Number(_) => false,
    }
}

struct Reader<'a> {
    name: &'a str,
    reading: Reading,
    seen: BTreeMap<&'static str, Position>,
    /// Keys that are not built yet, with the place of the first, by their outermost block.
    coming: Vec<(String, Position, Vec<String>)>,
}

impl Reader<'_> {
    /// `off` says that a block around these items is switched off, and with it what is not built in it.
    fn items<'i>(&mut self, path: &str, items: impl IntoIterator<Item = &'i Item>, off: bool) {
        for item in items {
            let path = if path.is_empty() { item.key.clone() } else { format!("{path}.{}", item.key) };
            self.item(&path, item, off);
        }
    }

    fn item(&mut self, path: &str, item: &Item, off: bool) {
        match look_up(path) {
            Some(Known::Option(option)) => self.option(option, item),
            Some(Known::Block) => self.block(path, &item.node, item.at, off),
            Some(Known::NotBuilt) if off || asks_for_nothing(path, &item.node.value) => {}
            Some(Known::NotBuilt) => self.not_built(path, item.at),
            Some(Known::MeansNothing(reason)) => {
                let (origin, key) = (self.origin(item.at), path.to_owned());
                self.reading.warnings.push(Warning::MeansNothing { origin, key, reason });
            }
            None => self.unknown(path, item.at),
        }
    }

    fn origin(&self, at: Position) -> Origin {
        Origin::File { name: self.name.to_owned(), at }
    }

    fn option(&mut self, option: &'static ConfigOption, item: &Item) {
        // A null in JSON is Consul's way to say that a key is not given.
        if item.node.value == Value::Null {
            return;
        }
        let origin = self.origin(item.at);
        if let Some(first) = self.seen.insert(option.key, item.at) {
            let (key, joined) = (option.key.to_owned(), option.kind.joins());
            // Each block of a kind stands for itself.
            if option.kind != crate::kind::Kind::Blocks {
                self.reading.warnings.push(Warning::GivenTwice {
                    origin: origin.clone(),
                    key,
                    first,
                    joined,
                });
            }
        }
        self.reading.settings.push(Setting { option, value: item.node.value.clone(), origin });
    }

    fn block(&mut self, path: &str, node: &Node, at: Position, off: bool) {
        let Some(items) = block(&node.value) else {
            if node.value != Value::Null {
                let reason = format!("expected a block, found {}", crate::kind::describe(&node.value));
                let (origin, key) = (self.origin(at), path.to_owned());
                self.reading.errors.push(ConfigError::BadValue { origin, key, reason });
            }
            return;
        };
        let disabled = |item: &&Item| item.key == "enabled" && item.node.value == Value::Bool(false);
        let off = off || items.iter().any(disabled);
        self.items(path, items, off);
    }

    fn not_built(&mut self, path: &str, at: Position) {
        let block = path.rsplit_once('.').map_or(path, |_| path.split('.').next().unwrap_or(path));
        match self.coming.iter_mut().find(|(known, ..)| known == block) {
            Some((.., keys)) => keys.push(path.to_owned()),
            None => self.coming.push((block.to_owned(), at, vec![path.to_owned()])),
        }
    }

    fn unknown(&mut self, path: &str, at: Position) {
        // Whoever has this many does not read hints, and each costs a look at every key.
        const HINTS: usize = 100;
        let hint = self.reading.errors.len() < HINTS;
        let nearest = if hint { nearest_key(path).map(ToOwned::to_owned) } else { None };
        let key = path.to_owned();
        self.reading.errors.push(ConfigError::UnknownKey { origin: self.origin(at), key, nearest });
    }

    fn finish(mut self) -> Reading {
        for (_, at, keys) in std::mem::take(&mut self.coming) {
            let origin = self.origin(at);
            self.reading.errors.push(ConfigError::NotBuilt { origin, keys });
        }
        self.reading
    }
}
