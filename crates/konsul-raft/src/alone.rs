//! Whether this node leads by itself: then nobody else can, and a read needs no round to be linearizable.
//!
//! A node that is the only voter and has won its election stays the leader until it votes for somebody else or takes in
//! another membership. Both have to be in its log before anybody else can act on them. So the log opens a new *turn*
//! before it takes in either ([`Alone::next_turn`]), and a round that confirmed the leadership of the only voter is good
//! for the turn in which it began ([`Alone::confirm`]). Whoever finds that turn still open reads what no other leader can
//! have changed ([`Alone::position`]). No clock is involved, and nothing that is told late.
//!
//! A larger cluster never gets there: its reads wait for a round, see [`rounds`](crate::rounds).

use std::sync::atomic::{AtomicU64, Ordering};

use konsul_storage::contract::LogId;

/// Shared by the log, the rounds, the state machine and the readers.
#[derive(Debug)]
pub(crate) struct Alone {
    /// Counts votes and memberships that were taken in.
    turn: AtomicU64,
    /// The turn for which leadership is confirmed; 0 is none.
    confirmed: AtomicU64,
    /// The term in which this node led then.
    term: AtomicU64,
    /// Last position of which the result is published.
    applied: AtomicU64,
}

impl Alone {
    pub(crate) fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self { turn: AtomicU64::new(1), confirmed: zero(), term: zero(), applied: zero() }
    }

    /// Called before a vote or a membership goes into the log.
    pub(crate) fn next_turn(&self) {
        self.turn.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn turn(&self) -> u64 {
        self.turn.load(Ordering::SeqCst)
    }

    pub(crate) fn is_confirmed(&self, turn: u64) -> bool {
        self.confirmed.load(Ordering::Acquire) == turn
    }

    /// Notes that this node led in `term` after `turn` was read, its own first entry applied, and that after that it was
    /// found to be the only voter.
    pub(crate) fn confirm(&self, turn: u64, term: u64) {
        self.term.store(term, Ordering::Relaxed);
        self.confirmed.store(turn, Ordering::Release);
    }

    /// Called after the result of an entry was published, and before anybody hears of it.
    pub(crate) fn applied(&self, index: u64) {
        self.applied.store(index, Ordering::Release);
    }

    /// The position that is applied at least, if nobody but this node can lead now.
    pub(crate) fn position(&self) -> Option<LogId> {
        let confirmed = self.confirmed.load(Ordering::Acquire);
        if confirmed == 0 || self.turn() != confirmed {
            return None;
        }
        let term = self.term.load(Ordering::Relaxed);
        // Every entry from the leader's own first one on is of its term.
        Some(LogId { term, index: self.applied.load(Ordering::Acquire) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confirmation_is_good_for_its_turn_only() {
        let alone = Alone::new();
        assert_eq!(alone.position(), None);
        alone.applied(7);
        let turn = alone.turn();
        alone.confirm(turn, 3);
        assert_eq!(alone.position(), Some(LogId { term: 3, index: 7 }));
        alone.next_turn();
        assert_eq!(alone.position(), None);
        alone.confirm(turn, 3);
        assert_eq!(alone.position(), None, "the round began before the vote or the membership");
        alone.confirm(alone.turn(), 4);
        assert_eq!(alone.position(), Some(LogId { term: 4, index: 7 }));
    }
}
