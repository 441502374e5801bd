//! Looks at the server after every step and compares with what follows from its log.
//!
//! The observer keeps a state of its own, fed with the entries that the tap saw, and never restarts. Each state that the server
//! publishes, in whatever life, must be the one that this state was at the same position.

use std::collections::BTreeMap;
use std::sync::Arc;

use konsul_operations::ports::Replica;
use konsul_raft::contract::Status;
use konsul_replica::ServerReplica;
use konsul_runtime::time::Instant;
use konsul_state::State;
use konsul_storage::contract::EntryKind;
use konsul_types::{Change, ChangeSet, Command, Index, Millis, Namespace, Outcome, Proposal, Refusal};

use crate::broken::{Broken, Held};
use crate::clients;
use crate::invariants::{
    applied_monotonic, order, quota, ref_integrity, replay_equal, session_late, space_bound, time_monotonic,
    usage_counters,
};
use crate::ledger::Ledger;
use crate::marks::Marks;

/// One entry of the log as it was applied first.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its term.
    pub term: u64,
    /// The command with its time, unless it was a blank or a membership.
    pub proposal: Option<Proposal>,
    /// What the pure state answered.
    pub outcome: Option<Outcome>,
    /// What it changed, by the pure state.
    pub changes: Option<ChangeSet>,
    /// Virtual nanoseconds at which it was first seen to be applied.
    pub seen_at: u64,
}

/// See the module's head.
pub struct Observer {
    ledger: Ledger,
    /// The pure state, at the highest position that any life has published.
    pure: State,
    /// The log so far, by index.
    pub log: BTreeMap<u64, Entry>,
    hashes: BTreeMap<u64, Vec<u64>>,
    last_state: Option<Arc<State>>,
    last_catalogue: Touched,
    last_status: Option<Arc<Status>>,
    life: applied_monotonic::Life,
    time: time_monotonic::Times,
    published: u64,
}

/// What an entry on the catalogue is worth as a mark.
fn of_services(
    command: &Command,
    outcome: Option<&Outcome>,
    changes: Option<&ChangeSet>,
) -> Option<&'static str> {
    let Command::Catalog(_) = command else { return None };
    let changes = changes.map_or(&[][..], |set| &set.changes);
    let ends = changes.iter().any(|change| matches!(change, Change::Session { new: None, .. }));
    let gone = changes.iter().any(|change| matches!(change, Change::Service { new: None, .. }));
    match outcome.and_then(Outcome::refusal) {
        Some(Refusal::CatalogFull { .. }) => Some("too many checks"),
        Some(Refusal::NodeNameTaken { .. }) => Some("node name taken"),
        Some(_) => None,
        None if ends => Some("session ended by a check"),
        None if gone => Some("instance gone"),
        None if changes.is_empty() => Some("equal registration"),
        None => None,
    }
}

/// When nodes, checks, instances and sessions last changed.
type Touched = (Index, Index, Vec<Index>);

fn touched(state: &State) -> Touched {
    let namespaces = [Namespace::default_namespace(), clients::tenant()];
    let each = namespaces.iter().flat_map(|namespace| {
        [state.catalog().services_changed(namespace), state.sessions().changed(namespace)]
    });
    (state.catalog().nodes_changed(), state.catalog().checks_changed(), each.collect())
}

/// Whole states are compared, and counted anew, once in so many publications.
const WHOLE_EVERY: u64 = 64;

impl Observer {
    /// An observer of a server on a ledger.
    pub fn new(ledger: Ledger) -> Observer {
        Observer {
            ledger,
            pure: State::new(),
            log: BTreeMap::new(),
            hashes: BTreeMap::new(),
            last_state: None,
            last_catalogue: Touched::default(),
            last_status: None,
            life: applied_monotonic::Life::default(),
            time: time_monotonic::Times::default(),
            published: 0,
        }
    }

    /// The state that follows from the log.
    pub fn pure(&self) -> &State {
        &self.pure
    }

    /// The server's process is gone.
    pub fn life_ended(&mut self) {
        self.last_state = None;
        self.last_status = None;
    }

    /// A new process begins with a durable snapshot up to here.
    pub fn life_begins(&mut self, covered: u64) {
        self.life = applied_monotonic::Life::begin(covered);
    }

    /// Looks at a living server.
    ///
    /// # Errors
    /// The promise that it broke.
    pub fn look(&mut self, replica: &ServerReplica, now: Instant) -> Held {
        let state = replica.state();
        if !self.last_state.as_ref().is_some_and(|last| Arc::ptr_eq(last, &state)) {
            self.published(&state, now)?;
            self.last_state = Some(state);
        }
        let status = replica.status();
        if !self.last_status.as_ref().is_some_and(|last| Arc::ptr_eq(last, &status)) {
            order::status(&status)?;
            self.last_status = Some(status);
        }
        match self.ledger.book().broken.take() {
            Some(broken) => Err(broken),
            None => Ok(()),
        }
    }

