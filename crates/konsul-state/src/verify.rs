//! Checks the state against itself: everything derived is counted anew and compared, every reference followed.
//!
//! Too slow for every entry in production; tests and the simulator call it after each step.

use std::collections::BTreeMap;

use konsul_types::Namespace;

use crate::hash::{Hashes, Table};
use crate::keyspace::{Keyspace, record_hash};
use crate::sessions::listed_under;
use crate::state::State;

mod catalogue;
mod history;
mod locks;
mod marks;

impl State {
    /// The first thing that does not hold, in words; `None` if all does.
    pub fn verify(&self) -> Option<String> {
        self.keyspaces()
            .find_map(|(name, keys)| self.verify_keyspace(name, keys))
            .or_else(|| self.verify_sessions())
            .or_else(|| locks::verify(self))
            .or_else(|| self.verify_catalog())
            .or_else(|| self.verify_hashes())
    }

    fn verify_keyspace(&self, name: &Namespace, keys: &Keyspace) -> Option<String> {
        let bytes: u64 = keys.records.iter().map(|(k, r)| (k.as_str().len() + r.value.len()) as u64).sum();
        if bytes != keys.bytes {
            return Some(format!("namespace {name} counts {} bytes, but holds {bytes}", keys.bytes));
        }
        if keys.dirs.root.keys != keys.len() {
            return Some(format!(
                "namespace {name} marks {} keys, but holds {}",
                keys.dirs.root.keys,
                keys.len()
            ));
        }
        let mut held: Vec<_> =
            keys.records.iter().filter_map(|(key, r)| Some((r.session?, key.clone()))).collect();
        held.sort_unstable();
        if !held.iter().eq(keys.held.iter()) {
            return Some(format!("namespace {name} lists other holders than its keys name"));
        }
        for (id, key) in &keys.held {
            if self.sessions.get(name, *id).is_none() {
                return Some(format!(
                    "key {key} of namespace {name} is locked by session {id}, which does not exist"
                ));
            }
        }
        verify_times(name, keys)
            .or_else(|| self.verify_newest(name, keys))
            .or_else(|| marks::verify(name, &keys.records, &keys.dirs))
            .or_else(|| history::verify(self, name, keys))
    }

    fn verify_newest(&self, name: &Namespace, keys: &Keyspace) -> Option<String> {
        let newest = keys.records.values().map(|record| record.modify_index).max().unwrap_or_default();
        let newest = newest.max(keys.dirs.graves.values().copied().max().unwrap_or_default());
        if newest > keys.dirs.root.changed {
            return Some(format!(
                "namespace {name} changed at {newest}, but says {}",
                keys.dirs.root.changed
            ));
        }
        if keys.dirs.root.changed > self.index {
            return Some(format!(
                "namespace {name} changed at {}, after {}",
                keys.dirs.root.changed, self.index
            ));
        }
        None
    }

    fn verify_sessions(&self) -> Option<String> {
        for (namespace, session) in self.sessions.all() {
            if self.catalog.node(&session.spec.node).is_none() {
                return Some(format!(
                    "session {} of {namespace} is on a node that does not exist",
                    session.spec.id
                ));
            }
        }
        self.verify_session_lists()
    }

    fn verify_session_lists(&self) -> Option<String> {
        let mut counts = BTreeMap::new();
        for (namespace, session) in self.sessions.all() {
            *counts.entry(namespace.clone()).or_insert(0u64) += 1;
            if session.modify_index > self.sessions.changed(namespace) {
                return Some(format!("session {} changed after its table", session.spec.id));
            }
        }
        if !counts.iter().eq(self.sessions.counts.iter()) {
            return Some(format!("sessions count {:?}, but there are {counts:?}", self.sessions.counts));
        }
        let mut deadlines: Vec<_> = self
            .sessions
            .all()
            .filter_map(|(namespace, session)| Some((session.deadline?, namespace.clone(), session.spec.id)))
            .collect();
        deadlines.sort_unstable();
        if !deadlines.iter().eq(self.sessions.deadlines.iter()) {
            return Some("sessions have other deadlines than are listed".into());
        }
        let mut nodes: Vec<_> = self
            .sessions
            .all()
            .map(|(namespace, session)| {
                (listed_under(&session.spec.node), namespace.clone(), session.spec.id)
            })
            .collect();
        nodes.sort_unstable();
        (!nodes.iter().eq(self.sessions.by_node.iter()))
            .then(|| "sessions are on other nodes than are listed".into())
    }

    fn verify_catalog(&self) -> Option<String> {
        let catalog = &self.catalog;
        if let Some(orphan) = catalog.checks().find(|check| catalog.node(&check.node).is_none()) {
            return Some(format!("check {} is on node {}, which does not exist", orphan.id, orphan.node));
        }
        catalogue::verify(self)
    }

    fn verify_hashes(&self) -> Option<String> {
        let mut fresh = Hashes::default();
        for (name, keys) in self.keyspaces() {
            keys.records
                .iter()
                .for_each(|(k, r)| fresh.replace(Table::Kv, None, Some(record_hash(name, k, r))));
        }
        for (name, session) in self.sessions.all() {
            fresh.replace(Table::Sessions, None, Some(crate::sessions::session_hash(name, session)));
        }
        self.catalog
            .nodes()
            .for_each(|n| fresh.replace(Table::Catalog, None, Some(crate::catalog::node_hash(n))));
        self.catalog
            .checks()
            .for_each(|c| fresh.replace(Table::Catalog, None, Some(crate::catalog::check_hash(c))));
        catalogue::add_hashes(self, &mut fresh);
        self.events
            .iter()
            .for_each(|e| fresh.replace(Table::Events, None, Some(crate::events::event_hash(e))));
        for (id, remembered) in self.requests.all() {
            fresh.replace(Table::Requests, None, Some(crate::requests::request_hash(*id, remembered)));
        }
        for (namespace, name, lock) in self.locks.all() {
            fresh.replace(Table::Locks, None, Some(crate::locks::lock_hash(namespace, name, lock)));
        }
        for ((namespace, name, _), waiter) in &self.locks.waiters {
            fresh.replace(Table::Locks, None, Some(crate::locks::waiter_hash(namespace, name, waiter)));
        }
        let past = self.keyspaces().flat_map(|(_, keys)| keys.history.past.iter());
        past.for_each(|past| fresh.replace(Table::History, None, Some(past.hash)));
        let table = self.hashes.first_difference(&fresh.of_level(u32::MAX))?;
        Some(format!("table {} does not have the hash of its records", table.name()))
    }
}

/// Whether deadlines and lock delays are listed as they are.
fn verify_times(name: &Namespace, keys: &Keyspace) -> Option<String> {
    let mut expiry: Vec<_> = keys
        .records
        .iter()
        .filter_map(|(key, record)| Some((record.expires_at.at()?, key.clone())))
        .collect();
    expiry.sort_unstable();
    if !expiry.iter().eq(keys.expiry.iter()) {
        return Some(format!("namespace {name} lists other deadlines than its keys have"));
    }
    let mut delays: Vec<_> = keys.delays.iter().map(|(key, until)| (*until, key.clone())).collect();
    delays.sort_unstable();
    (!delays.iter().eq(keys.delay_order.iter()))
        .then(|| format!("namespace {name} lists other lock delays than it has"))
}
