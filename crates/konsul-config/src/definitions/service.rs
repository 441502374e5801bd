//! Services: the keys of a `service` block, and what makes one whole.

use konsul_types::{
    Advice, Locality, Namespace, Pairs, Proxy, ServiceDefinition, ServiceId, ServiceKind, ServiceName, Tags,
    Weights,
};
use serde_json::Value as Json;

use super::check::{self, Checks};
use super::keys::{Key, empty_key, key, read_block, schema_of_block, show_block};
use super::part::{Coming, NoToken, OnePartition};
use super::service_parts::{Connect, DependsOn, Strategy, TaggedAddresses};
use crate::kind::cut;
use crate::reading::block;
use crate::refusal::{Refusal, Refusals};
use crate::syntax::{Node, Position, Value};

/// What a block says, before it is known to be whole.
#[derive(Default)]
pub(crate) struct Draft {
    id: Option<ServiceId>,
    name: Option<ServiceName>,
    namespace: Option<Namespace>,
    kind: ServiceKind,
    tags: Tags,
    address: String,
    port: u16,
    socket_path: String,
    tagged_addresses: TaggedAddresses,
    meta: Pairs,
    weights: Weights,
    enable_tag_override: bool,
    connect: Connect,
    proxy: Option<Proxy>,
    locality: Option<Locality>,
    depends_on: DependsOn,
    strategy: Strategy,
    checks: Checks,
}

/// The keys of a service.
pub(crate) static KEYS: &[Key<Draft>] = &[
    key!(Draft, name, "The service that this is an instance of. Needed."),
    key!(Draft, id, "The id of the instance, unique on the node. Default: the name."),
    key!(Draft, namespace, "The namespace that it belongs to. Default: `default`."),
    key!(Draft, tags, "Words by which its instances are told apart. Default: none."),
    key!(Draft, address, "Where it listens: host or IP address. Default: the address of the node."),
    key!(Draft, port, "Its port. Default: 0, for none."),
    key!(Draft, socket_path, "A unix socket, instead of address and port."),
    key!(Draft, tagged_addresses, "Further addresses, by kind, such as `lan` and `wan`."),
    key!(
        Draft,
        meta,
        "Free pairs: at most 64, keys of at most 128 letters, digits, `-` and `_`, values of at most 512 bytes."
    ),
    key!(Draft, weights, "How much of the traffic it should get. Default: 1 and 1."),
    key!(Draft, enable_tag_override, "Lets others change its tags in the catalogue. Default: `false`."),
    key!(Draft, "check", checks, "A check of the instance. May be given several times.").repeats(),
    key!(Draft, checks, "Checks of the instance. May be given several times.").repeats(),
    key!(
        Draft,
        depends_on,
        "Konsul's own: the services that it needs, each required unless it says otherwise."
    )
    .repeats(),
    key!(Draft, strategy, "Konsul's own: how callers should choose among its instances. Default: at random."),
    key!(Draft, locality, "Where it stands. Default: where the node stands."),
    key!(
        Draft,
        kind,
        "Empty, `connect-proxy`, `mesh-gateway`, `terminating-gateway`, `ingress-gateway` or `api-gateway`. Default: empty."
    ),
    key!(Draft, proxy, "What a proxy stands for, see below."),
    key!(
        Draft,
        connect,
        "Its part in the mesh: `native`. The block `sidecar_service` is refused: it comes with the mesh."
    ),
    empty_key!(Draft, "partition", OnePartition, "Only `default`."),
    empty_key!(Draft, "token", NoToken, "Refused unless empty, until there is access control."),
    empty_key!(Draft, "ports", Coming, "Refused: several named ports are not built yet."),
];

/// A service, and where its checks stand.
pub(super) type Read = (ServiceDefinition, Vec<Position>);

/// Reads a service.
pub(super) fn read(node: &Node) -> Result<Read, Refusals> {
    let mut draft = Draft::default();
    read_block(KEYS, node, "", &mut draft)?;
    draft.finish(node.at)
}

/// How a service is called in a message before it is known to be whole.
pub(super) fn title(node: &Node) -> String {
    let items = block(&node.value).unwrap_or_default();
    let name = items.iter().find(|item| item.key.eq_ignore_ascii_case("name")).map(|item| &item.node.value);
    match name {
        Some(Value::Text(name)) if !name.is_empty() => format!("service {:?}", cut(name)),
        _ => "service".to_owned(),
    }
}

