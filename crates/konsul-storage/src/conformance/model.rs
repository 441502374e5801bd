//! What a store should hold, as simply as it can be said.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::contract::{Entry, LogId, SnapshotMeta, Storage, StorageError, Vote};

/// One call of a layer above, or a short sequence of calls that belong together.
#[derive(Debug, Clone)]
pub enum Action {
    /// Entries behind the last one.
    Append(Vec<Entry>),
    /// All before is durable after it.
    Sync,
    /// A vote; durable when it returns, with all before it.
    Vote(Vote),
    /// Entries from this index on are removed.
    Truncate(u64),
    /// Entries up to here are given up.
    Purge(LogId),
    /// A snapshot is begun, written, finished and installed. The layers above take one of committed entries
    /// only, so a history syncs before it.
    Snapshot(SnapshotMeta, Vec<Vec<u8>>),
}

impl Action {
    /// Does it to a store.
    pub fn run(&self, store: &mut dyn Storage) -> Result<(), StorageError> {
        match self {
            Action::Append(entries) => store.append(entries),
            Action::Sync => store.sync(),
            Action::Vote(vote) => store.save_vote(*vote),
            Action::Truncate(from) => store.truncate(*from),
            Action::Purge(upto) => store.purge(*upto),
            Action::Snapshot(meta, chunks) => {
                let mut writer = store.begin_snapshot(meta.clone())?;
                chunks.iter().try_for_each(|chunk| writer.write(chunk))?;
                let finished = writer.finish()?;
                store.install_snapshot(finished).map(|_| ())
            }
        }
    }

    /// Whether everything before it is durable once it has returned.
    pub fn makes_durable(&self) -> bool {
        matches!(self, Action::Sync | Action::Vote(_))
    }
}

/// The state that a history of actions leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    /// The vote.
    pub vote: Option<Vote>,
    /// Entries up to here may be gone.
    pub purged: LogId,
    /// The last entry's position.
    pub last: LogId,
    /// All entries since the log was last begun anew, purged ones included: an engine may still have them.
    pub entries: BTreeMap<u64, Entry>,
    /// Snapshots, oldest first.
    pub snapshots: Vec<(SnapshotMeta, Vec<Vec<u8>>)>,
}

impl Model {
    /// Follows an action that succeeded.
    pub fn apply(&mut self, action: &Action) {
        match action {
            Action::Append(entries) => {
                self.entries.extend(entries.iter().map(|e| (e.id.index, e.clone())));
                self.last = entries.last().map_or(self.last, |e| e.id);
            }
            Action::Sync => {}
            Action::Vote(vote) => self.vote = Some(*vote),
            Action::Truncate(from) => self.truncate(*from),
            Action::Purge(upto) => self.purge(*upto),
            Action::Snapshot(meta, chunks) => {
                self.snapshots.push((meta.clone(), chunks.clone()));
                self.snapshots.sort_by_key(|(meta, _)| meta.last.index);
            }
        }
    }

    fn truncate(&mut self, from: u64) {
        if from <= self.last.index {
            self.entries.retain(|index, _| *index < from);
            self.last = self.entries.get(&(from - 1)).map_or(self.purged, |e| e.id);
        }
    }

    fn purge(&mut self, upto: LogId) {
        if upto.index <= self.purged.index {
            return;
        }
        if self.entries.get(&upto.index).is_none_or(|e| e.id != upto) {
            self.entries.clear();
            self.last = upto;
        }
        self.purged = upto;
    }

    /// Compares with a store; says the first difference.
    ///
    /// A store that was restarted may have gone back in what it purged, as long as it then has the entries,
    /// or forward, as long as a snapshot covers them. Both are invisible to a state machine that starts from
    /// the snapshot.
    pub fn check(&self, store: &dyn Storage) -> Result<(), String> {
        equal("vote", &store.vote(), &self.vote)?;
        let (purged, last) = store.log_bounds();
        equal("last entry", &last, &self.last)?;
        self.check_newest(store)?;
        let newest = self.snapshots.last().map_or(0, |(meta, _)| meta.last.index);
        if purged.index > newest.max(self.purged.index) {
            return Err(format!("entries up to {purged} are gone, but snapshots cover {newest} only"));
        }
        self.check_entries(store, purged.index, last.index)
    }

    fn check_entries(&self, store: &dyn Storage, purged: u64, last: u64) -> Result<(), String> {
        let found = store.read(0, u64::MAX).map_err(|e| format!("read of the whole log: {e}"))?;
        equal("number of entries", &(found.len() as u64), &(last - purged))?;
        for (entry, index) in found.iter().zip(purged + 1..) {
            equal("entry", &Some(entry), &self.entries.get(&index))?;
        }
        Ok(())
    }

    fn check_newest(&self, store: &dyn Storage) -> Result<(), String> {
        let found = store.latest_snapshot().map_err(|e| format!("newest snapshot: {e}"))?;
        let Some((meta, mut reader)) = found else {
            return equal("snapshots", &0, &self.snapshots.len());
        };
        let mut chunks = Vec::new();
        while let Some(chunk) = reader.next_chunk().map_err(|e| format!("snapshot {}: {e}", meta.id))? {
            chunks.push(chunk);
        }
        equal("newest snapshot", &Some(&(meta, chunks)), &self.snapshots.last())
    }
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, due: &T) -> Result<(), String> {
    if found == due {
        return Ok(());
    }
    let short = |value: &T| format!("{value:?}").chars().take(160).collect::<String>();
    Err(format!("{what}: found {}, due {}", short(found), short(due)))
}

/// A payload that says where it belongs, so that no two entries look alike.
pub fn payload(id: LogId, len: usize) -> Bytes {
    let mut bytes: Vec<u8> = format!("{id}:").into_bytes();
    // A stretch of zeros inside, as real values have them: it must not be taken for a missing sector.
    let fill = if id.index.is_multiple_of(3) { 0 } else { (id.index % 251) as u8 };
    bytes.resize(len.max(bytes.len()), fill);
    bytes.into()
}
