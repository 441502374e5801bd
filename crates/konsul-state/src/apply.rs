//! One committed entry becomes state.

use konsul_types::{Change, ChangeSet, Command, Index, Limits, Outcome, Proposal, Refusal};

use crate::state::{CHECKPOINTS_KEPT, HASH_EVERY, State};

/// What an entry did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Its index, as clients see it.
    pub index: Index,
    /// The answer to whoever proposed it.
    pub outcome: Outcome,
    /// What became different; `None` if nothing did.
    pub changes: Option<ChangeSet>,
}

/// This replica holds something else than the leader: it must stop, because whatever it answers may be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("table {table} differs from the leader's as of index {index}: this server's state cannot be trusted")]
pub struct Divergence {
    /// The first table that differs.
    pub table: &'static str,
    /// The index at which the hashes were taken.
    pub index: Index,
}

impl State {
    /// Applies the command at a position of the log, which must follow the last applied one.
    ///
    /// Every condition that all replicas share is an outcome. [`Divergence`] is the only error, and a reason to stop.
    pub fn apply(&mut self, term: u64, log_index: u64, proposal: &Proposal) -> Result<Applied, Divergence> {
        self.advance(term, log_index);
        self.at = self.at.max(proposal.at);
        self.prune_requests();
        if let Some(refusal) = self.above_level(proposal) {
            return Ok(Applied { index: self.index, outcome: Outcome::Refused(refusal), changes: None });
        }
        if let Command::CompareHash { index, hashes } = &proposal.command {
            self.compare(*index, hashes)?;
        }
        let repeated = proposal.request.and_then(|asked| self.repeated(asked));
        if let Some(outcome) = repeated {
            return Ok(Applied { index: self.index, outcome, changes: None });
        }
        let mut changes = Vec::new();
        let outcome = self.run(&proposal.command, &mut changes);
        self.settle_locks(&mut changes);
        self.settle_services(&mut changes);
        if let Some(request) = proposal.request {
            self.remember(request, &outcome);
        }
        if self.feature_level >= 2 && !changes.is_empty() {
            self.timeline.note(self.index, self.at);
        }
        let (index, at) = (self.index, self.at);
        let changes = (!changes.is_empty()).then_some(ChangeSet { index, at, changes });
        Ok(Applied { index, outcome, changes })
    }

    /// Moves the applied position over an entry without a command.
    pub fn advance(&mut self, term: u64, log_index: u64) {
        debug_assert!(log_index > self.log_index, "entries are applied in order, once");
        let next = Index(self.index.0 + (log_index - self.log_index));
        if self.index.0 / HASH_EVERY != next.0 / HASH_EVERY {
            self.remember_hashes();
        }
        self.term = term;
        self.index = next;
        self.log_index = log_index;
    }

    /// What a command above the feature level hears. The waist does not propose one; a deposed leader might, and a restore
    /// may lower nothing, so this holds whoever proposes.
    fn above_level(&self, proposal: &Proposal) -> Option<Refusal> {
        let (present, wanted) = (self.feature_level, proposal.level());
        (wanted > present).then_some(Refusal::FeatureLevel { present, wanted })
    }

    fn run(&mut self, command: &Command, changes: &mut Vec<Change>) -> Outcome {
        match command {
            Command::Kv { namespace, op } => {
                self.prune_delays(namespace);
                self.kv_command(namespace, op, changes)
            }
            Command::Txn { ops } => self.txn(ops, changes),
            Command::SessionCreate { namespace, spec } => self.session_create(namespace, spec, changes),
            Command::SessionDestroy { namespace, id } => self.session_destroy(namespace, *id, changes),
            Command::SessionRenew { namespace, id } => self.session_renew(namespace, *id),
            Command::SessionExpire { term, sessions } => self.sessions_expire(*term, sessions, changes),
            Command::KvExpire { term, keys } => self.kv_expire(*term, keys, changes),
            Command::EventFire { event } => self.event_fire(event, changes),
            Command::Catalog(command) => self.catalog_command(command, changes),
            Command::Query(command) => self.query_command(command, changes),
            Command::LeaderStart { term } => self.leader_start(*term),
            Command::SetLimits(limits) => self.set_limits(limits.over(self.limits)),
            Command::SetBounds(limits) => self.set_limits(*limits),
            Command::Lock { namespace, op } => self.lock_command(namespace, op, changes),
            Command::LockDue { term, locks } => self.lock_due(*term, locks, changes),
            Command::Batch { atomic, ops } => self.batch(*atomic, ops, changes),
            Command::RaiseFeatureLevel { level } => self.raise_feature_level(*level),
            Command::CompareHash { .. } => Outcome::Done,
            Command::Reap { upto } => self.reap(*upto),
            Command::Restore(step) => self.restore_step(step, changes),
        }
    }

    fn prune_delays(&mut self, namespace: &konsul_types::Namespace) {
        let at = self.at;
        let due = |keys: &crate::Keyspace| keys.delay_order.get_min().is_some_and(|(until, _)| *until <= at);
        if self.keyspace(namespace).is_some_and(due) {
            self.keyspace_mut(namespace).prune_delays(at);
        }
    }

    fn set_limits(&mut self, limits: Limits) -> Outcome {
        let shrinks = limits.history_bytes < self.limits.history_bytes;
        self.limits = limits;
        if shrinks {
            self.prune_history();
        }
        Outcome::Done
    }

    fn raise_feature_level(&mut self, level: u32) -> Outcome {
        if level < self.feature_level || level > konsul_types::FEATURE_LEVEL {
            return Outcome::Refused(Refusal::FeatureLevel { present: self.feature_level, wanted: level });
        }
        self.feature_level = level;
        Outcome::Done
    }

    /// Remembers the hashes as of the last applied entry.
    fn remember_hashes(&mut self) {
        self.checkpoints.push_back((self.index, self.hashes.of_level(self.feature_level)));
        while self.checkpoints.len() > CHECKPOINTS_KEPT {
            self.checkpoints.pop_front();
        }
    }

    /// Compares with what the leader had at an index. Nothing is said about an index that is no longer remembered.
    fn compare(&self, index: Index, theirs: &[u64]) -> Result<(), Divergence> {
        let Some((_, ours)) = self.checkpoints.iter().find(|(at, _)| *at == index) else {
            return Ok(());
        };
        match ours.iter().zip(theirs).position(|(a, b)| a != b) {
            Some(at) => Err(Divergence { table: crate::hash::Table::ALL[at].name(), index }),
            None => Ok(()),
        }
    }
}
