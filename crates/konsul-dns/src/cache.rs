//! Answers that are ready.
//!
//! What is kept exists: names that do not are never put in, so that nobody can fill it with names that he made up. When
//! it is full it is emptied, since what is asked for is soon there again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use smallvec::SmallVec;

use crate::answer::Answer;
use crate::directory::Directory;
use crate::resolve::Keep;
use crate::wire::Query;

/// Ready answers by name and type.
#[derive(Debug)]
pub(crate) struct Cache {
    bytes_max: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Which resolver the answers are of: other settings make other answers.
    epoch: u64,
    bytes: usize,
    entries: HashMap<Key, Entry>,
}

type Key = SmallVec<[u8; 64]>;

#[derive(Debug)]
struct Entry {
    answer: Arc<Answer>,
    /// The generation at which it was true.
    generation: u64,
    keep: Keep,
    bytes: usize,
}

/// What an entry costs beside its answer.
const ENTRY_BYTES: usize = size_of::<Entry>() + size_of::<Key>() + 64;

impl Cache {
    pub(crate) fn new(bytes_max: usize) -> Cache {
        Cache { bytes_max, inner: Mutex::default() }
    }

    /// The answer to a question, if there is one that still holds.
    pub(crate) fn get(
        &self,
        query: &Query<'_>,
        epoch: u64,
        generation: u64,
        directory: &dyn Directory,
    ) -> Option<Arc<Answer>> {
        let mut inner = self.lock();
        if inner.epoch != epoch {
            return None;
        }
        let entry = inner.entries.get_mut(key(query).as_slice())?;
        if entry.generation != generation {
            match &entry.keep {
                Keep::Version(asked, version) if directory.service_version(asked) == Some(*version) => {}
                _ => return None,
            }
            entry.generation = generation;
        }
        Some(Arc::clone(&entry.answer))
    }

    /// Keeps an answer that was made from a directory of this generation or a later one.
    pub(crate) fn put(
        &self,
        query: &Query<'_>,
        epoch: u64,
        generation: u64,
        answer: &Arc<Answer>,
        keep: Keep,
    ) {
        if keep == Keep::No {
            return;
        }
        let bytes = answer.bytes() + ENTRY_BYTES;
        let mut inner = self.lock();
        if inner.epoch != epoch || inner.bytes + bytes > self.bytes_max {
            *inner = Inner { epoch, ..Inner::default() };
        }
        if bytes > self.bytes_max {
            return;
        }
        let entry = Entry { answer: Arc::clone(answer), generation, keep, bytes };
        let before = inner.entries.insert(key(query), entry).map_or(0, |entry| entry.bytes);
        inner.bytes = inner.bytes + bytes - before;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name, and the type behind its last zero.
fn key(query: &Query<'_>) -> Key {
    let mut key = Key::from_slice(query.name());
    key.extend_from_slice(&query.qtype.to_be_bytes());
    key
}
