//! I-33 RefIntegrity: no lock without its session, no session without its node, no check without its node and its instance, no
//! instance without its node, no prepared query that outlives its session.
//!
//! Source: Consul's sessions (a lock is released with its session, a session ends with its node).

use std::collections::BTreeSet;

use konsul_state::State;
use konsul_types::NodeName;

use crate::broken::{Held, hold};

/// The invariant's name.
pub const NAME: &str = "I-33 RefIntegrity";

/// Who points at whom, by name.
#[derive(Debug, Default)]
struct References {
    nodes: BTreeSet<String>,
    sessions: BTreeSet<String>,
    /// What points, and at which session.
    at_sessions: Vec<(String, String)>,
    /// What points, and at which node.
    at_nodes: Vec<(String, String)>,
    services: BTreeSet<String>,
    /// What points, and at which instance.
    at_services: Vec<(String, String)>,
}

/// Every reference leads somewhere.
pub fn held(state: &State) -> Held {
    let mut found = References::default();
    catalogue(state, &mut found);
    let queries =
        state.queries().iter().filter_map(|query| Some((format!("query {}", query.id), query.session?)));
    found.at_sessions.extend(queries.map(|(query, id)| (query, format!("default/{id}"))));
    for (namespace, session) in state.sessions().all() {
        found.sessions.insert(format!("{namespace}/{}", session.spec.id));
        found.at_nodes.push((format!("session {}", session.spec.id), lower(&session.spec.node)));
    }
    for (namespace, keys) in state.keyspaces() {
        let locked = keys.under("").filter_map(|(key, record)| Some((key, record.session?)));
        found.at_sessions.extend(locked.map(|(key, id)| (format!("key {key}"), format!("{namespace}/{id}"))));
    }
    lead_somewhere(&found)
}

/// Names are compared without regard to case.
fn lower(name: &NodeName) -> String {
    name.as_str().to_ascii_lowercase()
}

/// The references inside the catalogue. An instance is known by its node, its namespace and its id.
fn catalogue(state: &State, found: &mut References) {
    found.nodes.extend(state.catalog().nodes().map(|node| lower(&node.name)));
    for service in state.catalog().services() {
        found.services.insert(format!("{}/{}/{}", lower(&service.node), service.namespace, service.id));
        found.at_nodes.push((format!("instance {}", service.id), lower(&service.node)));
    }
    for check in state.catalog().checks() {
        found.at_nodes.push((format!("check {}", check.id), lower(&check.node)));
        if let Some(of) = &check.service {
            let to = format!("{}/{}/{}", lower(&check.node), check.namespace, of.id);
            found.at_services.push((format!("check {}", check.id), to));
        }
    }
}

fn lead_somewhere(found: &References) -> Held {
    let to_session = found.at_sessions.iter().find(|(_, to)| !found.sessions.contains(to));
    let to_node = found.at_nodes.iter().find(|(_, to)| !found.nodes.contains(to));
    let to_service = found.at_services.iter().find(|(_, to)| !found.services.contains(to));
    let lost = to_session.or(to_node).or(to_service);
    hold(NAME, lost.is_none(), || format!("{lost:?} points at nothing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_on_references_that_lead_nowhere() {
        let whole = || References {
            nodes: ["n".to_owned()].into(),
            sessions: ["d/s".to_owned()].into(),
            at_sessions: vec![("key k".into(), "d/s".into())],
            at_nodes: vec![("session s".into(), "n".into())],
            services: ["n/d/web".to_owned()].into(),
            at_services: vec![("check c".into(), "n/d/web".into())],
        };
        assert!(lead_somewhere(&whole()).is_ok());
        assert!(lead_somewhere(&References { sessions: BTreeSet::new(), ..whole() }).is_err());
        assert!(lead_somewhere(&References { nodes: BTreeSet::new(), ..whole() }).is_err());
        assert!(lead_somewhere(&References { services: BTreeSet::new(), ..whole() }).is_err());
    }
}
