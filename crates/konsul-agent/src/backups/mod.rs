//! Backups that the agent makes of its own accord, and the drill that shows that they can be restored.
//!
//! # The life of a backup
//!
//! ```text
//! 1 its time comes ([`schedule`]): an interval after the last attempt, up to a tenth later; sooner after a failure
//! 2 a published state is written out ([`directory`]), while the node goes on: a temporary name, sync, rename, sync
//! 3 what is too many or too old is removed; the newest one never is
//! 4 the drill ([`drill`]): the newest file is read into memory, and the state that comes out is compared with the one that
//!   went in
//! 5 how all of it went is kept ([`record`]) for the health line, the figures and the operation `backup_list`
//! ```
//!
//! Nothing here can hurt the node: the work is done on a thread for blocking work, at no more than a quarter of a processor's
//! time, one backup or drill at a time, and a directory that is full or cannot be written to is a red line and another
//! attempt later. The line never makes the node unready: a node without a backup serves as well as one with.
//!
//! # What it is not
//!
//! No client names a path: the directory and the names come from the configuration. Nothing is restored by itself: the
//! drill's state is compared and dropped.

mod directory;
mod drill;
mod keeper;
mod name;
mod record;
mod schedule;
mod source;

use std::path::PathBuf;

use konsul_config::Config;
use konsul_runtime::time::Duration;

pub(crate) use keeper::{Door, Keeper};
pub(crate) use source::{Replicated, Source};

/// What the configuration wants.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) directory: PathBuf,
    pub(crate) interval: Duration,
    pub(crate) name: String,
    /// How many files are kept.
    pub(crate) keep: usize,
    /// How old a file may become; zero for any age.
    pub(crate) keep_age: Duration,
    pub(crate) drill: bool,
    /// Time between drills; zero for one after each backup.
    pub(crate) drill_interval: Duration,
}

impl Settings {
    /// `None` if no directory is named.
    pub(crate) fn of(config: &Config) -> Option<Settings> {
        let backup = &config.backup;
        Some(Settings {
            directory: backup.directory.clone()?,
            interval: backup.interval.to_std(),
            name: backup.name.clone(),
            keep: usize::try_from(backup.keep).unwrap_or(usize::MAX),
            keep_age: backup.keep_age.to_std(),
            drill: backup.drill,
            drill_interval: backup.drill_interval.to_std(),
        })
    }
}

#[cfg(test)]
mod tests;
