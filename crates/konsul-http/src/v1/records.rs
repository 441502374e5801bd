//! From what clients write directly into the catalogue to its records. The errors are texts, Consul's where it has some:
//! registering answers them with 500, a transaction in its list of failures.

use konsul_api::v1::definition::{TaggedAddress, Weights as WireWeights};
use konsul_api::v1::health::Definition;
use konsul_api::v1::session::Span;
use konsul_api::v1::{json, proxy, registration as wire};
use konsul_types::{
    Check, CheckAbout, CheckId, CheckStatus, CheckedService, GoDuration, Index, Locality, Namespace, Node,
    NodeId, NodeName, Proxy, Service, ServiceAddress, ServiceId, ServiceKind, ServiceName, Tags, Weights,
};
use std::collections::BTreeMap;

use konsul_types::node::{NODE_MAINTENANCE, SERF_HEALTH};

use super::read::body_namespace;

/// Whether an address means every interface, where nobody can be reached.
pub(crate) fn is_any(address: &str) -> bool {
    matches!(address, "0.0.0.0" | "::" | "[::]")
}

/// A node's id.
pub(crate) fn node_id(text: &str) -> Result<Option<NodeId>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() != 36 {
        return Err("Bad node ID: uuid string is wrong length".to_owned());
    }
    text.parse().map(Some).map_err(|_| "Bad node ID: uuid is improperly formatted".to_owned())
}

/// A node, as it is registered and as transactions write it.
pub(crate) struct NodeText<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) address: String,
    pub(crate) tagged_addresses: BTreeMap<String, String>,
    pub(crate) meta: BTreeMap<String, String>,
}

impl NodeText<'_> {
    /// The record.
    pub(crate) fn record(self) -> Result<Node, String> {
        if self.name.is_empty() {
            return Err("Must provide node".to_owned());
        }
        Ok(Node {
            id: node_id(self.id)?,
            name: NodeName::new(self.name).map_err(|why| format!("Invalid {why}"))?,
            address: self.address,
            tagged_addresses: self.tagged_addresses,
            meta: self.meta,
            create_index: Index::ZERO,
            modify_index: Index::ZERO,
        })
    }
}

/// An instance.
pub(crate) fn service(input: wire::Service, node: &NodeName, request: &Namespace) -> Result<Service, String> {
    if input.service.is_empty() {
        return Err("Must provide service name (Service.Service) when service ID is provided".to_owned());
    }
    if is_any(&input.address) {
        return Err("Invalid service address".to_owned());
    }
    let namespace = body_namespace(&input.namespace, &input.partition, request)?;
    let name = ServiceName::new(input.service.as_str()).map_err(|why| format!("Invalid {why}"))?;
    let id = if input.id.is_empty() { input.service } else { input.id };
    let id = ServiceId::new(id).map_err(|why| format!("Invalid {why}"))?;
    let (connect, locality) = (input.connect.unwrap_or_default(), input.locality);
    let service = Service {
        kind: kind(&input.kind)?,
        tags: input.tags.into_iter().collect::<Tags>(),
        address: input.address.into(),
        port: port(input.port, "Port")?,
        socket_path: input.socket_path.into(),
        tagged_addresses: tagged(input.tagged_addresses)?
            .into_iter()
            .map(|(kind, address)| (kind.into(), address))
            .collect(),
        meta: input.meta.into_iter().collect(),
        weights: weights(input.weights)?,
        enable_tag_override: input.enable_tag_override,
        connect_native: connect.native,
        proxy: proxy_of(input.proxy)?.map(Box::new),
        locality: locality
            .map(|place| Box::new(Locality { region: place.region.into(), zone: place.zone.into() })),
        ..Service::new(node.clone(), namespace, id, name)
    };
    let target = service.proxy.as_ref().map_or("", |proxy| proxy.destination_service.as_str());
    if service.kind == ServiceKind::ConnectProxy && target.is_empty() {
        return Err("Proxy.DestinationServiceName must be non-empty for Connect proxy services".to_owned());
    }
    Ok(service)
}

pub(crate) fn kind(name: &str) -> Result<ServiceKind, String> {
    ServiceKind::of_name(name).ok_or_else(|| {
        let known: Vec<&str> =
            ServiceKind::ALL.iter().map(|kind| kind.name()).filter(|name| !name.is_empty()).collect();
        format!("Invalid service kind {name:?}: must be empty or one of {}", known.join(", "))
    })
}

pub(crate) fn port(number: i64, what: &str) -> Result<u16, String> {
    u16::try_from(number).map_err(|_| format!("Invalid {what} {number}: must be from 0 to 65535"))
}

