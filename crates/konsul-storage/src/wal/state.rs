//! What a history of records amounts to: the vote, the bounds of the log, and where each entry lies.
//!
//! The same functions run when a record is written and when it is read back, so that the two cannot disagree.

use std::collections::VecDeque;

use super::frame::Record;
use super::places::{Places, Position};
use crate::contract::{LogId, Vote};

/// A stretch of the log that one term wrote.
#[derive(Debug, Clone, Copy)]
struct Run {
    from: u64,
    term: u64,
}

/// The log's bounds and index.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    vote: Option<Vote>,
    purged: LogId,
    last: LogId,
    /// Entries up to here are not on disk; those after it are, also if they are purged.
    base: u64,
    places: Places,
    runs: VecDeque<Run>,
}

impl State {
    /// The state before the first record of a segment whose predecessors are gone.
    pub(crate) fn starting_at(vote: Option<Vote>, purged: LogId, last: LogId) -> Self {
        State { vote, purged, last, base: last.index, ..State::default() }
    }

    pub(crate) fn vote(&self) -> Option<Vote> {
        self.vote
    }

    pub(crate) fn purged(&self) -> LogId {
        self.purged
    }

    pub(crate) fn last(&self) -> LogId {
        self.last
    }

    /// Entries up to this index are not on disk any more.
    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    /// Follows one record; `position` is that of an entry. Answers what is wrong with it, if it cannot
    /// follow.
    pub(crate) fn apply(&mut self, record: Record, position: Position) -> Result<(), &'static str> {
        match record {
            Record::Vote(vote) => self.vote = Some(vote),
            Record::Entry(_, id) => return self.append(id, position),
            Record::Truncate(kept) => self.truncate(kept),
            Record::Purge(upto) => self.purge(upto),
        }
        Ok(())
    }

    /// Where an entry lies, if it is on disk.
    pub(crate) fn position(&self, index: u64) -> Option<Position> {
        if index <= self.base { None } else { self.places.get(index) }
    }

    /// The term of an entry, if it is known.
    pub(crate) fn term(&self, index: u64) -> Option<u64> {
        if index == self.purged.index {
            return Some(self.purged.term);
        }
        if index <= self.base || index > self.last.index {
            return None;
        }
        let after = self.runs.partition_point(|run| run.from <= index);
        self.runs.get(after.checked_sub(1)?).map(|run| run.term)
    }

    /// Takes the purged position back, to entries that are still on disk. False if they are not.
    pub(crate) fn unpurge(&mut self, to: LogId) -> bool {
        let there = to.index >= self.base && to.index <= self.last.index;
        if there {
            self.purged = to;
        }
        there
    }

    /// Forgets where entries up to an index lie; their bytes may go.
    pub(crate) fn forget(&mut self, upto: u64) {
        self.base = self.base.max(upto.min(self.last.index));
        self.places.forget(self.base);
        while self.runs.get(1).is_some_and(|next| next.from <= self.base + 1) {
            self.runs.pop_front();
        }
    }

    /// The first segment that still has an entry, as in [`Position::segment`].
    pub(crate) fn first_segment(&self) -> Option<u32> {
        self.places.first_segment()
    }

    /// A vote that was found behind damage and must not be broken.
    pub(crate) fn set_vote(&mut self, vote: Vote) {
        self.vote = Some(vote);
    }

    fn append(&mut self, id: LogId, position: Position) -> Result<(), &'static str> {
        if id.index != self.last.index + 1 {
            return Err("an entry does not follow the one before it: entries are missing");
        }
        if self.runs.back().is_none_or(|run| run.term != id.term) {
            self.runs.push_back(Run { from: id.index, term: id.term });
        }
        self.places.push(id.index, position);
        self.last = id;
        Ok(())
    }

    fn truncate(&mut self, kept: LogId) {
        if kept.index >= self.last.index {
            return;
        }
        self.places.truncate(kept.index);
        while self.runs.back().is_some_and(|run| run.from > kept.index) {
            self.runs.pop_back();
        }
        self.base = self.base.min(kept.index);
        self.places.forget(self.base);
        self.last = kept;
    }

    /// A purge past the end, or of another branch of history, empties the log: a snapshot took its place.
    fn purge(&mut self, upto: LogId) {
        let branch = self.term(upto.index).is_some_and(|term| term != upto.term);
        if upto.index > self.last.index || (branch && upto.index > self.base) {
            self.places.clear();
            self.runs.clear();
            self.base = upto.index;
            self.last = upto;
        }
        if upto.index >= self.purged.index {
            self.purged = upto;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::EntryKind;

    /// The place of the nth frame, counted from 0.
    fn at(nth: u32) -> Position {
        Position { segment: 1, offset: nth * 8, len: 8 }
    }

    fn with(terms: &[u64]) -> State {
        let mut state = State::default();
        for (i, term) in terms.iter().enumerate() {
            let id = LogId { term: *term, index: i as u64 + 1 };
            state
                .apply(Record::Entry(EntryKind::Blank, id), at(i as u32))
                .expect("entries follow each other");
        }
        state
    }

    #[test]
    fn terms_survive_truncation_and_forgetting() {
        let mut state = with(&[1, 1, 2, 2, 5]);
        state.forget(2);
        assert_eq!(
            [state.term(2), state.term(3), state.term(4), state.term(5)],
            [None, Some(2), Some(2), Some(5)]
        );
        state.apply(Record::Truncate(LogId { term: 2, index: 4 }), at(0)).expect("follows");
        assert_eq!(state.last(), LogId { term: 2, index: 4 });
        assert_eq!((state.position(4), state.position(5)), (Some(at(3)), None));
    }

    #[test]
    fn a_hole_is_refused() {
        let mut state = with(&[1]);
        let id = LogId { term: 1, index: 3 };
        assert!(state.apply(Record::Entry(EntryKind::Blank, id), at(9)).is_err());
    }

    #[test]
    fn a_purge_past_the_end_starts_anew() {
        let mut state = with(&[1, 1]);
        let upto = LogId { term: 4, index: 90 };
        state.apply(Record::Purge(upto), at(0)).expect("follows");
        assert_eq!((state.purged(), state.last(), state.position(2)), (upto, upto, None));
        assert!(!state.unpurge(LogId { term: 1, index: 2 }));
    }

    #[test]
    fn a_purge_within_keeps_what_follows() {
        let mut state = with(&[1, 1, 2]);
        state.apply(Record::Purge(LogId { term: 1, index: 2 }), at(0)).expect("follows");
        assert_eq!((state.last().index, state.position(1), state.position(3)), (3, Some(at(0)), Some(at(2))));
        assert!(state.unpurge(LogId { term: 1, index: 1 }), "entry 2 is still on disk");
    }

    #[test]
    fn a_truncation_below_what_is_on_disk_leaves_an_empty_log() {
        let mut state = State::starting_at(None, LogId::default(), LogId { term: 3, index: 100 });
        state.apply(Record::Truncate(LogId { term: 2, index: 50 }), at(0)).expect("follows");
        assert_eq!((state.base(), state.last()), (50, LogId { term: 2, index: 50 }));
        let id = LogId { term: 4, index: 51 };
        state.apply(Record::Entry(EntryKind::Blank, id), at(7)).expect("follows");
        assert_eq!(state.position(51), Some(at(7)));
    }
}