impl Draft {
    fn finish(self, at: Position) -> Result<Read, Refusals> {
        let Some(name) = self.name else {
            return Err(vec![Refusal::at(at, "Missing service name: expected a `name`")]);
        };
        let id = match self.id {
            Some(id) => id,
            None => ServiceId::new(name.as_str()).map_err(|why| vec![Refusal::at(at, why.to_string())])?,
        };
        let advice = Advice { depends_on: self.depends_on.0, strategy: self.strategy.0.into() };
        let (checks, places): (Vec<_>, Vec<_>) = self.checks.0.into_iter().unzip();
        let mut service = ServiceDefinition {
            id,
            name,
            namespace: self.namespace.unwrap_or_else(Namespace::default_namespace),
            kind: self.kind,
            tags: self.tags,
            address: self.address,
            port: self.port,
            socket_path: self.socket_path,
            tagged_addresses: self.tagged_addresses.0,
            meta: self.meta,
            weights: self.weights,
            enable_tag_override: self.enable_tag_override,
            connect_native: self.connect.native,
            proxy: self.proxy,
            locality: self.locality,
            advice: (advice != Advice::default()).then_some(advice),
            checks,
        };
        let mut faults: Refusals = of_the_whole(&service).map(|why| Refusal::at(at, why)).collect();
        faults.extend(own_checks(&mut service, &places));
        if faults.is_empty() { Ok((service, places)) } else { Err(faults) }
    }

    fn of(service: &ServiceDefinition) -> Self {
        let advice = service.advice.clone().unwrap_or_default();
        let own_id = service.id.as_str() != service.name.as_str();
        let at = Position { line: 1, column: 1 };
        Self {
            id: own_id.then(|| service.id.clone()),
            name: Some(service.name.clone()),
            namespace: Some(service.namespace.clone()),
            kind: service.kind,
            tags: service.tags.clone(),
            address: service.address.clone(),
            port: service.port,
            socket_path: service.socket_path.clone(),
            tagged_addresses: TaggedAddresses(service.tagged_addresses.clone()),
            meta: service.meta.clone(),
            weights: service.weights,
            enable_tag_override: service.enable_tag_override,
            connect: Connect { native: service.connect_native },
            proxy: service.proxy.clone(),
            locality: service.locality.clone(),
            depends_on: DependsOn(advice.depends_on),
            strategy: Strategy(advice.strategy.to_string()),
            checks: Checks(service.checks.iter().map(|check| (check.clone(), at)).collect()),
        }
    }
}

fn of_the_whole(service: &ServiceDefinition) -> impl Iterator<Item = String> {
    let mut faults = service.validate().err().unwrap_or_default();
    let needs = service.advice.iter().flat_map(|advice| &advice.depends_on);
    let mut seen: Vec<ServiceName> = vec![service.name.folded()];
    for need in needs {
        let name = need.service.folded();
        if name == seen[0] {
            faults.push("`depends_on`: a service cannot need itself".to_owned());
        } else if seen.contains(&name) {
            faults.push(format!("`depends_on`: {:?} stands there twice", cut(name.as_str())));
        }
        seen.push(name);
    }
    faults.into_iter()
}

/// The checks belong to the service around them, whatever they say; what says otherwise is a slip.
fn own_checks(service: &mut ServiceDefinition, places: &[Position]) -> Refusals {
    let mut faults = Refusals::new();
    for (check, at) in service.checks.iter_mut().zip(places) {
        let other = check.service.take().filter(|id| *id != service.id);
        if let Some(id) = other {
            let reason = format!(
                "`service_id`: a check in a service is of that service, {:?}, and not of {:?}",
                service.id.as_str(),
                id.as_str()
            );
            faults.push(Refusal::at(*at, reason));
        }
        if check.namespace.take().is_some_and(|namespace| namespace != service.namespace) {
            faults.push(Refusal::at(
                *at,
                "`namespace`: a check in a service is in the namespace of that service",
            ));
        }
    }
    faults
}

/// The service as a file would have it.
pub(super) fn show(service: &ServiceDefinition, hide: bool) -> Json {
    let mut block = show_block(KEYS, &Draft::of(service), hide);
    // They stand under one of the two keys, with their own secrets hidden.
    block.remove("check");
    if !service.checks.is_empty() {
        let checks = service.checks.iter().map(|check| check::show(check, hide)).collect();
        block.insert("checks".to_owned(), Json::Array(checks));
    }
    Json::Object(block)
}

pub(super) fn schema() -> Json {
    let mut schema = schema_of_block(KEYS);
    schema["required"] = serde_json::json!(["name"]);
    schema
}