/// Further addresses, by kind.
pub(crate) fn tagged(
    addresses: BTreeMap<String, TaggedAddress>,
) -> Result<Vec<(String, ServiceAddress)>, String> {
    let one = |(kind, one): (String, TaggedAddress)| {
        let port = port(one.port, "Port of a tagged address")?;
        Ok((kind, ServiceAddress { address: one.address.into(), port }))
    };
    addresses.into_iter().map(one).collect()
}

/// Weights as Consul checks them, but that no weight at all for who passes is one.
pub(crate) fn weights(weights: Option<WireWeights>) -> Result<Weights, String> {
    let Some(WireWeights { passing, warning }) = weights else {
        return Ok(Weights::default());
    };
    let number = |weight: i64| u16::try_from(weight).ok();
    match (number(passing), number(warning)) {
        (Some(passing), Some(warning)) => Ok(Weights { passing: passing.max(1), warning }),
        _ => Err("Invalid Weights: DNS Weight must be between 0 and 65535".to_owned()),
    }
}

pub(crate) fn proxy_of(input: Option<proxy::Proxy>) -> Result<Option<Proxy>, String> {
    let Some(input) = input.filter(|input| !input.is_empty()) else {
        return Ok(None);
    };
    let local_port = port(input.local_service_port, "Proxy.LocalServicePort")?;
    let rest = input.rest();
    Ok(Some(Proxy {
        destination_service: input.destination_service_name.into(),
        destination_id: input.destination_service_id.into(),
        local_address: input.local_service_address.into(),
        local_port,
        rest,
    }))
}

/// How a check stands; critical where nothing is said.
pub(crate) fn status(word: &str) -> Result<CheckStatus, String> {
    match word {
        "" => Ok(CheckStatus::Critical),
        word => CheckStatus::of_name(word)
            .ok_or_else(|| format!("Invalid check status: '{word}', must be passing, warning or critical")),
    }
}

/// A check on a node.
pub(crate) fn check(input: wire::Check, node: &NodeName, request: &Namespace) -> Result<Check, String> {
    let id = if input.check_id.is_empty() { &input.name } else { &input.check_id };
    let id = CheckId::new(id.as_str()).map_err(|why| format!("Invalid {why}"))?;
    let namespace = check_namespace(&input, &id, request)?;
    let about = about(&input)?;
    Ok(Check {
        namespace,
        name: input.name.into(),
        notes: input.notes.into(),
        output: input.output.into(),
        service: checked(&input.service_id, &input.service_name)?,
        about: (about != CheckAbout::default()).then(|| Box::new(about)),
        ..Check::new(node.clone(), id, status(&input.status)?)
    })
}

/// A check of the node itself is of the default namespace, whichever the request is of.
fn check_namespace(input: &wire::Check, id: &CheckId, request: &Namespace) -> Result<Namespace, String> {
    let of_node = input.service_id.is_empty() || matches!(id.as_str(), SERF_HEALTH | NODE_MAINTENANCE);
    let named = body_namespace(&input.namespace, &input.partition, request)?;
    Ok(if of_node { Namespace::default_namespace() } else { named })
}

/// The state knows name and tags of the instance better, and takes only its id.
fn checked(id: &str, name: &str) -> Result<Option<CheckedService>, String> {
    if id.is_empty() {
        return Ok(None);
    }
    let invalid = |why: konsul_types::NameError| format!("Invalid {why}");
    let name = ServiceName::new(if name.is_empty() { id } else { name }).map_err(invalid)?;
    Ok(Some(CheckedService { id: ServiceId::new(id).map_err(invalid)?, name, tags: Tags::default() }))
}

fn about(input: &wire::Check) -> Result<CheckAbout, String> {
    Ok(CheckAbout {
        kind: input.kind.as_str().into(),
        interval: input.interval.as_str().into(),
        timeout: input.timeout.as_str().into(),
        exposed_port: port(input.exposed_port, "ExposedPort")?,
        definition: definition(&input.definition)?,
    })
}

/// What a check runs, as the catalogue keeps it: JSON without what is zero; empty for nothing.
fn definition(input: &Definition) -> Result<String, String> {
    let mut shown = input.clone();
    for (span, older) in [
        (&mut shown.interval, &input.interval_duration),
        (&mut shown.timeout, &input.timeout_duration),
        (&mut shown.deregister_critical_service_after, &input.deregister_critical_service_after_duration),
    ] {
        let nanos = match nanos(span)? {
            0 => nanos(older)?,
            nanos => nanos,
        };
        *span = if nanos == 0 { Span::default() } else { Span::Text(GoDuration(nanos).to_string()) };
    }
    shown.ttl = Span::Nanos(nanos(&shown.ttl)? as f64);
    let json = json::to_vec(&shown).map_err(|why| why.to_string())?;
    let text = String::from_utf8(json).map_err(|why| why.to_string())?;
    Ok(if text == "{}" { String::new() } else { text })
}

