//! Records of the catalogue as bodies of answers.

use std::collections::BTreeMap;

use konsul_api::v2::catalog::{self as body, Owner as ToldOwner, Status};
use konsul_api::v2::registration::{Dependency, Locality, TaggedAddress, Weights};
use konsul_api::v2::time::Timestamp;
use konsul_operations::answer::{CheckChange, Instance};
use konsul_types::{Check, CheckStatus, Node, Owner, Service, Transition};

/// How something stands.
pub(crate) fn status(of: CheckStatus) -> Status {
    match of {
        CheckStatus::Passing => Status::Passing,
        CheckStatus::Warning => Status::Warning,
        CheckStatus::Critical => Status::Critical,
    }
}

/// The same from a request.
pub(crate) fn asked_status(of: Status) -> CheckStatus {
    match of {
        Status::Passing => CheckStatus::Passing,
        Status::Warning => CheckStatus::Warning,
        Status::Critical => CheckStatus::Critical,
    }
}

fn owner(of: Owner) -> ToldOwner {
    match of {
        Owner::Catalog => ToldOwner::Catalog,
        Owner::Agent => ToldOwner::Agent,
        Owner::Sync => ToldOwner::Sync,
    }
}

/// A text, unless it is empty.
pub(crate) fn text(of: &str) -> Option<String> {
    Some(of.to_owned()).filter(|text| !text.is_empty())
}

/// An instance with its checks and what follows from them.
pub(crate) fn instance(of: &Instance) -> body::Instance {
    body::Instance {
        address: of.address().to_owned(),
        status: Some(status(of.status())),
        weight: Some(of.weight()),
        node_meta: of.node.meta.clone(),
        checks: of.checks.iter().map(|one| check(one)).collect(),
        ..service(&of.service)
    }
}

/// An instance alone.
pub(crate) fn service(of: &Service) -> body::Instance {
    let advice = of.advice.as_deref();
    body::Instance {
        id: of.id.to_string(),
        service: of.name.to_string(),
        namespace: of.namespace.to_string(),
        node: of.node.to_string(),
        address: of.address.to_string(),
        port: of.port,
        socket_path: text(&of.socket_path),
        status: None,
        weight: None,
        weights: Weights { passing: u64::from(of.weights.passing), warning: u64::from(of.weights.warning) },
        kind: text(of.kind.name()),
        tags: of.tags.iter().map(str::to_owned).collect(),
        meta: of.meta.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        node_meta: BTreeMap::new(),
        tagged_addresses: of
            .tagged_addresses
            .iter()
            .map(|(kind, at)| {
                (
                    kind.to_string(),
                    TaggedAddress { address: at.address.to_string(), port: u64::from(at.port) },
                )
            })
            .collect(),
        locality: of
            .locality
            .as_ref()
            .map(|at| Locality { region: at.region.to_string(), zone: at.zone.to_string() }),
        depends_on: advice
            .iter()
            .flat_map(|advice| &advice.depends_on)
            .map(|need| Dependency { service: need.service.to_string(), required: need.required })
            .collect(),
        strategy: advice.and_then(|advice| text(&advice.strategy)),
        owner: owner(of.owner),
        checks: Vec::new(),
        create_index: of.create_index.0,
        modify_index: of.modify_index.0,
    }
}

/// A check.
pub(crate) fn check(of: &Check) -> body::Check {
    let about = of.about.as_deref();
    body::Check {
        id: of.id.to_string(),
        name: of.name.to_string(),
        node: of.node.to_string(),
        service_id: of.service.as_ref().map(|service| service.id.to_string()),
        service: of.service.as_ref().map(|service| service.name.to_string()),
        status: status(of.status),
        output: of.output.to_string(),
        notes: of.notes.to_string(),
        kind: about.and_then(|about| text(&about.kind)),
        interval: about.and_then(|about| text(&about.interval)),
        timeout: about.and_then(|about| text(&about.timeout)),
        owner: owner(of.owner),
        create_index: of.create_index.0,
        modify_index: of.modify_index.0,
    }
}

/// A node.
pub(crate) fn node(of: &Node) -> body::Node {
    body::Node {
        name: of.name.to_string(),
        id: of.id.map(|id| id.to_string()),
        address: of.address.clone(),
        tagged_addresses: of.tagged_addresses.clone(),
        meta: of.meta.clone(),
        create_index: of.create_index.0,
        modify_index: of.modify_index.0,
    }
}

/// A change of status.
pub(crate) fn transition(of: &Transition) -> body::Transition {
    body::Transition {
        at: Timestamp(of.at.0),
        index: of.index.0,
        from: of.from.map(status),
        to: status(of.to),
        output: of.output.to_string(),
    }
}

/// A change of status in a timeline.
pub(crate) fn change(of: &CheckChange) -> body::TimelineEntry {
    let (check, told) = (&of.check, transition(&of.transition));
    body::TimelineEntry {
        at: told.at,
        index: told.index,
        node: check.node.to_string(),
        service_id: check.service.as_ref().map(|service| service.id.to_string()),
        check_id: check.id.to_string(),
        from: told.from,
        to: told.to,
        output: told.output,
    }
}
