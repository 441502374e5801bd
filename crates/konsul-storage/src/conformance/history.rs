//! Histories of actions: one written by hand, and random ones.

use bytes::Bytes;

use super::model::{Action, Model, payload};
use crate::contract::{Entry, EntryKind, LogId, SnapshotMeta, Vote};
use crate::vfs::sim::rng::Rng;

/// An entry for tests.
pub fn entry(term: u64, index: u64, len: usize) -> Entry {
    let id = LogId { term, index };
    let kind = match index % 5 {
        0 => EntryKind::Blank,
        1 => EntryKind::Membership,
        _ => EntryKind::Command,
    };
    Entry { id, kind, payload: payload(id, len) }
}

/// What a snapshot that covers entries up to `last` is called and says.
pub fn snapshot(last: LogId, serial: u64) -> Action {
    let id = format!("{:016}-{:016}-{serial}", last.term, last.index);
    let membership = Bytes::from(format!("members at {last}"));
    let chunks = vec![payload(last, 900).to_vec(), Vec::new(), format!("state at {last}").into_bytes()];
    Action::Snapshot(SnapshotMeta { last, membership, id }, chunks)
}

fn append(term: u64, indexes: std::ops::RangeInclusive<u64>, len: usize) -> Action {
    Action::Append(indexes.map(|index| entry(term, index, len)).collect())
}

fn vote(term: u64, node: u64) -> Action {
    Action::Vote(Vote { term, voted_for: Some(node), committed: false })
}

fn at(term: u64, index: u64) -> LogId {
    LogId { term, index }
}

/// A life in small: votes, groups of all sizes, segments that fill up, a truncation, three snapshots, purges,
/// a log that begins anew behind a snapshot from elsewhere. For segments of 4 KiB.
pub fn scripted() -> Vec<Action> {
    vec![
        vote(1, 1),
        append(1, 1..=1, 10),
        Action::Sync,
        append(1, 2..=4, 200),
        append(1, 5..=5, 1500),
        Action::Sync,
        append(1, 6..=6, 0),
        vote(2, 3),
        append(2, 7..=9, 700),
        append(2, 10..=10, 30),
        Action::Sync,
        Action::Truncate(9),
        append(3, 9..=12, 400),
        Action::Sync,
        append(3, 13..=13, 9000),
        Action::Sync,
        snapshot(at(3, 12), 1),
        Action::Purge(at(3, 12)),
        append(3, 14..=20, 300),
        Action::Sync,
        vote(3, 2),
        append(3, 21..=28, 350),
        Action::Sync,
        snapshot(at(3, 26), 2),
        Action::Purge(at(3, 20)),
        Action::Truncate(28),
        append(4, 28..=31, 500),
        Action::Sync,
        snapshot(at(4, 30), 3),
        Action::Purge(at(4, 30)),
        append(4, 32..=33, 100),
        Action::Sync,
        snapshot(at(5, 60), 4),
        Action::Purge(at(5, 60)),
        append(5, 61..=64, 600),
        Action::Sync,
        vote(6, 1),
    ]
}

/// A random history that a consensus layer could have produced.
pub fn random(seed: u64, len: usize) -> Vec<Action> {
    let mut author =
        Author { rng: Rng::new(seed), model: Model::default(), term: 1, serial: 0, synced: true };
    let mut history = Vec::new();
    while history.len() < len {
        for action in author.next() {
            author.model.apply(&action);
            author.synced = action.makes_durable()
                || (author.synced && !matches!(action, Action::Append(_) | Action::Truncate(_)));
            history.push(action);
        }
    }
    history
}

struct Author {
    rng: Rng,
    model: Model,
    term: u64,
    serial: u64,
    synced: bool,
}

impl Author {
    fn next(&mut self) -> Vec<Action> {
        match self.rng.below(20) {
            0..=8 => vec![self.append()],
            9..=12 => vec![Action::Sync],
            13..=14 => vec![self.vote()],
            15 => self.truncate(),
            16..=17 => self.snapshot(),
            18 => self.purge(),
            _ => self.replace(),
        }
    }

    fn append(&mut self) -> Action {
        let first = self.model.last.index + 1;
        let count = 1 + self.rng.below(6);
        let longest = if self.rng.chance(1500) { 3000 } else { 300 };
        Action::Append(
            (first..first + count)
                .map(|index| entry(self.term, index, self.rng.below(longest) as usize))
                .collect(),
        )
    }

    fn vote(&mut self) -> Action {
        self.term += self.rng.below(3);
        let voted_for = self.rng.coin().then(|| self.rng.below(5));
        Action::Vote(Vote { term: self.term, voted_for, committed: self.rng.coin() })
    }

    /// Cuts entries that no snapshot covers, as a new leader does.
    fn truncate(&mut self) -> Vec<Action> {
        let covered =
            self.model.snapshots.last().map_or(0, |(meta, _)| meta.last.index).max(self.model.purged.index);
        if self.model.last.index <= covered {
            return Vec::new();
        }
        self.term += 1;
        vec![Action::Truncate(covered + 1 + self.rng.below(self.model.last.index - covered))]
    }

    fn snapshot(&mut self) -> Vec<Action> {
        let newest =
            self.model.snapshots.last().map_or(0, |(meta, _)| meta.last.index).max(self.model.purged.index);
        let Some(entry) = self.model.entries.range(newest + 1..).next_back() else { return Vec::new() };
        let last = entry.1.id;
        self.serial += 1;
        let taken = snapshot(last, self.serial);
        if self.synced { vec![taken] } else { vec![Action::Sync, taken] }
    }

    fn purge(&mut self) -> Vec<Action> {
        let Some((meta, _)) = self.model.snapshots.last() else { return Vec::new() };
        let upto = meta.last.index.saturating_sub(self.rng.below(4));
        self.model.entries.get(&upto).map(|e| Action::Purge(e.id)).into_iter().collect()
    }

    /// A snapshot from a leader that is far ahead takes the log's place.
    fn replace(&mut self) -> Vec<Action> {
        if self.rng.coin() {
            return Vec::new();
        }
        self.term += 1;
        self.serial += 1;
        let last = at(self.term, self.model.last.index + 1 + self.rng.below(50));
        vec![Action::Sync, snapshot(last, self.serial), Action::Purge(last)]
    }
}
