//! The next segment, made ready before it is needed.
//!
//! Fresh room has to be written before a sync of it is cheap, so a segment is zeroed ahead of time, piece by
//! piece: once the active segment is more than half full, twice as many bytes are zeroed as are appended. So
//! an append seldom zeroes more than a piece, and what is still free in the active segment and what is
//! already zeroed in the spare are never more than one segment together.

use std::sync::Arc;

use super::segment::SPARE;
use crate::contract::StorageError;
use crate::files::{self, Files};
use crate::vfs::VfsFile;

const CHUNK: usize = 1 << 20;

/// A segment in the making, zeroed up to some byte.
#[derive(Debug)]
pub(crate) struct Spare {
    pub(crate) file: Arc<dyn VfsFile>,
    pub(crate) zeroed: usize,
    /// How much of that is synced.
    synced: usize,
}

impl Spare {
    /// An empty spare.
    pub(crate) fn create(files: &Files) -> Result<Self, StorageError> {
        Ok(Spare::over(files.create(SPARE)?, 0))
    }

    /// A file that is zeroed up to a length.
    pub(crate) fn over(file: Arc<dyn VfsFile>, zeroed: usize) -> Self {
        Spare { file, zeroed, synced: zeroed }
    }

    /// Zeroes on, up to a length. Not synced.
    pub(crate) fn grow(&mut self, files: &Files, upto: usize) -> Result<(), StorageError> {
        if upto <= self.zeroed {
            return Ok(());
        }
        let path = files.path(SPARE);
        self.file.preallocate(upto as u64).map_err(|e| files::refused("preallocate", &path, e))?;
        let zeros = vec![0; CHUNK.min(upto - self.zeroed)];
        while self.zeroed < upto {
            let len = zeros.len().min(upto - self.zeroed);
            files::write(&*self.file, &path, self.zeroed as u64, &zeros[..len])?;
            self.zeroed += len;
        }
        Ok(())
    }

    /// Syncs, if so many bytes wait for it; says whether it did. Syncs of a few megabytes at a time neither
    /// hold an append up for long nor come often.
    pub(crate) fn sync_if(&mut self, files: &Files, waiting: usize) -> Result<bool, StorageError> {
        if self.zeroed - self.synced < waiting {
            return Ok(false);
        }
        files::sync(&*self.file, &files.path(SPARE))?;
        self.synced = self.zeroed;
        Ok(true)
    }
}

/// How far the spare should be zeroed when so much of the active segment is used, in whole pieces.
pub(crate) fn target(used: usize, size: usize) -> usize {
    let piece = (size / 16).max(1);
    let wanted = (2 * used).saturating_sub(size).min(size);
    wanted / piece * piece
}
