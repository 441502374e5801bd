//! What a backup says of itself before its first record.

use std::collections::BTreeMap;

use konsul_types::Millis;
use serde::{Deserialize, Serialize};

use crate::hash::Table;
use crate::state::State;

/// Who writes a backup, and when: what the state does not know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Id of the cluster.
    pub cluster_id: String,
    /// The datacentre.
    pub datacenter: String,
    /// Name of the node that writes it.
    pub node: String,
    /// Version of Konsul that writes it.
    pub konsul: String,
    /// When, by the node's clock.
    pub taken_at: Millis,
}

/// The head of a backup.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Head {
    /// Id of the cluster whose state it is.
    pub cluster_id: String,
    /// The datacentre.
    pub datacenter: String,
    /// Name of the node that wrote it.
    pub node: String,
    /// Version of Konsul that wrote it.
    pub konsul: String,
    /// When it was begun, in milliseconds since the Unix epoch.
    pub taken_at_ms: u64,
    /// The index of the state, as clients see it.
    pub index: u64,
    /// Position of the state in its log.
    pub log_index: u64,
    /// Term of the last entry in it.
    pub term: u64,
    /// A cluster of a lower level cannot restore it.
    pub feature_level: u32,
    /// How many records it has, by table.
    pub counts: BTreeMap<String, u64>,
    /// Hash of each table, in hexadecimal digits: equal states have equal ones.
    pub hashes: BTreeMap<String, String>,
}

impl Head {
    /// The head of a backup of `state`.
    pub fn of(state: &State, origin: Origin) -> Head {
        let counts = state.record_counts().into_iter().map(|(table, count)| (table.to_owned(), count));
        Head {
            cluster_id: origin.cluster_id,
            datacenter: origin.datacenter,
            node: origin.node,
            konsul: origin.konsul,
            taken_at_ms: origin.taken_at.0,
            index: state.index().0,
            log_index: state.log_index(),
            term: state.term(),
            feature_level: state.feature_level(),
            counts: counts.collect(),
            hashes: hashes(state),
        }
    }
}

/// The hashes of a state as a head tells them.
fn hashes(state: &State) -> BTreeMap<String, String> {
    let all = Table::ALL.into_iter().zip(state.hashes().of_level(state.feature_level()));
    all.map(|(table, hash)| (table.name().to_owned(), format!("{hash:016x}"))).collect()
}

impl State {
    /// How many records each table has that a user knows of.
    pub fn record_counts(&self) -> Vec<(&'static str, u64)> {
        let keys = self.keyspaces().map(|(_, keys)| keys.len()).sum();
        let count = |records: usize| records as u64;
        vec![
            ("keys", keys),
            ("sessions", count(self.sessions.by_id.len())),
            ("nodes", count(self.catalog.nodes.len())),
            ("instances", count(self.catalog.services.len())),
            ("checks", count(self.catalog.checks.len())),
            ("prepared queries", count(self.queries.by_id.len())),
            ("events", count(self.events.kept.len())),
            ("requests", count(self.requests.len())),
            ("locks", count(self.locks.by_name.len())),
            ("old values", self.keyspaces().map(|(_, keys)| keys.history().len()).sum()),
        ]
    }
}
