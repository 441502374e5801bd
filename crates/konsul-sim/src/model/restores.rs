//! Restores: staged in chunks, in force by one entry, and then exactly what was saved, with all sessions ended.

use std::collections::BTreeMap;

use konsul_state::Restorer;
use konsul_types::restore::RestoreCommand;
use konsul_types::{Change, Index, Outcome, Refusal, RestoreId, Value};

use super::Model;

/// A restore on its way in.
#[derive(Debug, Clone)]
pub(super) struct Staging {
    id: RestoreId,
    chunks: Vec<Value>,
}

/// The words of such a refusal are the server's own; the model only says that there is one.
fn refused() -> Outcome {
    Outcome::Refused(Refusal::RestoreOrder { why: String::new() })
}

impl Model {
    pub(super) fn restore(&mut self, step: &RestoreCommand, changes: &mut Vec<Change>) -> Outcome {
        match step {
            RestoreCommand::Begin { id } => {
                self.staging = Some(Staging { id: *id, chunks: Vec::new() });
                Outcome::Done
            }
            RestoreCommand::Chunk { id, number, bytes } => match &mut self.staging {
                Some(staging) if staging.id == *id && staging.chunks.len() == *number as usize => {
                    staging.chunks.push(bytes.clone());
                    Outcome::Done
                }
                _ => refused(),
            },
            RestoreCommand::Abort { id } => {
                self.staging = self.staging.take().filter(|staging| staging.id != *id);
                Outcome::Done
            }
            RestoreCommand::Commit { id, chunks } => self.commit(*id, *chunks, changes),
        }
    }

    fn commit(&mut self, id: RestoreId, chunks: u32, changes: &mut Vec<Change>) -> Outcome {
        let Some(staging) = self.staging.take_if(|staging| staging.id == id) else { return refused() };
        if staging.chunks.len() != chunks as usize {
            return refused();
        }
        // Which backup it is, only the bytes know; what it must hold, only the model.
        let Some(backup) = index_of(&staging.chunks).and_then(|index| self.saved.get(&index).cloned()) else {
            return refused();
        };
        self.take_over((*backup).clone());
        changes.push(Change::Reset);
        Outcome::Counted(self.keys.len() as u64)
    }

    fn take_over(&mut self, backup: Model) {
        // Whoever holds a lock now may not notice that its session ended: the locks stay free for their delay.
        self.end_all();
        let at = self.at;
        let mut delays = std::mem::take(&mut self.delays);
        delays.retain(|_, until| *until > at);
        self.keys = backup.keys;
        self.sessions = backup.sessions;
        self.restore_locks(backup.locks);
        self.catalogue = backup.catalogue;
        self.queries = backup.queries;
        self.news = backup.news;
        self.events = backup.events;
        self.ltime = backup.ltime;
        self.sessions_changed = backup.sessions_changed;
        self.touched = BTreeMap::new();
        self.restored_at = self.index;
        self.delays = delays;
        self.end_all();
    }

    fn end_all(&mut self) {
        let all: Vec<_> = self.sessions.keys().cloned().collect();
        for (namespace, id) in all {
            self.end(&namespace, id, &mut Vec::new());
        }
    }
}

fn index_of(chunks: &[Value]) -> Option<Index> {
    let mut restorer = Restorer::new();
    chunks.iter().try_for_each(|chunk| restorer.chunk(chunk.as_bytes())).ok()?;
    restorer.finish().ok().map(|state| state.index())
}
