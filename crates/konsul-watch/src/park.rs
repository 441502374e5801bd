//! Readers parked until something concerns them: the waiting half of a blocking query.

use konsul_runtime::time::{Instant, timeout_at};
use konsul_types::Index;

use crate::feed::Feed;
use crate::limits::{FeedFull, Kind};
use crate::mutants;
use crate::slot::News;
use crate::topic::Topic;
use crate::watcher::{Cursor, Look, Watcher};

/// A reader that is registered for the next change of its topic. Dropping it frees it at once.
///
/// The order that loses no update: take [`Feed::head`], park after it, *then* take a snapshot of the state
/// and read. What was published before is in the snapshot, because the state is swapped before its changes
/// are published; what is published after wakes. Say at which index the snapshot was, [`Parked::has_read`],
/// and if the answer is not new enough, [`Parked::wait`].
#[must_use = "a reader is registered only as long as this lives"]
pub struct Parked {
    watcher: Watcher,
    /// Up to where the reader knows everything, in its generation of history.
    knows: Cursor,
    /// Known without waiting.
    ready: Option<Wake>,
}

/// Why a parked reader woke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// The entry with this index changed something of its topic: the first such entry above the index that it
    /// parked after.
    Changed(Index),
    /// Nothing is known: the state was replaced, or the index that it parked after is older than history.
    /// Read again, and park after an index of now.
    Reset,
    /// The deadline passed.
    Timeout,
}

impl Parked {
    pub(crate) fn new(feed: &Feed, topic: Topic, after: Index) -> Result<Self, FeedFull> {
        let (watcher, end) = Watcher::new(feed, Kind::Parked, topic)?;
        let mut parked = Self { watcher, knows: Cursor { index: after, ..end }, ready: None };
        if !mutants::is(mutants::REGISTERED_AFTER_READ) {
            parked.register();
        }
        Ok(parked)
    }

    fn register(&mut self) {
        self.watcher.leave();
        self.ready = match self.watcher.look(&mut self.knows) {
            Look::Found(set) => Some(Wake::Changed(set.index)),
            Look::FellOut | Look::Replaced => Some(Wake::Reset),
            Look::Seated => None,
        };
    }

    /// Tells at which index the state was read: changes up to there are no news any more. Without it a reader
    /// is woken for nothing by a change that its snapshot held already, but that was published only after it
    /// had parked.
    pub fn has_read(&mut self, index: Index) {
        let stale = match self.woken() {
            Some(Wake::Changed(found)) => found <= index,
            Some(_) => false,
            None => !self.watcher.wait_beyond(index),
        };
        if stale {
            self.knows.index = self.knows.index.max(index);
            self.register();
        }
    }

    /// Why it would wake if it waited now; `None` if it would go on waiting.
    pub fn woken(&self) -> Option<Wake> {
        self.ready.or_else(|| self.watcher.news().map(Wake::from))
    }

    /// Waits until something concerns it, but not beyond `deadline`. A change wins over a deadline of the
    /// same moment.
    pub async fn wait(mut self, deadline: Instant) -> Wake {
        if mutants::is(mutants::REGISTERED_AFTER_READ) {
            self.knows = self.watcher.end();
            self.register();
        }
        match self.ready {
            Some(wake) => wake,
            None => timeout_at(deadline, self.watcher.wait()).await.map_or(Wake::Timeout, Wake::from),
        }
    }
}

impl From<News> for Wake {
    fn from(news: News) -> Self {
        match news {
            News::Changed(index) => Wake::Changed(index),
            News::Reset => Wake::Reset,
        }
    }
}

impl std::fmt::Debug for Parked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parked").field("topic", self.watcher.topic()).field("knows", &self.knows).finish()
    }
}
