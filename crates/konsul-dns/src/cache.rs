//! Answers that are ready.
//!
//! What is kept exists: names that do not are never put in, so that nobody can fill it with names that he made up. The
//! older of two generations goes when the younger one is full, and with it what was not asked for meanwhile.

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
    /// Most bytes of each of the two generations.
    bytes_max: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Which resolver the answers are of: other settings make other answers.
    epoch: u64,
    young: HashMap<Key, Entry>,
    young_bytes: usize,
    old: HashMap<Key, Entry>,
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
        Cache { bytes_max: bytes_max / 2, inner: Mutex::default() }
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
        let entry = inner.find(&key(query), self.bytes_max)?;
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
        if inner.epoch != epoch {
            *inner = Inner { epoch, ..Inner::default() };
        }
        if bytes > self.bytes_max {
            return;
        }
        let entry = Entry { answer: Arc::clone(answer), generation, keep, bytes };
        inner.put(key(query), entry, self.bytes_max);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// An entry of either generation, which is of the younger one from then on.
    fn find(&mut self, key: &Key, bytes_max: usize) -> Option<&mut Entry> {
        if !self.old.is_empty()
            && !self.young.contains_key(key)
            && let Some(entry) = self.old.remove(key)
        {
            self.put(key.clone(), entry, bytes_max);
        }
        self.young.get_mut(key)
    }

    fn put(&mut self, key: Key, entry: Entry, bytes_max: usize) {
        if self.young_bytes + entry.bytes > bytes_max {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += entry.bytes;
        self.young_bytes -= self.young.insert(key, entry).map_or(0, |before| before.bytes);
    }
}

/// The name, and the type behind its last zero.
fn key(query: &Query<'_>) -> Key {
    let mut key = Key::from_slice(query.name());
    key.extend_from_slice(&query.qtype.to_be_bytes());
    key
}
