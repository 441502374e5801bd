//! The blocks of a service, each with its keys.

use konsul_types::service::STRATEGIES;
use konsul_types::{Dependency, Locality, ServiceAddress, ServiceName, Weights};
use serde_json::{Map, Value as Json, json};

use super::keys::{Key, empty_key, items, key, read_block, schema_of_block, show_block};
use super::part::{Part, placed};
use crate::kind::{cut, describe, text};
use crate::refusal::{Refusal, Refusals};
use crate::syntax::{Node, Value};

/// Consul's bounds stand in the definition's own rules; here is only what a number can be.
impl Part for Weights {
    const SHAPE: &'static str = "block of `passing` and `warning`";

    fn read(node: &Node, path: &str) -> Result<Self, Refusals> {
        let mut weights = Weights::default();
        read_block(WEIGHTS, node, &format!("{path}."), &mut weights)?;
        Ok(weights)
    }

    fn show(&self) -> Option<Json> {
        (*self != Weights::default()).then(|| json!({ "passing": self.passing, "warning": self.warning }))
    }

    fn schema() -> Json {
        schema_of_block(WEIGHTS)
    }
}

static WEIGHTS: &[Key<Weights>] = &[
    key!(Weights, passing, "The weight while all its checks pass, from 1. Default: 1."),
    key!(Weights, warning, "The weight while one of them warns. Default: 1."),
];

/// Where something stands; the region may be left out only with the zone.
#[derive(Default)]
pub(super) struct Place {
    region: String,
    zone: String,
}

static PLACE: &[Key<Place>] =
    &[key!(Place, region, "The region."), key!(Place, zone, "The zone within the region.")];

impl Part for Option<Locality> {
    const SHAPE: &'static str = "block of `region` and `zone`";

    fn read(node: &Node, path: &str) -> Result<Self, Refusals> {
        let mut place = Place::default();
        read_block(PLACE, node, &format!("{path}."), &mut place)?;
        if place.region.is_empty() && !place.zone.is_empty() {
            return Err(vec![Refusal::at(node.at, format!("`{path}`: a zone needs its `region`"))]);
        }
        let given = !place.region.is_empty();
        Ok(given.then(|| Locality { region: place.region.into(), zone: place.zone.into() }))
    }

    fn show(&self) -> Option<Json> {
        let locality = self.as_ref()?;
        let place = Place { region: locality.region.to_string(), zone: locality.zone.to_string() };
        Some(Json::Object(show_block(PLACE, &place, false)))
    }

    fn schema() -> Json {
        schema_of_block(PLACE)
    }
}

/// The part of an instance in the mesh.
#[derive(Default)]
pub(super) struct Connect {
    pub(super) native: bool,
}

static CONNECT: &[Key<Connect>] = &[
    key!(Connect, native, "Says that it speaks the mesh's protocol itself. Default: `false`."),
    empty_key!(Connect, "sidecar_service", Sidecar, "Refused: it comes with the mesh."),
];

impl Part for Connect {
    const SHAPE: &'static str = "block of `native`";

    fn read(node: &Node, path: &str) -> Result<Self, Refusals> {
        let mut connect = Connect::default();
        read_block(CONNECT, node, &format!("{path}."), &mut connect)?;
        Ok(connect)
    }

    fn show(&self) -> Option<Json> {
        self.native.then(|| json!({ "native": true }))
    }

    fn schema() -> Json {
        schema_of_block(CONNECT)
    }
}

/// A proxy that would be registered beside an instance. An empty block asks for one too.
struct Sidecar;

impl Part for Sidecar {
    const SHAPE: &'static str = "block";

    fn read(node: &Node, path: &str) -> Result<Self, Refusals> {
        let why = "known to Consul, not built yet in Konsul: it comes with the mesh; leave it out";
        placed(node, path, Err(why))
    }

    fn show(&self) -> Option<Json> {
        None
    }

    fn schema() -> Json {
        json!({ "not": {} })
    }
}

/// Further addresses, by kind.
#[derive(Default)]
pub(super) struct TaggedAddresses(pub(super) Vec<(String, ServiceAddress)>);

#[derive(Default)]
struct Address {
    address: String,
    port: u16,
}

static ADDRESS: &[Key<Address>] =
    &[key!(Address, address, "Host or IP address."), key!(Address, port, "Port. Default: 0, for none.")];

