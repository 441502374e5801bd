//! [`Key`]: everything there is to know about one key of a block in a definition. From a table of them come the reader, with
//! its hints, the writer, the JSON Schema and the page of the book.
//!
//! A key is read without regard to case, and also without its underscores, so that the names of Consul's API
//! (`EnableTagOverride`, `TLSSkipVerify`) and the older spellings of its files (`scriptargs`) are the same keys.

use serde_json::{Map, Value as Json, json};

use super::part::Part;
use crate::kind::{cut, describe, hidden};
use crate::nearest::nearest;
use crate::reading::block;
use crate::refusal::{Refusal, Refusals};
use crate::syntax::{Item, Node, Position, Value};

/// One key of the blocks that a `D` is made from.
pub(crate) struct Key<D: 'static> {
    /// Its name, in small letters with underscores.
    pub(crate) name: &'static str,
    /// Other names.
    pub(crate) also: &'static [&'static str],
    /// What it is for, in one sentence with its default.
    pub(crate) doc: &'static str,
    /// The type of its value, as a reader of the book sees it.
    pub(crate) shape: &'static str,
    /// Whether it may stand several times in one block; the values are joined.
    pub(crate) repeats: bool,
    /// Whether its value may hold a secret, and is shown to nobody.
    pub(crate) secret: bool,
    pub(crate) schema: fn() -> Json,
    pub(crate) take: fn(&mut D, &Node, &str) -> Result<(), Refusals>,
    /// The value as a file would have it; `None` where a file need not say it.
    pub(crate) show: fn(&D) -> Option<Json>,
}

impl<D> Key<D> {
    pub(crate) const fn also(mut self, names: &'static [&'static str]) -> Self {
        self.also = names;
        self
    }

    pub(crate) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    pub(crate) const fn repeats(mut self) -> Self {
        self.repeats = true;
        self
    }

    /// Whether `folded`, a key in small letters, is this one.
    fn is(&self, folded: &str) -> bool {
        std::iter::once(&self.name).chain(self.also).any(|name| same(name, folded))
    }
}

/// Whether a key in small letters means this name.
pub(super) fn same(name: &str, folded: &str) -> bool {
    name == folded || name.bytes().filter(|byte| *byte != b'_').eq(folded.bytes())
}

/// Declares a key that is a field.
macro_rules! key {
    ($draft:ty, $field:ident, $doc:literal) => {
        $crate::definitions::keys::key!($draft, stringify!($field), $field, $doc)
    };
    ($draft:ty, $name:expr, $field:ident, $doc:literal) => {
        $crate::definitions::keys::Key {
            name: $name,
            also: &[],
            doc: $doc,
            shape: $crate::definitions::keys::shape_of(|draft: &$draft| &draft.$field),
            repeats: false,
            secret: false,
            schema: $crate::definitions::keys::schema_of(|draft: &$draft| &draft.$field),
            take: |draft: &mut $draft, node, path| {
                let read = $crate::definitions::part::Part::read(node, path)?;
                $crate::definitions::part::Part::merge(&mut draft.$field, read);
                Ok(())
            },
            show: |draft| $crate::definitions::part::Part::show(&draft.$field),
        }
    };
}

pub(crate) use key;

/// Declares a key that keeps nothing: its value has to ask for nothing.
macro_rules! empty_key {
    ($draft:ty, $name:literal, $part:ty, $doc:literal) => {
        $crate::definitions::keys::Key::<$draft> {
            name: $name,
            also: &[],
            doc: $doc,
            shape: <$part as $crate::definitions::part::Part>::SHAPE,
            repeats: false,
            secret: false,
            schema: <$part as $crate::definitions::part::Part>::schema,
            take: |_, node, path| <$part as $crate::definitions::part::Part>::read(node, path).map(drop),
            show: |_| None,
        }
    };
}

pub(crate) use empty_key;

pub(crate) const fn shape_of<D, T: Part>(_field: fn(&D) -> &T) -> &'static str {
    T::SHAPE
}

pub(crate) const fn schema_of<D, T: Part>(_field: fn(&D) -> &T) -> fn() -> Json {
    T::schema
}

/// Reads a block into a draft. `path` is what errors put before its keys: empty, or ending in a dot.
pub(crate) fn read_block<D>(
    keys: &'static [Key<D>],
    node: &Node,
    path: &str,
    draft: &mut D,
) -> Result<(), Refusals> {
    let items = items(node, path)?;
    let mut faults = Refusals::new();
    let mut seen: Vec<(&str, Position)> = Vec::new();
    for item in items.into_iter().filter(|item| item.node.value != Value::Null) {
        let folded = item.key.to_ascii_lowercase();
        let Some(key) = keys.iter().find(|key| key.is(&folded)) else {
            faults.push(unknown(item, path, &folded, keys.iter().map(|key| key.name)));
            continue;
        };
        let first = seen.iter().find(|(name, _)| *name == key.name).map(|(_, at)| *at);
        if let (Some(first), false) = (first, key.repeats) {
            let reason = format!("`{path}{}` stands here before, at {first}; leave one out", key.name);
            faults.push(Refusal::at(item.at, reason));
            continue;
        }
        seen.push((key.name, item.at));
        if let Err(more) = (key.take)(draft, &item.node, &format!("{path}{}", key.name)) {
            faults.extend(more.into_iter().map(|fault| fault.or_at(item.at)));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// The items of a block.
pub(crate) fn items<'n>(node: &'n Node, path: &str) -> Result<Vec<&'n Item>, Refusals> {
    block(&node.value).ok_or_else(|| {
        let key = path.trim_end_matches('.');
        let subject = if key.is_empty() { String::new() } else { format!("`{key}`: ") };
        vec![Refusal::at(node.at, format!("{subject}expected a block, found {}", describe(&node.value)))]
    })
}

/// The refusal of a key that is none of these names.
pub(crate) fn unknown<'k>(
    item: &Item,
    path: &str,
    folded: &str,
    names: impl Iterator<Item = &'k str>,
) -> Refusal {
    let hint = match nearest(folded, names) {
        Some(name) => format!("; did you mean `{path}{name}`?"),
        // What HCL writes as `service "web" { … }` is a block in a block.
        None if path.is_empty() && matches!(item.node.value, Value::Object(_)) => {
            format!("; a block has no label here: put `name = {:?}` into it", cut(&item.key))
        }
        None => String::new(),
    };
    Refusal::at(item.at, format!("unknown key `{path}{}`{hint}", cut(&item.key)))
}

/// The block as a file would have it, with everything that may be secret hidden if `hide` says so.
pub(crate) fn show_block<D>(keys: &'static [Key<D>], draft: &D, hide: bool) -> Map<String, Json> {
    let shown = keys.iter().filter_map(|key| {
        let value = (key.show)(draft)?;
        Some((key.name.to_owned(), if hide && key.secret { hidden(value) } else { value }))
    });
    shown.collect()
}

/// What the block may hold, as JSON Schema says it. Only the names that the book uses are in it.
pub(crate) fn schema_of_block<D>(keys: &'static [Key<D>]) -> Json {
    let property = |key: &Key<D>| {
        let mut schema = (key.schema)();
        schema["description"] = json!(key.doc);
        (key.name.to_owned(), schema)
    };
    let properties: Map<String, Json> = keys.iter().map(property).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}
