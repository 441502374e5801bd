//! The feed itself: who publishes, and what is shared.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use konsul_types::{Change, ChangeSet, Index, Millis};

use crate::board::Board;
use crate::history::{Entry, History};
use crate::limits::{FeedFull, FeedLimits, Kind};
use crate::park::Parked;
use crate::slot::{News, Slot};
use crate::stats::FeedStats;
use crate::subscription::{Start, Subscription};
use crate::topic::Topic;

/// The change feed of one replica. Clones are the same feed.
#[derive(Clone)]
pub struct Feed(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    state: Mutex<State>,
    limits: FeedLimits,
    /// Handles alive, by [`Kind`].
    handles: [AtomicUsize; 2],
    pub(crate) counters: Counters,
}

/// What the one lock guards. It is taken in functions that do not await, and no waker is called under it.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) history: History,
    pub(crate) board: Board,
    /// Counts how often history began anew.
    pub(crate) generation: u64,
}

#[derive(Default)]
pub(crate) struct Counters {
    published: AtomicU64,
    wakeups: AtomicU64,
    visited: AtomicU64,
    refused: AtomicU64,
    pub(crate) fell_out: AtomicU64,
    pub(crate) replaced: AtomicU64,
}

impl Feed {
    /// An empty feed: history covers nothing after index zero yet.
    pub fn new(limits: FeedLimits) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::default(),
            limits,
            handles: Default::default(),
            counters: Counters::default(),
        }))
    }

    /// Publishes what was applied and wakes whom it concerns. Called by the one who applies, after the state
    /// that contains the changes is visible to readers, with rising indexes. A set that holds
    /// [`Change::Reset`] does what [`Feed::reset`] does at its index.
    ///
    /// The lock is held for the look-ups and for what is woken, not for those parked elsewhere; wakers are
    /// called, and what falls out of history is freed, after it is released.
    ///
    /// # Panics
    ///
    /// If an index does not rise: readers would see the past change.
    pub fn publish(&self, sets: Vec<ChangeSet>) {
        self.0.counters.published.fetch_add(sets.len() as u64, Ordering::Relaxed);
        // Weighed, allocated and freed outside the lock.
        let entries: Vec<Entry> = sets.into_iter().map(Entry::new).collect();
        let mut spent = Vec::new();
        let mut calls = Calls::default();
        {
            let mut state = self.0.lock();
            state.assert_rising(&entries);
            for entry in entries {
                state.admit(entry, &mut spent, &mut calls);
            }
            state.history.trim(self.0.limits.entries, self.0.limits.bytes, &mut spent);
        }
        drop(spent);
        self.0.tell(&calls);
    }

    /// Starts history anew after `index`, because the state was replaced: by a restore, by a snapshot from
    /// the leader, or by the one that was loaded at start. Parked readers wake with a reset, and subscribers
    /// are told.
    pub fn reset(&self, index: Index) {
        let mut calls = Calls::default();
        let mut spent = Vec::new();
        self.0.lock().restart(index, &mut spent, &mut calls);
        drop(spent);
        self.0.tell(&calls);
    }

    /// The newest published index. Entries that changed nothing are not published, so the applied index may
    /// be higher.
    pub fn head(&self) -> Index {
        self.0.lock().history.head()
    }

    /// History covers what came after this index.
    pub fn oldest(&self) -> Index {
        self.0.lock().history.oldest()
    }

    /// Log time of the newest published set up to `index`; `None` if history does not know. Log time rises with
    /// the index: a position that was noted with an earlier time belongs to another history.
    pub fn time_of(&self, index: Index) -> Option<Millis> {
        self.0.lock().history.time_of(index)
    }

    /// What came after `after`, oldest first, in one piece of history of no more than `most` sets; empty at its end. For who
    /// has a state and wants to know what it was a little before. `None` if history does not reach back so far.
    pub fn since(&self, after: Index, most: usize) -> Option<Vec<Arc<ChangeSet>>> {
        let state = self.0.lock();
        (after >= state.history.oldest()).then(|| state.history.since(after, most))
    }

    /// Registers a reader for the next change of `topic` above `after`. See [`Parked`] for the order of steps
    /// that loses no update.
    ///
    /// # Errors
    ///
    /// [`FeedFull`] if as many readers are parked as may be.
    pub fn park(&self, topic: Topic, after: Index) -> Result<Parked, FeedFull> {
        Parked::new(self, topic, after)
    }

    /// Follows the changes of `topic`.
    ///
    /// # Errors
    ///
    /// [`FeedFull`] if there are as many subscribers as may be.
    pub fn subscribe(&self, topic: Topic, from: Start) -> Result<Subscription, FeedFull> {
        Subscription::new(self, topic, from)
    }

    /// The bounds that it was made with.
    pub fn limits(&self) -> &FeedLimits {
        &self.0.limits
    }

    /// Figures for metrics.
    pub fn stats(&self) -> FeedStats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.0.counters;
        let state = self.0.lock();
        FeedStats {
            head: state.history.head(),
            oldest: state.history.oldest(),
            history_entries: state.history.len(),
            history_bytes: state.history.bytes(),
            parked: self.0.handles[Kind::Parked as usize].load(Ordering::Relaxed),
            subscribers: self.0.handles[Kind::Subscriber as usize].load(Ordering::Relaxed),
            waiting: state.board.len(),
            published: count(&counters.published),
            wakeups: count(&counters.wakeups),
            visited: count(&counters.visited),
            refused: count(&counters.refused),
            fell_out: count(&counters.fell_out),
            replaced: count(&counters.replaced),
        }
    }
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Feed").field(&self.stats()).finish()
    }
}

