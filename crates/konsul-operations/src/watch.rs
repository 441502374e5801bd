//! Watching keys and other records: what is asked, what comes, and where a stream stands.
//!
//! # The life of a stream
//!
//! ```text
//!  watch(ctx, …)         permission for what is watched; a subscription; a state that is as fresh as the context asks
//!  Initial …             what there is, if it was asked for, of one state
//!  Ready                 from here on changes come
//!  Change …              each once, in the order of the log, as far as the identity may read it at that moment
//!  Reset                 the stream cannot go on from where it stood; Initial … and Ready follow, of a newer state
//!  End                   the server stops; nothing follows
//! ```
//!
//! Each event carries the [`Place`] from which another stream can go on as if it were this one. A place lies between
//! two changes, also between two of the same entry. A place that history does not reach, that lies in a history of
//! another store, or in the middle of what there was, begins with a reset.

mod records;

use std::sync::Arc;
use std::task::{Context as Waiting, Poll};

use konsul_types::{Index, Key, KvRecord, Millis, Namespace};
use konsul_watch::Topic;
pub use konsul_watch::{Glob, GlobError, PATTERN_MAX};
pub use records::{EventSelect, Record, RecordChange, RecordKind, RecordSelect, RecordWatch, ServiceSelect};

use crate::answer::KvEntry;
use crate::arguments::KvSelect;

impl KvSelect {
    /// Whether a key is meant.
    pub fn matches(&self, key: &str) -> bool {
        match self {
            KvSelect::Key(one) => one.as_str() == key,
            KvSelect::Prefix(prefix) => key.starts_with(prefix.as_str()),
            KvSelect::Glob(glob) => glob.matches(key),
        }
    }

    /// What every key that is meant begins with.
    pub fn prefix(&self) -> &str {
        match self {
            KvSelect::Key(key) => key.as_str(),
            KvSelect::Prefix(prefix) => prefix,
            KvSelect::Glob(glob) => glob.prefix(),
        }
    }

    /// The narrowest topic that has every change of theirs.
    pub fn topic(&self, namespace: &Namespace) -> Topic {
        match self {
            KvSelect::Key(key) => Topic::Key(namespace.clone(), key.clone()),
            KvSelect::Prefix(prefix) => Topic::Prefix(namespace.clone(), Arc::from(prefix.as_str())),
            KvSelect::Glob(glob) => glob.topic(namespace.clone()),
        }
    }
}

/// Watches keys of the context's namespace.
#[derive(Debug, Clone)]
pub struct KvWatch {
    /// Which.
    pub select: KvSelect,
    /// Whether what there is comes first. A stream that goes on from a place has no need of it.
    pub initial: bool,
    /// Whether changes carry what the key held before.
    pub old_values: bool,
    /// From where to go on; `None` for now.
    pub from: Option<Place>,
}

/// Where a stream stands: everything before it was delivered, or is not the stream's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The entry that it stands at.
    pub index: Index,
    /// Log time of that entry, or of the newest one before it that changed anything. Tells the history of this store from
    /// that of another one with the same indexes.
    pub at: Millis,
    /// How many changes of the entry lie before it; `None` for all of them.
    pub within: Option<u32>,
    /// Whether it lies in the middle of what there was: who goes on from here begins with that again.
    pub incomplete: bool,
}

impl Place {
    /// After everything of an entry.
    pub fn after(index: Index, at: Millis) -> Place {
        Place { index, at, within: None, incomplete: false }
    }
}

/// What comes.
#[derive(Debug, Clone, PartialEq)]
pub enum WatchEvent {
    /// A key changed.
    Change(WatchChange),
    /// Another record changed.
    Record(Box<RecordChange>),
    /// What was known of the watched keys does not hold any more. What there is now follows.
    Reset {
        /// Why.
        reason: ResetReason,
        /// Where the stream stands.
        place: Place,
    },
    /// A key that was there at the place's index.
    Initial {
        /// The key and what it holds.
        entry: KvEntry,
        /// Where the stream stands.
        place: Place,
    },
    /// A record beside keys that was there at the place's index.
    Present {
        /// The record.
        record: Record,
        /// Where the stream stands.
        place: Place,
    },
    /// What there is has come, if it was to come; from here on changes come.
    Ready {
        /// Where the stream stands.
        place: Place,
    },
    /// The server stops. The last event.
    End {
        /// Where the stream stands.
        place: Place,
    },
}

impl WatchEvent {
    /// Where the stream stands after it.
    pub fn place(&self) -> Place {
        match self {
            WatchEvent::Change(change) => change.place,
            WatchEvent::Record(change) => change.place,
            WatchEvent::Reset { place, .. }
            | WatchEvent::Initial { place, .. }
            | WatchEvent::Present { place, .. }
            | WatchEvent::Ready { place }
            | WatchEvent::End { place } => *place,
        }
    }
}

/// Why a stream starts over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetReason {
    /// History no longer reaches back to where it stood.
    FellOut,
    /// The state was replaced as a whole, as by a restore.
    Replaced,
    /// Its place lies in another store's history: beyond everything that happened here, or at another time.
    Foreign,
    /// It was cut before all that there was had come.
    Incomplete,
}

impl From<konsul_watch::ResetReason> for ResetReason {
    fn from(reason: konsul_watch::ResetReason) -> ResetReason {
        match reason {
            konsul_watch::ResetReason::FellOut => ResetReason::FellOut,
            konsul_watch::ResetReason::Replaced => ResetReason::Replaced,
        }
    }
}

impl ResetReason {
    /// A stable name for programs.
    pub fn code(self) -> &'static str {
        match self {
            ResetReason::FellOut => "fell_out",
            ResetReason::Replaced => "replaced",
            ResetReason::Foreign => "foreign",
            ResetReason::Incomplete => "incomplete",
        }
    }
}

/// One key's change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchChange {
    /// The entry that made it.
    pub index: Index,
    /// What happened.
    pub kind: ChangeKind,
    /// Which key.
    pub key: Key,
    /// What it held, if that was asked for.
    pub old: Option<Arc<KvRecord>>,
    /// What it holds.
    pub new: Option<Arc<KvRecord>>,
    /// Where the stream stands after it.
    pub place: Place,
}

/// What happened to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was created or written.
    Put,
    /// It was removed.
    Delete,
    /// It was removed after its time to live was over.
    Expire,
}

/// A stream under way. Dropping it frees its place in the feed at once.
pub trait Watching: Send {
    /// The next event; registers to be woken if there is none yet. Not to be asked again after [`WatchEvent::End`].
    fn poll_next(&mut self, waiting: &mut Waiting<'_>) -> Poll<WatchEvent>;

    /// Where the stream stands now. On a quiet stream it moves on with the log: who stores it now and then can go on from
    /// there even if nothing that concerns it happens for long.
    fn place(&self) -> Place;
}