impl Part for TaggedAddresses {
    const SHAPE: &'static str = "blocks of `address` and `port`, by kind";

    fn read(node: &Node, path: &str) -> Result<Self, Refusals> {
        let mut found: Vec<(String, ServiceAddress)> = Vec::new();
        for item in items(node, path)?.into_iter().filter(|item| item.node.value != Value::Null) {
            let inner = format!("{path}.{}", cut(&item.key));
            let mut address = Address::default();
            read_block(ADDRESS, &item.node, &format!("{inner}."), &mut address)?;
            let twice = found.iter().any(|(kind, _)| *kind == item.key);
            if twice || item.key.is_empty() || address.address.is_empty() {
                let why = if twice { "stands here twice; leave one out" } else { "needs an `address`" };
                return Err(vec![Refusal::at(item.at, format!("`{inner}` {why}"))]);
            }
            found.push((
                item.key.clone(),
                ServiceAddress { address: address.address.into(), port: address.port },
            ));
        }
        found.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(Self(found))
    }

    fn show(&self) -> Option<Json> {
        let shown: Map<String, Json> = self
            .0
            .iter()
            .map(|(kind, of)| {
                let address = Address { address: of.address.to_string(), port: of.port };
                (kind.clone(), Json::Object(show_block(ADDRESS, &address, false)))
            })
            .collect();
        (!shown.is_empty()).then_some(Json::Object(shown))
    }

    fn schema() -> Json {
        json!({ "type": "object", "additionalProperties": schema_of_block(ADDRESS) })
    }
}

/// The services that it needs.
#[derive(Default)]
pub(super) struct DependsOn(pub(super) Vec<Dependency>);

struct Need {
    service: Option<ServiceName>,
    required: bool,
}

static NEED: &[Key<Need>] = &[
    key!(Need, service, "The service that is needed."),
    key!(Need, required, "Whether nothing works without it. Default: `true`."),
];

impl DependsOn {
    fn one(node: &Node, path: &str) -> Result<Dependency, Refusals> {
        let mut need = Need { service: None, required: true };
        match &node.value {
            Value::Text(_) => need.service = Part::read(node, path)?,
            Value::Object(_) => read_block(NEED, node, &format!("{path}."), &mut need)?,
            other => {
                let why = format!("expected a name in quotes, or a block, found {}", describe(other));
                return placed(node, path, Err(why));
            }
        }
        let named = need.service.ok_or("a dependency needs the name of a `service`");
        Ok(Dependency { service: placed(node, path, named)?, required: need.required })
    }
}

impl Part for DependsOn {
    const SHAPE: &'static str = "list of names, or of blocks of `service` and `required`";

    fn read(node: &Node, path: &str) -> Result<Self, Refusals> {
        let nodes: Vec<&Node> = match &node.value {
            Value::List(nodes) => nodes.iter().collect(),
            _ => vec![node],
        };
        nodes.into_iter().map(|node| Self::one(node, path)).collect::<Result<_, _>>().map(Self)
    }

    fn show(&self) -> Option<Json> {
        let one = |need: &Dependency| match need.required {
            true => json!(need.service.as_str()),
            false => json!({ "service": need.service.as_str(), "required": false }),
        };
        let shown: Vec<Json> = self.0.iter().map(one).collect();
        (!shown.is_empty()).then_some(Json::Array(shown))
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": { "anyOf": [{ "type": "string" }, schema_of_block(NEED)] } })
    }

    fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

/// How callers should choose, unless they say otherwise.
#[derive(Default)]
pub(super) struct Strategy(pub(super) String);

impl Part for Strategy {
    const SHAPE: &'static str = "word";

    fn read(node: &Node, path: &str) -> Result<Self, Refusals> {
        let word = placed(node, path, text("a word in quotes", &node.value))?;
        if word.is_empty() || STRATEGIES.contains(&word) {
            return Ok(Self(word.to_owned()));
        }
        placed(node, path, Err(format!("expected one of {}, found {:?}", STRATEGIES.join(", "), cut(word))))
    }

    fn show(&self) -> Option<Json> {
        self.0.show()
    }

    fn schema() -> Json {
        json!({ "enum": STRATEGIES })
    }
}