    fn published(&mut self, state: &State, now: Instant) -> Held {
        self.life.published(state.log_index())?;
        self.follow(state.log_index(), now)?;
        self.ledger.book().told = self.pure.log_index();
        let at = state.log_index();
        if let Some(hashes) = self.hashes.get(&at) {
            replay_equal::hashes(at, hashes, &state.hashes().of_level(u32::MAX))?;
        }
        self.time.published(at, state.at())?;
        quota::held(state)?;
        self.catalogue(state)?;
        self.published += 1;
        if self.published.is_multiple_of(WHOLE_EVERY) {
            self.look_closely(state)?;
        }
        Ok(())
    }

    /// What holds of the catalogue and of what leans on it, whenever either was touched.
    fn catalogue(&mut self, state: &State) -> Held {
        let touched = touched(state);
        if touched == self.last_catalogue {
            return Ok(());
        }
        self.last_catalogue = touched;
        quota::checks_of_one(state)?;
        ref_integrity::held(state)?;
        session_late::leans_well(state)
    }

    /// The slow comparisons.
    ///
    /// # Errors
    /// The promise that was broken.
    pub fn look_closely(&self, state: &State) -> Held {
        ref_integrity::held(state)?;
        usage_counters::held(state)?;
        if state.log_index() == self.pure.log_index() {
            replay_equal::states(&self.pure, state)?;
        }
        Ok(())
    }

    /// Applies what the server must have applied by now.
    fn follow(&mut self, upto: u64, now: Instant) -> Held {
        while self.pure.log_index() < upto {
            let index = self.pure.log_index() + 1;
            let entry = self.ledger.book().entries.get(&index).cloned();
            let entry = entry.ok_or_else(|| {
                Broken::new(
                    replay_equal::NAME,
                    format!("{upto} is applied, but entry {index} was never appended"),
                )
            })?;
            let proposal = match entry.kind {
                EntryKind::Command => Some(Proposal::decode(&entry.payload).map_err(|why| {
                    Broken::new(replay_equal::NAME, format!("entry {index} cannot be read: {why}"))
                })?),
                EntryKind::Blank | EntryKind::Membership => None,
            };
            self.apply(entry.id.term, index, proposal, now)?;
        }
        Ok(())
    }

    fn apply(&mut self, term: u64, index: u64, proposal: Option<Proposal>, now: Instant) -> Held {
        let mut noted = Entry { term, proposal, outcome: None, changes: None, seen_at: now.as_nanos() };
        match &noted.proposal {
            None => self.pure.advance(term, index),
            Some(proposal) => {
                self.time.stamped(index, proposal.at);
                let applied = self.pure.apply(term, index, proposal);
                let applied = applied.map_err(|why| Broken::new(replay_equal::NAME, why.to_string()))?;
                (noted.outcome, noted.changes) = (Some(applied.outcome), applied.changes);
            }
        }
        self.hashes.insert(index, self.pure.hashes().of_level(u32::MAX));
        self.log.insert(index, noted);
        Ok(())
    }

    /// Bounds on memory and disk.
    ///
    /// # Errors
    /// The bound that was crossed.
    pub fn measure(&self, replica: &ServerReplica, sizes: &[(String, u64)], segment_bytes: u64) -> Held {
        space_bound::feed(&replica.feed().stats(), replica.feed().limits())?;
        let book = self.ledger.book();
        space_bound::disk(sizes, space_bound::needed(&book.entries, book.purged_before.index), segment_bytes)
    }

    /// What of the log counts as a mark.
    pub fn count(&self, marks: &mut Marks) {
        for entry in self.log.values() {
            let Some(proposal) = &entry.proposal else { continue };
            match (&proposal.command, &entry.outcome) {
                (Command::SessionExpire { .. }, Some(Outcome::Counted(count))) => {
                    marks.add("session expiry", *count);
                }
                (Command::KvExpire { .. }, Some(Outcome::Counted(count))) => marks.add("key expiry", *count),
                (
                    Command::Restore(konsul_types::restore::RestoreCommand::Commit { .. }),
                    Some(Outcome::Counted(_)),
                ) => {
                    marks.hit("restore");
                }
                (_, Some(Outcome::Refused(konsul_types::Refusal::RequestExpired))) => {
                    marks.hit("request expired");
                }
                (_, Some(Outcome::Refused(konsul_types::Refusal::Superseded))) => marks.hit("superseded"),
                (_, Some(Outcome::Refused(konsul_types::Refusal::LockDelay { .. }))) => {
                    marks.hit("lock delay");
                }
                (
                    _,
                    Some(Outcome::Refused(
                        konsul_types::Refusal::TooManyKeys { .. }
                        | konsul_types::Refusal::TooManyBytes { .. },
                    )),
                ) => {
                    marks.hit("quota refusal");
                }
                (_, Some(Outcome::TxnRolledBack(_))) => marks.hit("rolled back"),
                _ => {}
            }
            if let Some(mark) = of_services(&proposal.command, entry.outcome.as_ref(), entry.changes.as_ref())
            {
                marks.hit(mark);
            }
        }
    }

    /// The index and time of the pure state.
    pub fn position(&self) -> (Index, Millis) {
        (self.pure.index(), self.pure.at())
    }
}
