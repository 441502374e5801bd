//! The snapshots that a directory keeps: the two newest, so that one may rot.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::reader::ChunkReader;
use super::writer::{FileWriter, Turn};
use super::{check_meta, is_snapshot, name};
use crate::contract::{FinishedSnapshot, LogId, SnapshotMeta, StorageError};
use crate::files::Files;

/// How many snapshots are kept.
const KEPT: usize = 2;

/// A snapshot that is kept.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) meta: SnapshotMeta,
    pub(crate) bytes: u64,
}

/// A snapshot that cannot be used, and why.
#[derive(Debug)]
pub(crate) struct Damaged {
    pub(crate) name: String,
    pub(crate) error: StorageError,
}

/// The kept snapshots, oldest first.
#[derive(Debug)]
pub(crate) struct Snapshots {
    files: Files,
    kept: Vec<Kept>,
    damaged: Vec<Damaged>,
    busy: Arc<AtomicBool>,
}

impl Snapshots {
    /// Finds the snapshots of a directory and verifies the newest, going back to an older one if it must.
    /// Changes nothing.
    pub(crate) fn load(files: &Files, names: &[String]) -> Result<Self, StorageError> {
        let mut set =
            Snapshots { files: files.clone(), kept: Vec::new(), damaged: Vec::new(), busy: Arc::default() };
        for name in names.iter().filter(|name| is_snapshot(name)) {
            set.find(name)?;
        }
        set.sort();
        set.drop_damaged_newest()?;
        Ok(set)
    }

    pub(crate) fn kept(&self) -> &[Kept] {
        &self.kept
    }

    pub(crate) fn newest(&self) -> Option<&Kept> {
        self.kept.last()
    }

    pub(crate) fn damaged(&self) -> &[Damaged] {
        &self.damaged
    }

    /// Why the newest damaged snapshot was refused.
    pub(crate) fn take_damage(&mut self) -> Option<StorageError> {
        self.damaged.pop().map(|d| d.error)
    }

    /// Entries up to here are in all kept snapshots: the log under it may go.
    pub(crate) fn covered_twice(&self) -> LogId {
        match self.kept.len().checked_sub(KEPT) {
            Some(older) => self.kept[older].meta.last,
            None => LogId::default(),
        }
    }

    pub(crate) fn begin(&self, meta: SnapshotMeta, level: i32) -> Result<FileWriter, StorageError> {
        check_meta(&meta)?;
        let turn = Turn::take(&self.busy)?;
        FileWriter::create(self.files.clone(), meta, level, turn)
    }

    /// Registers a finished snapshot and deletes those beyond the kept ones.
    pub(crate) fn install(&mut self, finished: FinishedSnapshot) -> Result<LogId, StorageError> {
        let found = ChunkReader::open(&self.files, &name(&finished.meta.id))?;
        if *found.meta() != finished.meta {
            let id = finished.meta.id;
            return Err(StorageError::Misuse(format!(
                "snapshot {id} on disk is another one than was finished"
            )));
        }
        self.kept.retain(|k| k.meta.id != finished.meta.id);
        self.kept.push(Kept { meta: finished.meta, bytes: found.len() });
        self.sort();
        self.delete_surplus()?;
        Ok(self.covered_twice())
    }

    /// Deletes what is not kept: older snapshots, and damaged ones once two whole ones are there.
    pub(crate) fn delete_surplus(&mut self) -> Result<(), StorageError> {
        let surplus = self.kept.len().saturating_sub(KEPT);
        let mut names: Vec<String> = self.kept.drain(..surplus).map(|k| name(&k.meta.id)).collect();
        if self.kept.len() == KEPT {
            names.extend(self.damaged.drain(..).map(|d| d.name));
        }
        for name in &names {
            self.files.remove(name)?;
        }
        if names.is_empty() { Ok(()) } else { self.files.sync_dir() }
    }

    /// Opens a kept snapshot after verifying it.
    pub(crate) fn open(&self, kept: &Kept) -> Result<ChunkReader, StorageError> {
        let name = name(&kept.meta.id);
        ChunkReader::open(&self.files, &name)?.verify()?;
        ChunkReader::open(&self.files, &name)
    }

    fn find(&mut self, name: &str) -> Result<(), StorageError> {
        match ChunkReader::open(&self.files, name) {
            Ok(reader) => self.kept.push(Kept { meta: reader.meta().clone(), bytes: reader.len() }),
            Err(error @ StorageError::Corrupt { .. }) => {
                self.damaged.push(Damaged { name: name.to_string(), error });
            }
            Err(e) => return Err(e),
        }
        Ok(())
    }

    fn drop_damaged_newest(&mut self) -> Result<(), StorageError> {
        while let Some(newest) = self.kept.last() {
            match self.open(newest) {
                Ok(_) => break,
                Err(error @ StorageError::Corrupt { .. }) => {
                    let name = name(&newest.meta.id);
                    self.kept.pop();
                    self.damaged.push(Damaged { name, error });
                }
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn sort(&mut self) {
        self.kept.sort_by(|a, b| (a.meta.last.index, &a.meta.id).cmp(&(b.meta.last.index, &b.meta.id)));
    }
}
