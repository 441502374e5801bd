//! A small model of the replicated state, written from the documentation of the API: plain maps, no sharing, no indexes to keep
//! true. It shares the words of `konsul-types` with the server, and no code.
//!
//! What it leaves out on purpose: how many names a reaping forgets, the hashes, what became of a check before, and words that
//! are only for people.

use std::collections::BTreeMap;
use std::sync::Arc;

use konsul_types::{
    Change, Command, Event, Index, Key, KvRecord, Limits, Millis, Namespace, Outcome, PreparedQuery,
    Proposal, QueryId, Refusal, RequestId, Session, SessionId,
};

mod catalogue;
mod keys;
mod locks;
mod members;
mod queries;
mod reads;
mod requests;
mod restores;
mod services;
mod sessions;
mod txns;

pub use catalogue::CHECKS_OF_ONE;
pub use services::{Named, Told};

/// A key with its namespace.
pub type Place = (Namespace, Key);

/// The model's state after some entry.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// The entry.
    pub index: Index,
    term: u64,
    level: u32,
    at: Millis,
    limits: Limits,
    /// The keys.
    pub keys: BTreeMap<Place, Arc<KvRecord>>,
    /// When each name last changed, removals included: the model forgets none.
    pub touched: BTreeMap<Place, Index>,
    /// The sessions.
    pub sessions: BTreeMap<(Namespace, SessionId), Arc<Session>>,
    /// When the sessions of a namespace last changed.
    pub sessions_changed: BTreeMap<Namespace, Index>,
    /// Index of the last restore.
    pub restored_at: Index,
    delays: BTreeMap<Place, Millis>,
    locks: locks::Locks,
    catalogue: catalogue::Catalogue,
    /// The prepared queries.
    queries: BTreeMap<QueryId, Arc<PreparedQuery>>,
    news: services::News,
    /// The kept events, oldest first.
    pub events: Vec<Arc<Event>>,
    ltime: u64,
    requests: BTreeMap<RequestId, requests::Answered>,
    forgotten_to: Millis,
    staging: Option<restores::Staging>,
    /// The model as it was when a client took a backup: what a restore must bring back.
    saved: BTreeMap<Index, Arc<Model>>,
}

/// What an entry should have done.
#[derive(Debug, Default)]
pub struct Expected {
    /// The outcome; `None` where the model does not say.
    pub outcome: Option<Outcome>,
    /// The changes, in order.
    pub changes: Vec<Change>,
}

impl Model {
    /// Passes over an entry without a command.
    pub fn advance(&mut self, term: u64, index: Index) {
        (self.term, self.index) = (term, index);
    }

    /// Applies an entry.
    pub fn apply(&mut self, term: u64, index: Index, proposal: &Proposal) -> Expected {
        self.advance(term, index);
        self.at = self.at.max(proposal.at);
        self.forget_requests();
        if proposal.level() > self.level.max(1) {
            let refusal = Refusal::FeatureLevel { present: self.level.max(1), wanted: proposal.level() };
            return Expected { outcome: Some(Outcome::Refused(refusal)), changes: Vec::new() };
        }
        if let Some(outcome) = proposal.request.and_then(|asked| self.heard_before(asked)) {
            return Expected { outcome: Some(outcome), changes: Vec::new() };
        }
        let mut changes = Vec::new();
        let outcome = self.run(&proposal.command, &mut changes);
        self.settle_locks(&mut changes);
        self.settle_services(&mut changes);
        if let (Some(asked), Some(outcome)) = (proposal.request, &outcome) {
            self.requests.insert(asked.id, (index, asked.fingerprint, outcome.clone()));
        }
        Expected { outcome, changes }
    }

    /// Remembers itself: a client took a backup here.
    pub fn save(&mut self) {
        let picture = Model { saved: BTreeMap::new(), ..self.clone() };
        self.saved.insert(self.index, Arc::new(picture));
    }

    fn run(&mut self, command: &Command, changes: &mut Vec<Change>) -> Option<Outcome> {
        Some(match command {
            Command::Kv { namespace, op } => self.kv(namespace, op, changes),
            Command::Txn { ops } => self.txn(ops, changes),
            Command::SessionCreate { namespace, spec } => self.create(namespace, spec, changes),
            Command::SessionDestroy { namespace, id } => {
                self.end(namespace, *id, changes);
                Outcome::Done
            }
            Command::SessionRenew { namespace, id } => self.renew(namespace, *id),
            Command::SessionExpire { term, sessions } => self.expire_sessions(*term, sessions, changes),
            Command::KvExpire { term, keys } => self.expire_keys(*term, keys, changes),
            Command::EventFire { event } => self.fire(event, changes),
            Command::Catalog(command) => self.catalog(command, changes),
            Command::LeaderStart { term } => self.leader_start(*term),
            Command::SetLimits(limits) => {
                self.limits = limits.over(self.limits);
                Outcome::Done
            }
            Command::SetBounds(limits) => {
                self.limits = *limits;
                Outcome::Done
            }
            Command::Lock { namespace, op } => self.lock(namespace, op, changes),
            Command::LockDue { term, locks } => self.locks_due(*term, locks, changes),
            Command::Batch { atomic, ops } => self.batch(*atomic, ops, changes),
            Command::RaiseFeatureLevel { level } => self.raise(*level),
            Command::CompareHash { .. } => Outcome::Done,
            Command::Reap { .. } => return None,
            Command::Query(command) => self.query(command, changes),
            Command::Restore(step) => self.restore(step, changes),
        })
    }

    fn raise(&mut self, level: u32) -> Outcome {
        let present = self.level.max(1);
        if level < present || level > konsul_types::FEATURE_LEVEL {
            return Outcome::Refused(Refusal::FeatureLevel { present, wanted: level });
        }
        self.level = level;
        Outcome::Done
    }

    fn fire(&mut self, event: &Event, changes: &mut Vec<Change>) -> Outcome {
        self.ltime += 1;
        let event = Arc::new(Event { ltime: self.ltime, index: self.index, ..event.clone() });
        self.events.push(event.clone());
        if self.events.len() > konsul_types::event::EVENTS_KEPT {
            self.events.remove(0);
        }
        changes.push(Change::Event(event.clone()));
        Outcome::Event(event)
    }
}
