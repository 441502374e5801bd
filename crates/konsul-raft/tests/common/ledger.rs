//! A state machine that writes down what it was told.

use std::sync::{Arc, Mutex};

use konsul_raft::contract::{Committed, Fatal, IncomingChunks, SnapshotChunks, StateMachine};
use konsul_storage::contract::LogId;

/// What the test sees of the machine: all lines, the last position, and the sizes of batches.
#[derive(Clone, Default)]
pub struct Shown(Arc<Mutex<View>>);

#[derive(Default)]
pub struct View {
    pub lines: Vec<String>,
    pub applied: LogId,
    pub batches: Vec<usize>,
    pub restored: usize,
}

impl Shown {
    pub fn view<R>(&self, look: impl FnOnce(&View) -> R) -> R {
        look(&self.0.lock().unwrap())
    }

    pub fn lines(&self) -> Vec<String> {
        self.view(|view| view.lines.clone())
    }
}

/// Replies with the number of lines. The command `stop` is fatal.
pub struct Ledger {
    lines: Vec<String>,
    applied: LogId,
    shown: Shown,
}

impl Ledger {
    pub fn new(shown: &Shown) -> Self {
        Self { lines: Vec::new(), applied: LogId::default(), shown: shown.clone() }
    }

    fn show(&self) {
        let mut view = self.shown.0.lock().unwrap();
        let known = view.lines.len();
        view.lines.extend_from_slice(&self.lines[known..]);
        view.applied = self.applied;
    }
}

impl StateMachine for Ledger {
    type Reply = u64;

    fn applied(&self) -> LogId {
        self.applied
    }

    fn apply(&mut self, batch: &[Committed]) -> Result<Vec<u64>, Fatal> {
        let mut replies = Vec::new();
        for entry in batch {
            assert!(entry.id.index == self.applied.index + 1, "{} after {}", entry.id, self.applied);
            self.applied = entry.id;
            let Some(command) = &entry.command else { continue };
            let line = String::from_utf8(command.to_vec()).unwrap();
            if line == "stop" {
                return Err(Fatal { at: entry.id, what: "told to".to_owned() });
            }
            self.lines.push(line);
            replies.push(self.lines.len() as u64);
        }
        self.show();
        self.shown.0.lock().unwrap().batches.push(batch.len());
        Ok(replies)
    }

    fn snapshot(&self) -> SnapshotChunks {
        Box::new(self.lines.clone().into_iter().map(String::into_bytes))
    }

    fn restore(&mut self, last: LogId, chunks: IncomingChunks<'_>) -> Result<(), Fatal> {
        let lines = chunks.map(|chunk| chunk.map(|bytes| String::from_utf8(bytes).unwrap()));
        self.lines = lines.collect::<Result<_, _>>().map_err(|what| Fatal { at: last, what })?;
        self.applied = last;
        {
            let mut view = self.shown.0.lock().unwrap();
            view.lines.clear();
            view.restored += 1;
        }
        self.show();
        Ok(())
    }
}
