//! What is held against what the catalogue has: the commands that make them agree. Pure.

use std::collections::BTreeMap;

use konsul_state::State;
use konsul_types::{
    CatalogCommand, Check, CheckResult, Node, NodeName, Owner, Registration, Service, ServiceId,
};

use super::held::{CheckKey, Held, Marked, ServiceKey};

/// Most commands in one log entry: an entry is applied in one go.
pub(super) const COMMANDS_IN_ONE: usize = 256;

/// Marks everything that is held, and everything of the agent's that the catalogue has and nobody holds.
pub(super) fn everything(held: &Held, state: &State, node: &NodeName) -> Marked {
    let mut marked = Marked {
        services: held.services.keys().cloned().collect(),
        checks: held.checks.keys().cloned().collect(),
        ..Marked::default()
    };
    let services = state.catalog().services_on(node).filter(|service| service.owner == Owner::Agent);
    marked.services.extend(services.map(|service| (service.namespace.clone(), service.id.clone())));
    let checks = state.catalog().checks_on(node).filter(|check| check.owner == Owner::Agent);
    marked.checks.extend(checks.map(|check| (check.namespace.clone(), check.id.clone())));
    marked
}

/// The commands that make the catalogue agree in what is marked. An instance comes in one command with its checks, so that
/// nobody sees it without them.
pub(super) fn commands(held: &Held, state: &State, node: &Node, marked: &Marked) -> Vec<CatalogCommand> {
    let mut registrations: BTreeMap<Option<ServiceKey>, (Option<Service>, Vec<Check>)> = BTreeMap::new();
    let mut results = Vec::new();
    let mut removals = Vec::new();
    for key in &marked.services {
        match service(held, state, node, key, marked.newly_defined.contains(key)) {
            Wanted::Write(service) => {
                registrations.entry(Some(key.clone())).or_default().0 = Some(*service);
            }
            Wanted::Remove => removals.push(CatalogCommand::DeregisterService {
                node: node.name.clone(),
                namespace: key.0.clone(),
                id: key.1.clone(),
            }),
            _ => {}
        }
    }
    for key in &marked.checks {
        match check(held, state, node, key) {
            Wanted::Write(check) => {
                let of: Option<ServiceId> = check.service.as_ref().map(|service| service.id.clone());
                let of = of.map(|id| (key.0.clone(), id));
                registrations.entry(of).or_default().1.push(*check);
            }
            Wanted::Told(result) => results.push(result),
            Wanted::Remove => removals.push(CatalogCommand::DeregisterCheckOf {
                node: node.name.clone(),
                namespace: key.0.clone(),
                id: key.1.clone(),
            }),
            Wanted::Nothing => {}
        }
    }
    let mut commands: Vec<CatalogCommand> = registrations
        .into_values()
        .map(|(service, checks)| {
            let node = node.clone();
            let registration =
                Registration { node, skip_node_update: true, service, checks, replace_checks: false };
            CatalogCommand::Register(Box::new(registration))
        })
        .collect();
    if !results.is_empty() {
        commands.push(CatalogCommand::Results(results));
    }
    commands.extend(removals);
    commands
}

enum Wanted<T> {
    Nothing,
    Write(Box<T>),
    /// Only status and output differ.
    Told(CheckResult),
    Remove,
}

fn service(
    held: &Held,
    state: &State,
    node: &Node,
    key: &ServiceKey,
    newly_defined: bool,
) -> Wanted<Service> {
    let found = state.catalog().service(&node.name, &key.0, &key.1);
    match (held.services.get(key), found) {
        (None, Some(found)) if found.owner == Owner::Agent => Wanted::Remove,
        (None, _) => Wanted::Nothing,
        (Some(wanted), None) => Wanted::Write(Box::new((*wanted.record).clone())),
        (Some(wanted), Some(found)) => {
            let mut record = (*wanted.record).clone();
            // Tags of the catalogue stand above those of a definition, until its owner says something else.
            if record.enable_tag_override && !newly_defined {
                record.tags = found.tags.clone();
            }
            if found.same_as(&record) { Wanted::Nothing } else { Wanted::Write(Box::new(record)) }
        }
    }
}

fn check(held: &Held, state: &State, node: &Node, key: &CheckKey) -> Wanted<Check> {
    let found = state.catalog().check_of(&node.name, &key.0, &key.1);
    let Some(mut wanted) = held.check_record(&node.name, key) else {
        return match found {
            Some(found) if found.owner == Owner::Agent => Wanted::Remove,
            _ => Wanted::Nothing,
        };
    };
    let Some(found) = found else { return Wanted::Write(Box::new(wanted)) };
    // Tags that were changed in the catalogue are the instance's, and its checks tell them.
    if let (Some(of), Some(stored)) = (&mut wanted.service, &found.service)
        && of.id == stored.id
        && of.name == stored.name
    {
        of.tags = stored.tags.clone();
    }
    if found.same_as(&wanted) {
        return Wanted::Nothing;
    }
    let told = Check { status: wanted.status, output: wanted.output.clone(), ..(**found).clone() };
    if told.same_as(&wanted) {
        return Wanted::Told(CheckResult {
            node: node.name.clone(),
            namespace: key.0.clone(),
            id: key.1.clone(),
            status: wanted.status,
            output: wanted.output,
        });
    }
    Wanted::Write(Box::new(wanted))
}
