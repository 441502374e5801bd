//! Restore of a backup: staged in chunks, in force by one entry.
//!
//! Chunks are state like any other, so a restore survives a change of leader and a snapshot taken in its midst. The commit
//! reads them as a snapshot; if they are not a whole one the state stays as it was, on every replica alike. What comes back
//! is the backup's records with their indexes. Its sessions are ended: whoever held them has gone on. So are those of the
//! present, and the locks that they lose stay free for their delay, because a holder may not have noticed yet. The clock,
//! the position in the log, the remembered requests and the bounds stay those of the present. To a client everything
//! changed.

use imbl::{OrdSet, Vector};
use konsul_types::restore::{RESTORE_CHUNK_MAX, RestoreCommand};
use konsul_types::{Change, Index, Key, Millis, Namespace, Outcome, Refusal, RestoreId, Value};

use crate::hash::Table;
use crate::locks::running_delays;
use crate::mutants;
use crate::snapshot::Restorer;
use crate::state::State;

/// Most bytes that a restore may stage.
pub const STAGED_BYTES_MAX: u64 = 16 << 30;

/// Highest index that a backup may have: above it there is still room for more entries than will ever be.
pub const INDEX_MAX: u64 = 1 << 62;

/// A restore on its way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staging {
    pub(crate) id: RestoreId,
    pub(crate) chunks: Vector<Value>,
    pub(crate) bytes: u64,
}

impl State {
    pub(crate) fn restore_step(&mut self, step: &RestoreCommand, changes: &mut Vec<Change>) -> Outcome {
        let done = match step {
            RestoreCommand::Begin { id } => {
                self.staging = Some(Staging { id: *id, chunks: Vector::new(), bytes: 0 });
                Ok(Outcome::Done)
            }
            RestoreCommand::Chunk { id, number, bytes } => self.stage(*id, *number, bytes),
            RestoreCommand::Commit { id, chunks } => self.restore_commit(*id, *chunks, changes),
            RestoreCommand::Abort { id } => {
                if self.staging.as_ref().is_some_and(|staging| staging.id == *id) {
                    self.staging = None;
                }
                Ok(Outcome::Done)
            }
        };
        done.unwrap_or_else(Outcome::Refused)
    }

    fn stage(&mut self, id: RestoreId, number: u32, bytes: &Value) -> Result<Outcome, Refusal> {
        let staging = self.staging.as_mut().filter(|staging| staging.id == id).ok_or_else(not_staged)?;
        let expected = staging.chunks.len();
        if number as usize != expected {
            return Err(order(format!("chunk {number} came where chunk {expected} was due")));
        }
        let staged = staging.bytes + bytes.len() as u64;
        // One row may be as large as a value, whatever the bound on that.
        let most = RESTORE_CHUNK_MAX as u64 + self.limits.value_bytes;
        if bytes.len() as u64 > most || staged > STAGED_BYTES_MAX {
            return Err(order(format!(
                "chunk {number} of {} bytes is more than may be staged: {most} at once, {STAGED_BYTES_MAX} in all",
                bytes.len()
            )));
        }
        staging.bytes = staged;
        staging.chunks.push_back(bytes.clone());
        Ok(Outcome::Done)
    }

    fn restore_commit(
        &mut self,
        id: RestoreId,
        chunks: u32,
        changes: &mut Vec<Change>,
    ) -> Result<Outcome, Refusal> {
        let staging = self.staging.take_if(|staging| staging.id == id).ok_or_else(not_staged)?;
        if staging.chunks.len() != chunks as usize {
            return Err(order(format!("{} of {chunks} chunks are here", staging.chunks.len())));
        }
        let backup = read_backup(&staging)
            .and_then(|backup| self.must_fit(backup))
            .map_err(|why| Refusal::RestoreRefused { why })?;
        self.take_over(backup);
        changes.push(Change::Reset);
        Ok(Outcome::Counted(self.keyspaces().map(|(_, keys)| keys.len()).sum()))
    }

    /// Refuses what this cluster could not carry on from. Goes by the feature level of the cluster, not of this build, so
    /// that servers of different builds decide alike.
    fn must_fit(&self, backup: State) -> Result<State, String> {
        if backup.feature_level > self.feature_level {
            return Err(format!(
                "it has feature level {}, this cluster {}; raise that first",
                backup.feature_level, self.feature_level
            ));
        }
        if backup.index.0 > INDEX_MAX {
            return Err(format!(
                "its index {} leaves no room for more; at most {INDEX_MAX} is possible",
                backup.index
            ));
        }
        Ok(backup)
    }

    /// Takes the records of a backup in place of the present ones.
    fn take_over(&mut self, backup: State) {
        if mutants::active(mutants::RESTORE_IN_TWO) {
            self.keyspaces = backup.keyspaces;
            return;
        }
        // Indexes go on above everything that the backup's clients saw.
        self.index = self.index.max(Index(backup.index.0 + 1));
        let requests_hash = self.hashes.of(Table::Requests);
        // Readers hear of one reset, not of each of these ends.
        self.end_all_sessions(&mut Vec::new());
        let delays = self.take_delays();
        let lock_delays = running_delays(&self.locks, self.at);
        self.keyspaces = backup.keyspaces;
        self.sessions = backup.sessions;
        self.locks = backup.locks;
        self.timeline = backup.timeline;
        self.catalog = backup.catalog;
        self.queries = backup.queries;
        self.events = backup.events;
        self.hashes = backup.hashes.with(Table::Requests, requests_hash);
        self.restored_at = self.index;
        // The backup's delays are those of another time.
        self.take_delays();
        for (namespace, key, until) in delays {
            self.keyspace_mut(&namespace).delay_lock(&key, until);
        }
        self.carry_lock_delays(lock_delays);
        self.end_all_sessions(&mut Vec::new());
        self.prune_history();
    }

    /// Takes out the lock delays of every namespace, and answers those that still run.
    fn take_delays(&mut self) -> Vec<(Namespace, Key, Millis)> {
        let names: Vec<Namespace> = self.keyspaces.keys().cloned().collect();
        let at = self.at;
        let mut taken = Vec::new();
        for namespace in names {
            let keys = self.keyspace_mut(&namespace);
            keys.delay_order = OrdSet::new();
            let delays = std::mem::take(&mut keys.delays).into_iter();
            let running = delays.filter(|(_, until)| *until > at);
            taken.extend(running.map(|(key, until)| (namespace.clone(), key, until)));
        }
        taken
    }
}

fn read_backup(staging: &Staging) -> Result<State, String> {
    let mut restorer = Restorer::new();
    for chunk in &staging.chunks {
        restorer.chunk(chunk.as_bytes()).map_err(|why| why.to_string())?;
    }
    restorer.finish().map_err(|why| why.to_string())
}

fn not_staged() -> Refusal {
    order("no such restore is being staged; begin again".into())
}

fn order(why: String) -> Refusal {
    Refusal::RestoreOrder { why }
}
