//! Definitions of services and checks in files: what `service`, `services`, `check` and `checks` hold.
//!
//! The keys are Consul's, with two of our own (`depends_on`, `strategy`). A block is read against a table of its keys
//! ([`keys::KEYS`](keys)), part by part ([`part::Part`](part)), then held to the rules of the whole, which are those of the
//! definition itself (`validate`) and those that only files have. Everything that is wrong with a block is told at once,
//! each fault with its place and the name of the service or the check. What definitions demand of each other (no id
//! twice) and of the options (programs must be allowed) are rules over the whole configuration.
//!
//! What a definition means when nothing is said is not decided here: a definition holds what was said, and its reader
//! takes the default, so that a reload compares what was said.

mod check;
mod keys;
mod page;
mod part;
mod proxy;
mod service;
mod service_parts;

use konsul_types::{CheckDefinition, CheckKind, Namespace, ServiceDefinition};
use serde::{Serialize, Serializer};
use serde_json::Value as Json;

use crate::error::{ConfigError, Origin};
use crate::files::read_text;
use crate::kind::{Kind, OptionValue, describe};
use crate::reading::Reading;
use crate::refusal::{Refusal, Refusals};
use crate::syntax::{Format, Node, Position, Value};

pub use page::definitions_page;

/// A definition, and where it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// What was defined.
    pub definition: T,
    /// Where its block begins.
    pub origin: Origin,
    /// Where the blocks of its checks begin, for a service.
    checks: Vec<Origin>,
}

impl Placed<ServiceDefinition> {
    /// Its checks, each with the id that it gets and the place where it was given.
    pub fn checks(&self) -> impl Iterator<Item = (String, &CheckDefinition, &Origin)> {
        let service = &self.definition;
        let count = service.checks.len();
        let each = service.checks.iter().zip(&self.checks).enumerate();
        each.map(move |(at, (check, origin))| (check.id_in(Some(&service.id), at + 1, count), check, origin))
    }
}

/// A kind of definition: how it is read, shown and called.
trait Definition: Sized {
    fn read(node: &Node) -> Result<(Self, Vec<Position>), Refusals>;
    fn title(node: &Node) -> String;
    fn show(&self, hide: bool) -> Json;
    /// Its name among the definitions of the schema.
    const NAME: &'static str;
}

/// What the definitions may hold, by the names under which the schema of a file refers to them.
pub(crate) fn schemas() -> Json {
    serde_json::json!({ "service": service::schema(), "check": check::schema() })
}

impl Definition for ServiceDefinition {
    fn read(node: &Node) -> Result<(Self, Vec<Position>), Refusals> {
        service::read(node)
    }

    fn title(node: &Node) -> String {
        service::title(node)
    }

    fn show(&self, hide: bool) -> Json {
        service::show(self, hide)
    }

    const NAME: &'static str = "service";
}

impl Definition for CheckDefinition {
    fn read(node: &Node) -> Result<(Self, Vec<Position>), Refusals> {
        check::read(node, false).map(|check| (check, Vec::new()))
    }

    fn title(node: &Node) -> String {
        check::title(node)
    }

    fn show(&self, hide: bool) -> Json {
        check::show(self, hide)
    }

    const NAME: &'static str = "check";
}

/// Reads one block or a list of them.
fn read_all<T: Definition>(value: &Value, origin: &Origin) -> Result<Vec<Placed<T>>, Refusals> {
    let nodes: Vec<Node> = match value {
        Value::List(nodes) => nodes.clone(),
        Value::Object(_) => vec![Node { value: value.clone(), at: place(origin) }],
        other => return Err(vec![Refusal::from(format!("expected blocks, found {}", describe(other)))]),
    };
    let mut found = Vec::new();
    let mut faults = Refusals::new();
    for node in &nodes {
        match read_one(node, origin) {
            Ok(definition) => found.push(definition),
            Err(more) => faults.extend(more),
        }
    }
    if faults.is_empty() { Ok(found) } else { Err(faults) }
}

fn read_one<T: Definition>(node: &Node, origin: &Origin) -> Result<Placed<T>, Refusals> {
    if !matches!(node.value, Value::Object(_)) {
        return Err(vec![Refusal::at(node.at, format!("expected a block, found {}", describe(&node.value)))]);
    }
    let placed = |at: Position| origin.clone().at(Some(at));
    let (definition, checks) = T::read(node).map_err(|faults| named::<T>(node, faults))?;
    Ok(Placed { definition, origin: placed(node.at), checks: checks.into_iter().map(placed).collect() })
}

/// Faults with the name of what they are in.
fn named<T: Definition>(node: &Node, faults: Refusals) -> Refusals {
    let of = T::title(node);
    faults.into_iter().map(|fault| Refusal { of: of.clone(), ..fault.or_at(node.at) }).collect()
}

/// Where a block begins that has no place of its own: at its key.
fn place(origin: &Origin) -> Position {
    match origin {
        Origin::File { at, .. } => *at,
        _ => Position { line: 1, column: 1 },
    }
}

impl<T: Definition> OptionValue for Vec<Placed<T>> {
    const KIND: Kind = Kind::Blocks;

