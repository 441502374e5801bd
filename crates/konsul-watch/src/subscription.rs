//! Subscriptions: a cursor into the shared history.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use konsul_runtime::time::{Duration, timeout};
use konsul_types::{Change, ChangeSet, Index, Millis};

use crate::feed::Feed;
use crate::limits::{FeedFull, Kind};
use crate::mutants;
use crate::slot::News;
use crate::topic::Topic;
use crate::watcher::{Cursor, Look, Watcher};

/// Where a subscription begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With what is published from now on.
    Now,
    /// With what came after this index: of a snapshot, of the last delivery, or of the last bookmark. An
    /// index that is not reached yet is waited for; whether it is plausible can only be judged by who knows
    /// the applied index.
    After(Index),
}

/// What a subscriber gets.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// What one log entry changed, as far as it concerns the topic.
    Batch(Batch),
    /// The feed cannot go on from where the subscriber stood. Take a snapshot of the state, which will be at
    /// `resume` or later, replace everything known by it, and go on: [`Subscription::go_on_after`] its index.
    Reset {
        /// What happened.
        reason: ResetReason,
        /// The feed's head when it happened; from here it goes on if nothing else is said.
        resume: Index,
    },
    /// Nothing else concerned the topic up to this index, from which one can resume. Only on request.
    Bookmark(Index),
}

/// Why a subscriber was reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetReason {
    /// History no longer reaches back to where it stood.
    FellOut,
    /// The state was replaced as a whole.
    Replaced,
}

/// One log entry's changes, seen through a topic. Never empty, never split.
#[derive(Debug, Clone)]
pub struct Batch {
    set: Arc<ChangeSet>,
    topic: Topic,
}

impl Batch {
    /// The entry.
    pub fn index(&self) -> Index {
        self.set.index
    }

    /// Its log time.
    pub fn at(&self) -> Millis {
        self.set.at
    }

    /// The whole entry's changes, those of others too: for who numbers them.
    pub fn all(&self) -> &Arc<ChangeSet> {
        &self.set
    }

    /// Those of its changes that concern the topic, in the order in which they were made.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.set.changes.iter().filter(|change| self.topic.concerns(change))
    }
}

/// Follows a topic. It has no queue: what it has not asked for yet lies in the history that all share, or is
/// gone, and then it is told.
pub struct Subscription {
    watcher: Watcher,
    cursor: Cursor,
    /// The highest index that the subscriber was told in whatever way.
    told: Index,
    bookmarks: Option<Duration>,
    /// Used by one of the mutants only.
    began: bool,
}

impl Subscription {
    pub(crate) fn new(feed: &Feed, topic: Topic, from: Start) -> Result<Self, FeedFull> {
        let (watcher, end) = Watcher::new(feed, Kind::Subscriber, topic)?;
        let index = match from {
            Start::Now => end.index,
            Start::After(index) => index,
        };
        let cursor = Cursor { index, ..end };
        Ok(Self { watcher, cursor, told: index, bookmarks: None, began: false })
    }

    /// Asks for a [`Delivery::Bookmark`] whenever nothing concerned it for `every` and the feed moved on, so
    /// that its subscriber can resume inside the history however quiet the topic is.
    #[must_use]
    pub fn with_bookmarks(mut self, every: Duration) -> Self {
        self.bookmarks = Some(every);
        self
    }

    /// What it follows.
    pub fn topic(&self) -> &Topic {
        self.watcher.topic()
    }

    /// The next delivery; waits for it. A call that is dropped while it waits loses nothing.
    pub async fn next(&mut self) -> Delivery {
        loop {
            if let Some(delivery) = self.try_next() {
                return delivery;
            }
            let Some(every) = self.bookmarks else {
                self.watcher.wait().await;
                continue;
            };
            if timeout(every, self.watcher.wait()).await.is_err()
                && let Some(bookmark) = self.bookmark()
            {
                return bookmark;
            }
        }
    }

    /// The next delivery, for those who poll. Without bookmarks: who polls has its own timer and asks
    /// [`Subscription::position`].
    pub fn poll_next(&mut self, cx: &Context<'_>) -> Poll<Delivery> {
        loop {
            if let Some(delivery) = self.try_next() {
                return Poll::Ready(delivery);
            }
            if self.watcher.poll_wait(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// The next delivery, if there is one already.
    pub fn try_next(&mut self) -> Option<Delivery> {
        self.begin();
        if self.watcher.is_seated() {
            self.stand_up(self.watcher.news()?);
        }
        let delivery = match self.watcher.look(&mut self.cursor) {
            Look::Seated => return None,
            Look::Found(set) => Delivery::Batch(Batch { set, topic: self.watcher.topic().clone() }),
            Look::FellOut => self.start_over(ResetReason::FellOut),
            Look::Replaced => self.start_over(ResetReason::Replaced),
        };
        self.told = self.cursor.index;
        Some(delivery)
    }

    /// From where one could resume: everything up to this index was delivered or does not concern it.
    pub fn position(&self) -> Index {
        self.watcher.unconcerned_up_to().map_or(self.cursor.index, |head| head.max(self.cursor.index))
    }

    /// Goes on after `index`, which the subscriber knows in another way: from a snapshot. Never goes back.
    pub fn go_on_after(&mut self, index: Index) {
        match self.watcher.news() {
            Some(news) => self.stand_up(news),
            None => self.cursor.index = self.position(),
        }
        if index > self.cursor.index {
            self.watcher.leave();
            self.cursor.index = index;
            self.told = index;
        }
    }

    /// Takes the cursor to just before the news: up to there nothing concerned it.
    fn stand_up(&mut self, news: News) {
        self.watcher.leave();
        if let News::Changed(index) = news {
            self.cursor.index = self.cursor.index.max(Index(index.0.saturating_sub(1)));
        }
    }

    fn start_over(&mut self, reason: ResetReason) -> Delivery {
        let counters = &self.watcher.feed().0.counters;
        match reason {
            ResetReason::FellOut => &counters.fell_out,
            ResetReason::Replaced => &counters.replaced,
        }
        .fetch_add(1, Ordering::Relaxed);
        self.cursor = self.watcher.end();
        Delivery::Reset { reason, resume: self.cursor.index }
    }

    fn bookmark(&mut self) -> Option<Delivery> {
        let head = self.watcher.unconcerned_up_to()?;
        if head <= self.told {
            return None;
        }
        self.cursor.index = self.cursor.index.max(head);
        self.told = head;
        Some(Delivery::Bookmark(head))
    }

    fn begin(&mut self) {
        if !std::mem::replace(&mut self.began, true) && mutants::is(mutants::REGISTERED_AFTER_READ) {
            self.cursor = self.watcher.end();
        }
    }
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription")
            .field("topic", self.watcher.topic())
            .field("position", &self.position())
            .finish_non_exhaustive()
    }
}
