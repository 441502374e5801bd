//! The disk engine: a log, and snapshots beside it, in one directory.
//!
//! **Where the vote lives.** In the log, as a record among the others, and not in a file of its own. One
//! order covers both: what a crash leaves is a beginning of the one history of writes, so the log can never
//! be older than a vote that was cast on it, or the other way round, and there is no second sync whose order
//! with the first would have to be right. A save costs what it costs anyway, one write and one sync, and
//! carries waiting appends along. Each segment's head repeats the vote, so deleting old segments never
//! deletes it. The price is that damage to the log puts the vote in doubt as well; but a node whose log is
//! damaged must not vote under its old id in any case.
//!
//! **Start** ([`DiskStorage::open`]): lock; refuse newer formats; probe; remove what is unfinished; verify
//! the newest snapshot; read the log; cut a write that never finished, refuse anything else; write and sync
//! the doubtful tail again; agree log and snapshots.

use std::path::Path;
use std::sync::Arc;

use crate::contract::{
    Entry, FinishedSnapshot, LogId, NewestSnapshot, SnapshotMeta, SnapshotWriter, Storage, StorageError,
    StorageUsage, Vote,
};
use crate::files::Files;
use crate::vfs::{Vfs, VfsLock};
use crate::wal::frame::Record;
use crate::wal::log::Log;
use crate::wal::places::Position;
use crate::wal::segment;
use crate::{mutants, probe, snapshot, snapshot::set::Snapshots};

/// How the disk engine behaves.
#[derive(Debug, Clone)]
pub struct DiskOptions {
    /// Bytes of a log segment. A group of entries that is larger gets a segment of its own size.
    pub segment_bytes: u32,
    /// Bytes of the newest entries that are also kept in memory.
    pub cache_bytes: usize,
    /// Zstandard's level for snapshots, 1 to 22.
    pub compression_level: i32,
    /// Free bytes below which a new directory is refused. An existing one opens on a full disk, so that reads
    /// go on.
    pub min_free_bytes: u64,
}

impl Default for DiskOptions {
    fn default() -> Self {
        DiskOptions {
            segment_bytes: 16 << 20,
            cache_bytes: 8 << 20,
            compression_level: 3,
            min_free_bytes: 64 << 20,
        }
    }
}

impl DiskOptions {
    /// Small segments and a small cache: for tests that want to see many of them.
    pub fn small() -> Self {
        DiskOptions { segment_bytes: 4096, cache_bytes: 1024, compression_level: 1, min_free_bytes: 16 << 10 }
    }

    fn check(&self) -> Result<(), StorageError> {
        if self.segment_bytes < 1024 {
            let bytes = self.segment_bytes;
            return Err(StorageError::Misuse(format!("segments of {bytes} bytes; at least 1024 are needed")));
        }
        if !(1..=22).contains(&self.compression_level) {
            let level = self.compression_level;
            return Err(StorageError::Misuse(format!("compression level {level}; 1 to 22 are known")));
        }
        Ok(())
    }
}

/// Log, vote and snapshots in a directory. See the module's head.
#[derive(Debug)]
pub struct DiskStorage {
    options: DiskOptions,
    log: Log,
    snapshots: Snapshots,
    _lock: Box<dyn VfsLock>,
}

impl DiskStorage {
    /// Opens a directory, or makes a new one. When this returns, everything that it hands out is durable.
    ///
    /// # Errors
    ///
    /// [`StorageError::Locked`] if another process has it, [`StorageError::NewerFormat`] if a newer build
    /// wrote it, [`StorageError::Corrupt`] if bytes are not what was written, [`StorageError::Full`] if there
    /// is no room to start in, and [`StorageError::Io`] with the operation that the directory does not
    /// support.
    pub fn open(vfs: Arc<dyn Vfs>, dir: &Path, options: DiskOptions) -> Result<Self, StorageError> {
        options.check()?;
        let files = Files { vfs, dir: dir.to_path_buf() };
        files.vfs.create_dir(dir).map_err(|e| crate::files::refused("create directory", dir, e))?;
        let lock = probe::lock(&files)?;
        let names = files.list()?;
        refuse_newer(&files, &names)?;
        let is_new = !names.iter().any(|name| segment::number_of(name).is_some());
        check_directory(&files, &options, is_new)?;
        clean_up(&files, &names)?;
        let mut snapshots = Snapshots::load(&files, &names)?;
        let log = match Log::recover(&files, &options)? {
            Some(log) => log,
            None => new_log(files, &options, &snapshots)?,
        };
        let log = agree(log, &mut snapshots)?;
        snapshots.delete_surplus()?;
        Ok(DiskStorage { options, log, snapshots, _lock: lock })
    }
}

/// Looks at the version in every file before the first of them is touched.
fn refuse_newer(files: &Files, names: &[String]) -> Result<(), StorageError> {
    for name in names {
        let found = if let Some(number) = segment::number_of(name) {
            segment::open(files, number, false).map(|_| ())
        } else if snapshot::is_snapshot(name) {
            let file = files.open_read(name)?;
            snapshot::read_head(&*file, &files.path(name)).map(|_| ())
        } else {
            Ok(())
        };
        // Damage is judged later, when it is known what else is there.
        if let Err(newer @ StorageError::NewerFormat { .. }) = found {
            return Err(newer);
        }
    }
    Ok(())
}

