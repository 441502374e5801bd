//! What parked readers and subscriptions have in common: a topic, and at times a seat on the board.

use std::sync::Arc;
use std::task::{Context, Poll};

use konsul_types::{ChangeSet, Index};

use crate::feed::Feed;
use crate::history::Scan;
use crate::limits::{FeedFull, Kind};
use crate::mutants;
use crate::seats::SeatId;
use crate::slot::{News, Slot};
use crate::topic::Topic;

pub(crate) struct Watcher {
    feed: Feed,
    kind: Kind,
    topic: Topic,
    seat: Option<(SeatId, Arc<Slot>)>,
}

/// A place in the feed: everything up to the index has been looked at, in this generation of history.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor {
    pub(crate) index: Index,
    pub(crate) generation: u64,
}

/// What a watcher found at its cursor.
pub(crate) enum Look {
    /// The first set after the cursor that concerns it; the cursor stands at it now.
    Found(Arc<ChangeSet>),
    /// History no longer reaches back to the cursor.
    FellOut,
    /// History began anew since.
    Replaced,
    /// Nothing yet; it sits on the board and will be told.
    Seated,
}

impl Watcher {
    /// A watcher that counts against the bound of its kind, and the feed's present end.
    pub(crate) fn new(feed: &Feed, kind: Kind, topic: Topic) -> Result<(Self, Cursor), FeedFull> {
        feed.0.admit(kind)?;
        let watcher = Self { feed: feed.clone(), kind, topic, seat: None };
        let end = watcher.end();
        Ok((watcher, end))
    }

    pub(crate) fn feed(&self) -> &Feed {
        &self.feed
    }

    pub(crate) fn topic(&self) -> &Topic {
        &self.topic
    }

    /// The end of the feed as it is now.
    pub(crate) fn end(&self) -> Cursor {
        let state = self.feed.0.lock();
        Cursor { index: state.history.head(), generation: state.generation }
    }

    /// Moves the cursor to the first set that concerns it. Where there is none it takes a seat, in the same
    /// hold of the lock in which it saw the end: nothing can be published between. The lock is released now
    /// and then on the way, so that a reader with a long way to go does not stop the publisher.
    pub(crate) fn look(&mut self, cursor: &mut Cursor) -> Look {
        loop {
            let mut state = self.feed.0.lock();
            if state.generation != cursor.generation {
                return Look::Replaced;
            }
            if cursor.index < state.history.oldest() {
                if !mutants::is(mutants::DROPS_SILENTLY) {
                    return Look::FellOut;
                }
                cursor.index = state.history.oldest();
            }
            match state.history.scan(cursor.index, &self.topic) {
                Scan::Found(set) => {
                    cursor.index = set.index;
                    return Look::Found(set);
                }
                Scan::Nothing(index) => cursor.index = index,
                Scan::End => {
                    cursor.index = cursor.index.max(state.history.head());
                    let slot = Arc::new(Slot::default());
                    let seat = state.board.enter(&self.topic, Arc::clone(&slot), cursor.index);
                    self.seat = Some((seat, slot));
                    return Look::Seated;
                }
            }
        }
    }

    pub(crate) fn is_seated(&self) -> bool {
        self.seat.is_some()
    }

    /// What it was told since it took its seat.
    pub(crate) fn news(&self) -> Option<News> {
        self.seat.as_ref().and_then(|(_, slot)| slot.news())
    }

    /// Waits for news. Never ready without a seat.
    pub(crate) async fn wait(&self) -> News {
        match &self.seat {
            Some((_, slot)) => slot.wait().await,
            None => std::future::pending().await,
        }
    }

    /// The same for those who poll.
    pub(crate) fn poll_wait(&self, cx: &Context<'_>) -> Poll<News> {
        match &self.seat {
            Some((_, slot)) => slot.poll(cx),
            None => Poll::Pending,
        }
    }

    /// The feed's head, if nothing that concerns it was published up to there since it took its seat.
    pub(crate) fn unconcerned_up_to(&self) -> Option<Index> {
        let (seat, slot) = self.seat.as_ref()?;
        let state = self.feed.0.lock();
        state.board.waits(*seat, slot).then(|| state.history.head())
    }

    /// Makes changes up to `index` no news. False if the seat is lost to some news already, whatever it may
    /// be.
    pub(crate) fn wait_beyond(&self, index: Index) -> bool {
        let Some((seat, slot)) = &self.seat else {
            return true;
        };
        self.feed.0.lock().board.wait_beyond(*seat, slot, index)
    }

    /// Gives the seat back.
    pub(crate) fn leave(&mut self) {
        let Some((seat, slot)) = self.seat.take() else {
            return;
        };
        // Told means taken off the board already; the lock is not needed then, which a woken crowd is glad
        // of.
        if slot.news().is_none() {
            self.feed.0.lock().board.leave(&self.topic, seat, &slot);
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.leave();
        self.feed.0.dismiss(self.kind);
    }
}
