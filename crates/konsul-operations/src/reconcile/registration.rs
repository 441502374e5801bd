//! The server's own record in the catalogue, its `serfHealth` check, and the configured bounds.

use konsul_state::State;
use konsul_types::catalog::CatalogCommand;
use konsul_types::node::{CheckV1, SERF_HEALTH};
use konsul_types::{CheckId, CheckStatus, Command, Index, Limits, LimitsV1, Node};

use super::Wanted;

/// Commands that make the state what is wanted.
pub(super) fn missing(state: &State, wanted: &Wanted) -> Vec<Command> {
    let mut commands = Vec::new();
    commands.extend(bounds(state, wanted.limits));
    let found = state.catalog().node(&wanted.node.name);
    if !found.is_some_and(|node| same(node, &wanted.node)) {
        commands.push(Command::Catalog(CatalogCommand::RegisterNode { node: wanted.node.clone() }));
    }
    let check = alive(&wanted.node);
    if state.catalog().check(&check.node, &check.id).is_none_or(|found| found.status != check.status) {
        commands.push(Command::Catalog(CatalogCommand::RegisterCheck { check }));
    }
    commands
}

/// The command that puts the configured bounds in force, in the words of the cluster's feature level.
fn bounds(state: &State, wanted: Limits) -> Option<Command> {
    let found = state.limits();
    if state.feature_level() >= 2 {
        return (found != wanted).then_some(Command::SetBounds(wanted));
    }
    let (found, wanted) = (LimitsV1::from(found), LimitsV1::from(wanted));
    (found != wanted).then_some(Command::SetLimits(wanted))
}

fn same(found: &Node, wanted: &Node) -> bool {
    Node { create_index: found.create_index, modify_index: found.modify_index, ..wanted.clone() } == *found
}

/// The check that says that the node is reachable, in the words that Consul's clients know.
fn alive(node: &Node) -> CheckV1 {
    CheckV1 {
        node: node.name.clone(),
        id: CheckId::new(SERF_HEALTH).expect("a fixed, good name"),
        name: "Serf Health Status".into(),
        status: CheckStatus::Passing,
        notes: String::new(),
        output: "Agent alive and reachable".into(),
        create_index: Index::ZERO,
        modify_index: Index::ZERO,
    }
}
