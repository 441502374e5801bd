//! Makes a snapshot file: under a temporary name until it is whole and durable, then read back.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::reader::ChunkReader;
use super::{KIND_CHUNK, KIND_END, MAX_CHUNK, encode_head, name, unfinished_name};
use crate::contract::{FinishedSnapshot, SnapshotMeta, SnapshotWriter, StorageError};
use crate::files::{self, Files};
use crate::mutants;
use crate::vfs::VfsFile;

const BUFFER: usize = 1 << 20;

/// Takes the one place for a snapshot in the making, and gives it back when dropped.
#[derive(Debug)]
pub(crate) struct Turn(Arc<AtomicBool>);

impl Turn {
    /// The turn, unless somebody has it.
    pub(crate) fn take(busy: &Arc<AtomicBool>) -> Result<Self, StorageError> {
        if busy.swap(true, Ordering::AcqRel) {
            return Err(StorageError::Misuse("a snapshot is being written already".to_string()));
        }
        Ok(Turn(busy.clone()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Writes one snapshot file.
#[derive(Debug)]
pub(crate) struct FileWriter {
    files: Files,
    meta: SnapshotMeta,
    level: i32,
    salt: u32,
    file: Arc<dyn VfsFile>,
    path: PathBuf,
    buffer: Vec<u8>,
    written: u64,
    chunks: u32,
    raw_bytes: u64,
    renamed: bool,
    _turn: Turn,
}

impl FileWriter {
    pub(crate) fn create(
        files: Files,
        meta: SnapshotMeta,
        level: i32,
        turn: Turn,
    ) -> Result<Self, StorageError> {
        let unfinished = unfinished_name(&meta.id);
        let salt = files.vfs.nonce();
        let file = files.create(&unfinished)?;
        let buffer = encode_head(&meta, salt);
        let path = files.path(&unfinished);
        Ok(FileWriter {
            files,
            meta,
            level,
            salt,
            file,
            path,
            buffer,
            written: 0,
            chunks: 0,
            raw_bytes: 0,
            renamed: false,
            _turn: turn,
        })
    }

    fn record(&mut self, kind: u32, stored: &[u8], raw_len: usize) -> Result<(), StorageError> {
        let offset = self.written + self.buffer.len() as u64;
        let at = self.buffer.len();
        for word in [kind, stored.len() as u32, raw_len as u32, self.chunks] {
            self.buffer.extend_from_slice(&word.to_le_bytes());
        }
        self.buffer.extend_from_slice(&offset.to_le_bytes());
        self.buffer.extend_from_slice(stored);
        let crc = crc32c::crc32c_append(self.salt, &self.buffer[at..]);
        self.buffer.extend_from_slice(&crc.to_le_bytes());
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), StorageError> {
        files::write(&*self.file, &self.path, self.written, &self.buffer)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// From here on the file is found at a start; if it turns out not to be whole, it must not be.
    fn publish(&mut self) -> Result<(), StorageError> {
        let name = name(&self.meta.id);
        files::sync(&*self.file, &self.path)?;
        self.files.rename(&unfinished_name(&self.meta.id), &name)?;
        self.renamed = true;
        if !mutants::active(mutants::NO_DIRECTORY_SYNC) {
            self.files.sync_dir()?;
        }
        self.read_back(&name).inspect_err(|_| self.withdraw(&name))
    }

    fn read_back(&self, name: &str) -> Result<(), StorageError> {
        ChunkReader::open(&self.files, name)?.verify()
    }

    fn withdraw(&self, name: &str) {
        // The damage is the error to report. If the removal fails as well, the next start finds and refuses
        // the file.
        let _removed = self.files.remove(name).and_then(|()| self.files.sync_dir());
    }
}

impl SnapshotWriter for FileWriter {
    fn write(&mut self, chunk: &[u8]) -> Result<(), StorageError> {
        if chunk.len() > MAX_CHUNK {
            return Err(StorageError::Misuse(format!(
                "a snapshot chunk of {} bytes; {MAX_CHUNK} are the most",
                chunk.len()
            )));
        }
        let stored = zstd::bulk::compress(chunk, self.level)
            .map_err(|e| files::failed("compress into", &self.path, e))?;
        self.record(KIND_CHUNK, &stored, chunk.len())?;
        self.chunks += 1;
        self.raw_bytes += chunk.len() as u64;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<FinishedSnapshot, StorageError> {
        let total = self.raw_bytes.to_le_bytes();
        self.record(KIND_END, &total, 0)?;
        self.flush()?;
        self.publish()?;
        Ok(FinishedSnapshot { meta: self.meta.clone(), bytes: self.written })
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        if !self.renamed {
            // If this fails, the next start removes the file: its name says that it is unfinished.
            let _removed = self.files.remove(&unfinished_name(&self.meta.id));
        }
    }
}
