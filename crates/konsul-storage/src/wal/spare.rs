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
}

impl Spare {
    /// An empty spare.
    pub(crate) fn create(files: &Files) -> Result<Self, StorageError> {
        Ok(Spare { file: files.create(SPARE)?, zeroed: 0 })
    }

    /// Zeroes on, up to a length, and syncs what it wrote.
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
        files::sync(&*self.file, &path)
    }
}

/// How far the spare should be zeroed when so much of the active segment is used, in whole pieces.
pub(crate) fn target(used: usize, size: usize) -> usize {
    let piece = (size / 16).max(1);
    let wanted = (2 * used).saturating_sub(size).min(size);
    wanted / piece * piece
}
