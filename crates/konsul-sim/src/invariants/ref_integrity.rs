//! I-33 RefIntegrity: no lock without its session, no session without its node, no check without its node.
//!
//! Source: Consul's sessions (a lock is released with its session, a session ends with its node).

use std::collections::BTreeSet;

use konsul_state::State;

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
}

/// Every reference leads somewhere.
pub fn held(state: &State) -> Held {
    let mut found = References::default();
    found.nodes.extend(state.catalog().nodes().map(|node| node.name.to_string()));
    found.at_nodes.extend(
        state.catalog().checks().map(|check| (format!("check {}", check.id), check.node.to_string())),
    );
    for (namespace, session) in state.sessions().all() {
        found.sessions.insert(format!("{namespace}/{}", session.spec.id));
        found.at_nodes.push((format!("session {}", session.spec.id), session.spec.node.to_string()));
    }
    for (namespace, keys) in state.keyspaces() {
        let locked = keys.under("").filter_map(|(key, record)| Some((key, record.session?)));
        found.at_sessions.extend(locked.map(|(key, id)| (format!("key {key}"), format!("{namespace}/{id}"))));
    }
    lead_somewhere(&found)
}

fn lead_somewhere(found: &References) -> Held {
    let to_session = found.at_sessions.iter().find(|(_, to)| !found.sessions.contains(to));
    let to_node = found.at_nodes.iter().find(|(_, to)| !found.nodes.contains(to));
    let lost = to_session.or(to_node);
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
        };
        assert!(lead_somewhere(&whole()).is_ok());
        assert!(lead_somewhere(&References { sessions: BTreeSet::new(), ..whole() }).is_err());
        assert!(lead_somewhere(&References { nodes: BTreeSet::new(), ..whole() }).is_err());
    }
}
