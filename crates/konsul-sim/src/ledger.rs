//! What the disk was asked to keep, noted outside of the engine: the truth that a restart is compared with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use konsul_storage::contract::{Entry, LogId, Storage};

use crate::broken::{Broken, Held};
use crate::invariants::{acked_durable, corrupt_never_served, order, vote_monotonic};

/// A shared ledger: the tap writes it, the observer and the checks read it.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<Book>>);

/// The ledger's content.
#[derive(Debug, Default)]
pub struct Book {
    /// Every entry that was appended and neither cut off nor lost with the power, by index.
    pub entries: BTreeMap<u64, Entry>,
    /// The highest index that a sync covered which answered that all is well.
    pub synced: u64,
    /// The highest index whose command anybody was told of: applied, and so perhaps acknowledged.
    pub told: u64,
    /// The votes: the last one that was answered as durable, and those tried since.
    pub votes: vote_monotonic::Votes,
    /// Checksums of the chunks of each snapshot that was ever begun, by its id.
    pub snapshots: BTreeMap<String, Vec<u32>>,
    /// The newest snapshot whose writer said that it is whole and that was installed.
    pub covered: LogId,
    /// The one before it: what the log may be purged up to.
    pub covered_before: LogId,
    /// The one before that: what the log was purged up to when the newest was installed. A purge follows an installation, and
    /// after a crash between the two the next one makes up for it.
    pub purged_before: LogId,
    /// Where the log began at the last restart, until it is purged: what a crash kept from being purged is there until the purge
    /// that follows the next installation.
    pub began_at: Option<LogId>,
    /// How many snapshots were installed.
    pub installed: u64,
    /// How many entries went with the power, not acknowledged by anybody.
    pub lost: u64,
    /// The first promise that the engine broke.
    pub broken: Option<Broken>,
}

impl Ledger {
    /// The content.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a broken promise; the first one counts.
    pub fn note(&self, held: Held) {
        if let Err(broken) = held {
            self.book().broken.get_or_insert(broken);
        }
    }

    /// Compares what a restarted engine holds with what it was asked to keep, and strikes what was lost.
    ///
    /// # Errors
    /// The promise that it broke.
    pub fn compare(&self, storage: &dyn Storage) -> Held {
        let mut book = self.book();
        let (purged, last) = storage.log_bounds();
        book.votes.reopened(storage.vote())?;
        acked_durable::reopened(last.index, book.synced, book.told)?;
        book.strike_beyond(last.index);
        book.began_at = Some(purged);
        let found = storage.read(purged.index + 1, last.index + 1).map_err(|error| {
            Broken::new(corrupt_never_served::NAME, format!("a fresh log cannot be read: {error}"))
        })?;
        corrupt_never_served::same_log(purged.index, last.index, &found, &book.entries)?;
        order::purged_is_covered(purged.index, storage)
    }

    /// The same for an engine that keeps nothing: it begins anew.
    pub fn forget(&self) {
        *self.book() = Book::default();
    }
}

impl Book {
    /// A snapshot up to here was installed; a purge up to the one before it follows.
    pub fn installed(&mut self, last: LogId) {
        let began_at = self.began_at.take().unwrap_or(self.covered_before);
        self.purged_before = self.covered_before.min(began_at);
        self.covered_before = self.covered;
        self.covered = last;
        self.installed += 1;
    }

    fn strike_beyond(&mut self, last: u64) {
        let gone = self.entries.split_off(&(last + 1));
        self.lost += gone.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_crash_kept_from_being_purged_may_stay_until_the_next_purge() {
        let at = |index| LogId { index, ..LogId::default() };
        let mut book = Book::default();
        [10, 20, 30].into_iter().for_each(|last| book.installed(at(last)));
        assert_eq!(book.purged_before, at(10));
        // The purge up to 20 never came: after a restart the log begins at 10.
        book.began_at = Some(at(10));
        book.installed(at(40));
        assert_eq!(book.purged_before, at(10));
        book.installed(at(50));
        assert_eq!(book.purged_before, at(30));
    }
}