    fn read(value: &Value) -> Result<Self, String> {
        let why =
            |faults: Refusals| faults.into_iter().map(|fault| fault.reason).collect::<Vec<_>>().join("; ");
        read_all(value, &Origin::Default).map_err(why)
    }

    fn read_placed(value: &Value, origin: &Origin) -> Result<Self, Refusals> {
        read_all(value, origin)
    }

    fn to_json(&self) -> Json {
        self.iter().map(|placed| placed.definition.show(false)).collect()
    }

    fn to_json_hidden(&self) -> Json {
        self.iter().map(|placed| placed.definition.show(true)).collect()
    }

    fn merge(&mut self, later: Self) {
        self.extend(later);
    }

    fn block_schema() -> Json {
        serde_json::json!({ "$ref": format!("#/$defs/{}", T::NAME) })
    }
}

impl<T: Definition> Serialize for Placed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.definition.show(true).serialize(serializer)
    }
}

/// The services and checks of one text, for whoever registers them without starting an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Definitions {
    /// The services, in the order of the text.
    pub services: Vec<Placed<ServiceDefinition>>,
    /// The checks outside of services, in the order of the text.
    pub checks: Vec<Placed<CheckDefinition>>,
}

impl Definitions {
    /// Reads a text that defines services and checks and nothing else; `name` decides the language by its ending, and is
    /// what errors call it.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the text; never an empty list.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, Vec<ConfigError>> {
        let Reading { settings, errors, .. } =
            read_text(name, Format::of_name(name).unwrap_or(Format::Hcl), bytes);
        let mut found = Self::default();
        let mut errors = errors;
        for setting in settings {
            let (key, origin) = (setting.option.key, &setting.origin);
            let read = match key {
                "services" => read_all(&setting.value, origin).map(|more| found.services.extend(more)),
                "checks" => read_all(&setting.value, origin).map(|more| found.checks.extend(more)),
                _ => Err(vec![Refusal::from("expected services and checks, and nothing else".to_owned())]),
            };
            if let Err(faults) = read {
                errors.extend(faults.into_iter().map(|fault| fault.into_error(key, origin)));
            }
        }
        errors.extend(twice(&found.services, &found.checks));
        crate::load::in_reading_order(&mut errors);
        if errors.is_empty() { Ok(found) } else { Err(errors) }
    }

    /// The definitions as JSON writes them, secrets included, in the form that [`Definitions::read`] reads.
    #[must_use]
    pub fn to_json(&self) -> Json {
        serde_json::json!({ "services": self.services.to_json(), "checks": self.checks.to_json() })
    }
}

/// Ids that two definitions have, each with both places. Ids of services are unique within their namespace, and so are
/// those of checks.
pub(crate) fn twice(
    services: &[Placed<ServiceDefinition>],
    checks: &[Placed<CheckDefinition>],
) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    let of_services = services.iter().map(|placed| {
        let of = &placed.definition;
        ((of.namespace.clone(), of.id.to_string()), &placed.origin)
    });
    clashes("service", of_services, &mut errors);
    let inside = services.iter().flat_map(|placed| {
        placed.checks().map(|(id, _, origin)| ((placed.definition.namespace.clone(), id), origin))
    });
    let outside = checks.iter().map(|placed| {
        let of = &placed.definition;
        let namespace = of.namespace.clone().unwrap_or_else(Namespace::default_namespace);
        ((namespace, of.id_in(None, 1, 1)), &placed.origin)
    });
    clashes("check", inside.chain(outside), &mut errors);
    errors
}

fn clashes<'p>(
    what: &str,
    ids: impl Iterator<Item = ((Namespace, String), &'p Origin)>,
    errors: &mut Vec<ConfigError>,
) {
    let mut seen = std::collections::BTreeMap::new();
    for ((namespace, id), origin) in ids {
        let reason = |first: &Origin| {
            let place =
                if namespace.is_default() { String::new() } else { format!(" in namespace {namespace}") };
            format!("the id is taken{place}: it is defined at {first} too; give one of them another `id`")
        };
        match seen.get(&(namespace.clone(), id.clone())) {
            Some(first) => errors.push(ConfigError::BadDefinition {
                origin: origin.clone(),
                definition: format!("{what} {:?}", crate::kind::cut(&id)),
                reason: reason(first),
            }),
            None => {
                seen.insert((namespace, id), origin.clone());
            }
        }
    }
}

/// Every check of the configuration with its title and place.
pub(crate) fn all_checks<'c>(
    services: &'c [Placed<ServiceDefinition>],
    checks: &'c [Placed<CheckDefinition>],
) -> impl Iterator<Item = (String, &'c CheckDefinition, &'c Origin)> {
    let inside = services.iter().flat_map(Placed::checks);
    let outside =
        checks.iter().map(|placed| (placed.definition.id_in(None, 1, 1), &placed.definition, &placed.origin));
    inside.chain(outside)
}

/// What a check says it runs; only the first counts.
pub(crate) fn kinds_of(check: &CheckDefinition) -> Vec<CheckKind> {
    check::kinds(check)
}
