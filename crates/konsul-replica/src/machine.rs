//! The state machine that consensus drives.

use std::sync::Arc;

use konsul_raft::contract::{Committed, Fatal, IncomingChunks, SnapshotChunks, StateMachine};
use konsul_state::{Restorer, State};
use konsul_storage::contract::LogId;
use konsul_types::{ChangeSet, Index, Outcome, Proposal};

use crate::mutants;
use crate::shared::Shared;

/// The working copy of the state and where it is published.
#[derive(Debug)]
pub struct Machine {
    working: State,
    shared: Arc<Shared>,
}

/// What a proposer hears: the index as clients see it, and the outcome.
pub type ReplicaReply = (Index, Outcome);

impl Machine {
    /// A machine before the first entry.
    pub fn new(shared: Arc<Shared>) -> Machine {
        Machine { working: State::new(), shared }
    }

    fn apply_one(
        &mut self,
        entry: &Committed,
        sets: &mut Vec<ChangeSet>,
    ) -> Result<Option<ReplicaReply>, Fatal> {
        let Some(bytes) = &entry.command else {
            self.working.advance(entry.id.term, entry.id.index);
            return Ok(None);
        };
        let fatal = |what: String| Fatal { at: entry.id, what };
        let proposal = Proposal::decode(bytes).map_err(|why| fatal(format!("its command: {why}")))?;
        let applied = self.working.apply(entry.id.term, entry.id.index, &proposal);
        let applied = applied.map_err(|why| fatal(why.to_string()))?;
        sets.extend(applied.changes);
        Ok(Some((applied.index, applied.outcome)))
    }
}

impl StateMachine for Machine {
    type Reply = ReplicaReply;

    fn applied(&self) -> LogId {
        LogId { term: self.working.term(), index: self.working.log_index() }
    }

    fn apply(&mut self, batch: &[Committed]) -> Result<Vec<ReplicaReply>, Fatal> {
        let mut sets = Vec::new();
        let mut replies = Vec::with_capacity(batch.len());
        let before = mutants::active(mutants::INDEX_BEFORE_STATE).then(|| self.working.clone());
        for entry in batch {
            replies.extend(self.apply_one(entry, &mut sets)?);
        }
        match before {
            // The bug: the index moves, the tables follow with the next batch.
            Some(old) => self.shared.publish(&old.with_index_of(&self.working), sets),
            None => self.shared.publish(&self.working, sets),
        }
        Ok(replies)
    }

    fn snapshot(&self) -> SnapshotChunks {
        self.working.chunks()
    }

    fn restore(&mut self, last: LogId, chunks: IncomingChunks<'_>) -> Result<(), Fatal> {
        let fatal = |what: String| Fatal { at: last, what };
        let mut restorer = Restorer::new();
        for chunk in chunks {
            restorer.chunk(&chunk.map_err(fatal)?).map_err(|why| fatal(why.to_string()))?;
        }
        let state = restorer.finish().map_err(|why| fatal(why.to_string()))?;
        if state.log_index() != last.index {
            return Err(fatal(format!(
                "the snapshot holds the state at {}, not at {last}",
                state.log_index()
            )));
        }
        self.working = state;
        self.shared.replace(&self.working);
        Ok(())
    }
}