/// Whom to tell what, once the lock is released.
#[derive(Default)]
struct Calls {
    /// Each news with the number of readers in `slots` that it is for, in order.
    news: Vec<(News, usize)>,
    slots: Vec<Arc<Slot>>,
    visited: usize,
}

impl Calls {
    /// Lets `call` add readers and notes what they are to be told.
    fn add(&mut self, news: News, call: impl FnOnce(&mut Vec<Arc<Slot>>) -> usize) {
        let before = self.slots.len();
        self.visited += call(&mut self.slots);
        let added = self.slots.len() - before;
        if added > 0 {
            self.news.push((news, added));
        }
    }
}

impl State {
    /// Checked before anything is changed: who catches the panic finds the feed as it was.
    fn assert_rising(&self, entries: &[Entry]) {
        entries.iter().fold(self.history.head(), |before, entry| {
            let index = entry.set().index;
            assert!(index > before, "changes of index {index} were published after those of {before}");
            index
        });
    }

    fn admit(&mut self, entry: Entry, spent: &mut Vec<Entry>, calls: &mut Calls) {
        let set = entry.set();
        if set.changes.iter().any(|change| matches!(change, Change::Reset)) {
            return self.restart(set.index, spent, calls);
        }
        calls.add(News::Changed(set.index), |called| self.board.call(set, called));
        self.history.push(entry);
    }

    fn restart(&mut self, index: Index, spent: &mut Vec<Entry>, calls: &mut Calls) {
        self.generation += 1;
        spent.extend(self.history.restart(index));
        calls.add(News::Reset, |called| {
            self.board.call_all(called);
            0
        });
    }
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, calls: &Calls) {
        let mut slots = calls.slots.iter();
        for &(news, count) in &calls.news {
            slots.by_ref().take(count).for_each(|slot| slot.tell(news));
        }
        self.counters.wakeups.fetch_add(calls.slots.len() as u64, Ordering::Relaxed);
        self.counters.visited.fetch_add(calls.visited as u64, Ordering::Relaxed);
    }

    /// Counts one more handle, unless that would be too many.
    pub(crate) fn admit(&self, kind: Kind) -> Result<(), FeedFull> {
        let limit = kind.limit(&self.limits);
        let more = |count: usize| (count < limit).then_some(count + 1);
        match self.handles[kind as usize].fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => Ok(()),
            Err(_) => {
                self.counters.refused.fetch_add(1, Ordering::Relaxed);
                Err(FeedFull { what: kind.name(), limit })
            }
        }
    }

    pub(crate) fn dismiss(&self, kind: Kind) {
        self.handles[kind as usize].fetch_sub(1, Ordering::Relaxed);
    }
}
