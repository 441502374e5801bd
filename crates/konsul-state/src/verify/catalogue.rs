//! Instances, checks and queries against what is derived from them.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{coordinate_hash, named_key, owner_key, service_hash, transitions_hash};
use crate::hash::{Hashes, Table};
use crate::queries::query_hash;
use crate::state::State;

/// The first thing that does not hold.
pub(super) fn verify(state: &State) -> Option<String> {
    let catalog = &state.catalog;
    if let Some(lost) = catalog.services().find(|service| catalog.node(&service.node).is_none()) {
        return Some(format!("instance {} is on node {}, which does not exist", lost.id, lost.node));
    }
    verify_checks(state).or_else(|| verify_lists(state)).or_else(|| verify_groups(state))
}

fn verify_checks(state: &State) -> Option<String> {
    let catalog = &state.catalog;
    for check in catalog.checks() {
        let Some(of) = &check.service else { continue };
        match catalog.service(&check.node, &check.namespace, &of.id) {
            None => {
                return Some(format!("check {} is of instance {}, which does not exist", check.id, of.id));
            }
            Some(service) if service.name != of.name || service.tags != of.tags => {
                return Some(format!(
                    "check {} tells another name or other tags than its instance",
                    check.id
                ));
            }
            Some(_) => {}
        }
    }
    let lost = catalog.transitions.keys().find(|key| !catalog.checks.contains_key(*key))?;
    Some(format!("transitions are kept of check {}, which does not exist", lost.2))
}

fn verify_lists(state: &State) -> Option<String> {
    let catalog = &state.catalog;
    let mut named: Vec<_> = catalog.services().map(|service| named_key(service)).collect();
    named.sort_unstable();
    if !named.iter().eq(catalog.by_name.keys()) {
        return Some("instances are listed by other names than they have".into());
    }
    let mut owned: BTreeMap<_, Vec<_>> = BTreeMap::new();
    // They come by id within each owner.
    catalog.checks().for_each(|check| owned.entry(owner_key(check)).or_default().push(check));
    let listed = catalog.check_owners.iter().map(|(owner, checks)| (owner, checks.iter().collect()));
    if !owned.into_iter().eq(listed.map(|(owner, checks): (_, Vec<_>)| (owner.clone(), checks))) {
        return Some("checks are listed under other owners than they have".into());
    }
    let ids = catalog.nodes().filter_map(|node| Some((node.id?, node.name.folded())));
    let ids: BTreeSet<_> = ids.collect();
    (!ids.iter().eq(catalog.node_ids.iter()))
        .then(|| "nodes are listed under other ids than they have".into())
}

fn verify_groups(state: &State) -> Option<String> {
    let mut counts = BTreeMap::new();
    for service in state.catalog.services() {
        *counts.entry((service.namespace.clone(), service.name.folded())).or_insert(0u64) += 1;
    }
    let kept = state.catalog.groups.iter().map(|(key, group)| (key, group.instances));
    if !counts.iter().map(|(key, count)| (key, *count)).eq(kept) {
        return Some(format!("services have other numbers of instances than are counted: {counts:?}"));
    }
    let late = state
        .catalog
        .groups
        .iter()
        .find(|(_, group)| group.passing_changed > group.changed || group.changed > state.index);
    late.map(|((_, name), group)| format!("service {name} has impossible indexes: {group:?}"))
}

/// Adds what the catalogue and the queries are hashed to, beside nodes and checks.
pub(super) fn add_hashes(state: &State, fresh: &mut Hashes) {
    let catalog = &state.catalog;
    let mut add = |table, hash| fresh.replace(table, None, Some(hash));
    catalog.services().for_each(|service| add(Table::Catalog, service_hash(service)));
    catalog.coordinates().for_each(|one| add(Table::Catalog, coordinate_hash(one)));
    catalog.transitions.iter().for_each(|(key, kept)| add(Table::Catalog, transitions_hash(key, kept)));
    state.queries.iter().for_each(|query| add(Table::Queries, query_hash(query)));
}