/// A duration in nanoseconds; no text is none.
pub(crate) fn nanos(span: &Span) -> Result<i64, String> {
    match span {
        Span::Text(text) if text.is_empty() => Ok(0),
        Span::Text(text) => text.parse::<GoDuration>().map(|span| span.0).map_err(|why| why.to_string()),
        // Go cuts the same way; what does not fit stops at the largest.
        Span::Nanos(nanos) => Ok(*nanos as i64),
    }
}

#[cfg(test)]
mod tests {
    use konsul_api::v1::decode::{Unknown, from_slice};

    use super::*;

    fn node() -> NodeName {
        NodeName::new("n").unwrap()
    }

    fn of_service(body: &str) -> Result<Service, String> {
        let input = from_slice(body.as_bytes(), Unknown::Skip).unwrap();
        service(input, &node(), &Namespace::default_namespace())
    }

    fn of_check(body: &str) -> Result<Check, String> {
        let input = from_slice(body.as_bytes(), Unknown::Skip).unwrap();
        check(input, &node(), &Namespace::new("team").unwrap())
    }

    #[test]
    fn an_instance_has_its_names_and_rules() {
        let web = of_service(r#"{"Service":"web","Weights":{"Passing":0,"Warning":3}}"#).unwrap();
        assert_eq!(
            (web.id.as_str(), web.name.as_str(), web.weights),
            ("web", "web", Weights { passing: 1, warning: 3 })
        );
        for (body, why) in [
            (r#"{"ID":"x"}"#, "Must provide service name (Service.Service) when service ID is provided"),
            (r#"{"Service":"x","Address":"0.0.0.0"}"#, "Invalid service address"),
            (r#"{"Service":"x","Port":70000}"#, "Invalid Port 70000: must be from 0 to 65535"),
            (
                r#"{"Service":"x","Weights":{"Passing":-1}}"#,
                "Invalid Weights: DNS Weight must be between 0 and 65535",
            ),
            (
                r#"{"Service":"x","Kind":"connect-proxy"}"#,
                "Proxy.DestinationServiceName must be non-empty for Connect proxy services",
            ),
        ] {
            assert_eq!(of_service(body).unwrap_err(), why);
        }
        assert!(
            of_service(r#"{"Service":"x","Kind":"y"}"#)
                .unwrap_err()
                .starts_with("Invalid service kind \"y\"")
        );
    }

    #[test]
    fn a_check_keeps_what_it_runs() {
        let check = of_check(
            r#"{"Name":"c","Status":"passing","ServiceID":"w","Type":"http","Interval":"10s",
            "Definition":{"HTTP":"http://x","IntervalDuration":10000000000,"Timeout":"1m","TTL":"15s"}}"#,
        )
        .unwrap();
        assert_eq!((check.id.as_str(), check.namespace.as_str()), ("c", "team"));
        let about = check.about.unwrap();
        assert_eq!((about.kind.as_str(), about.interval.as_str()), ("http", "10s"));
        assert_eq!(
            about.definition,
            r#"{"Interval":"10s","Timeout":"1m0s","HTTP":"http://x","TTL":15000000000}"#
        );
    }

    #[test]
    fn a_check_of_the_node_is_of_no_other_namespace() {
        let check = of_check(r#"{"CheckID":"serfHealth"}"#).unwrap();
        assert!(check.namespace.is_default() && check.about.is_none() && check.service.is_none());
        assert_eq!(check.status, CheckStatus::Critical);
        assert!(
            of_check(r#"{"CheckID":"a","Status":"bad"}"#)
                .unwrap_err()
                .starts_with("Invalid check status: 'bad'")
        );
        assert!(of_check("{}").is_err());
    }

    #[test]
    fn node_ids_are_uuids() {
        assert_eq!(node_id(""), Ok(None));
        assert_eq!(node_id("x").unwrap_err(), "Bad node ID: uuid string is wrong length");
        assert_eq!(node_id(&"x".repeat(36)).unwrap_err(), "Bad node ID: uuid is improperly formatted");
        assert!(node_id("40e4a748-2192-161a-0510-9bf59fe950b5").unwrap().is_some());
    }
}