fn check_directory(files: &Files, options: &DiskOptions, is_new: bool) -> Result<(), StorageError> {
    match probe::probe(files) {
        Ok(free) if is_new && free < options.min_free_bytes => {
            Err(StorageError::Full { path: files.dir.display().to_string() })
        }
        Err(StorageError::Full { .. }) if !is_new => Ok(()),
        answer => answer.map(|_| ()),
    }
}

fn clean_up(files: &Files, names: &[String]) -> Result<(), StorageError> {
    probe::clean_up(files, names)?;
    for name in names.iter().filter(|name| snapshot::is_unfinished(name)) {
        files.remove(name)?;
    }
    Ok(())
}

fn new_log(files: Files, options: &DiskOptions, snapshots: &Snapshots) -> Result<Log, StorageError> {
    if snapshots.newest().is_some() || !snapshots.damaged().is_empty() {
        let first = files.path(&segment::name(1));
        return Err(segment::corrupt(
            &first,
            0,
            "there are snapshots, but no log, and with it the vote is lost",
        ));
    }
    Log::create(files, options.clone())
}

/// Makes sure that snapshots and log together leave no gap, going back to an older snapshot where the newest
/// is damaged.
fn agree(mut log: Log, snapshots: &mut Snapshots) -> Result<Log, StorageError> {
    let state = log.state();
    let newest = snapshots.newest().map(|kept| kept.meta.last).unwrap_or_default();
    let (purged, base) = (state.purged(), state.base());
    let agreed = if purged.index > newest.index {
        log.state_mut().unpurge(newest)
    } else if base > purged.index {
        // Segments were deleted, and the record that says so was lost: any snapshot that covers them will do.
        let cover = snapshots.kept().iter().map(|kept| kept.meta.last).find(|last| last.index >= base);
        cover.is_some_and(|upto| adopt_purge(&mut log, upto))
    } else {
        true
    };
    if agreed {
        return Ok(log);
    }
    let missing = "the log begins behind the newest whole snapshot: entries between them are missing";
    Err(snapshots.take_damage().unwrap_or_else(|| log.damage_at_start(missing)))
}

fn adopt_purge(log: &mut Log, upto: LogId) -> bool {
    log.state_mut().apply(Record::Purge(upto), Position::NOWHERE).is_ok()
}

impl Storage for DiskStorage {
    fn vote(&self) -> Option<Vote> {
        self.log.state().vote()
    }

    fn save_vote(&mut self, vote: Vote) -> Result<(), StorageError> {
        self.log.record(Record::Vote(vote))?;
        if mutants::active(mutants::VOTE_BEFORE_DURABLE) {
            return Ok(());
        }
        self.log.sync()
    }

    fn log_bounds(&self) -> (LogId, LogId) {
        (self.log.state().purged(), self.log.state().last())
    }

    fn append(&mut self, entries: &[Entry]) -> Result<(), StorageError> {
        self.log.append(entries)
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.log.sync()
    }

    fn read(&self, from: u64, to: u64) -> Result<Vec<Entry>, StorageError> {
        self.log.read(from, to)
    }

    fn truncate(&mut self, from: u64) -> Result<(), StorageError> {
        self.log.truncate(from)
    }

    fn purge(&mut self, upto: LogId) -> Result<(), StorageError> {
        let covered = self.snapshots.newest().map_or(0, |kept| kept.meta.last.index);
        if upto.index > covered {
            return Err(StorageError::Misuse(format!(
                "purge up to {upto}, but snapshots cover {covered} entries only"
            )));
        }
        self.log.purge(upto, self.snapshots.covered_twice().index)
    }

    fn begin_snapshot(&mut self, meta: SnapshotMeta) -> Result<Box<dyn SnapshotWriter>, StorageError> {
        Ok(Box::new(self.snapshots.begin(meta, self.options.compression_level)?))
    }

    fn latest_snapshot(&self) -> Result<NewestSnapshot, StorageError> {
        let Some(newest) = self.snapshots.newest() else { return Ok(None) };
        let (kept, reader) = match self.snapshots.open(newest) {
            Ok(reader) => (newest, reader),
            Err(damage @ StorageError::Corrupt { .. }) => {
                // The older one will do as long as the log goes on from it.
                let purged = self.log.state().purged().index;
                let older =
                    self.snapshots.kept().iter().rev().nth(1).filter(|older| older.meta.last.index >= purged);
                let older = older.ok_or(damage)?;
                (older, self.snapshots.open(older)?)
            }
            Err(e) => return Err(e),
        };
        Ok(Some((kept.meta.clone(), Box::new(reader))))
    }

    fn install_snapshot(&mut self, finished: FinishedSnapshot) -> Result<LogId, StorageError> {
        self.snapshots.install(finished)
    }

    fn usage(&self) -> StorageUsage {
        let (segments, log_bytes) = self.log.sizes();
        StorageUsage {
            segments,
            log_bytes,
            snapshot_bytes: self.snapshots.kept().iter().map(|kept| kept.bytes).sum(),
            syncs: self.log.syncs,
            appended_bytes: self.log.appended,
        }
    }
}
