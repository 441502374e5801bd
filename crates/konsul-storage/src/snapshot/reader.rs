//! Reads a snapshot file, checking each record before it is handed out.

use std::path::PathBuf;
use std::sync::Arc;

use super::{CHUNK_HEAD, KIND_CHUNK, KIND_END, MAX_CHUNK, SnapshotMeta, corrupt, name, read_head};
use crate::contract::{SnapshotReader, StorageError};
use crate::files::{self, Files};
use crate::mutants;
use crate::vfs::VfsFile;
use crate::wal::frame::{u32_at, u64_at};

/// Where a reader stands in a snapshot.
#[derive(Debug)]
pub(crate) struct ChunkReader {
    meta: SnapshotMeta,
    file: Arc<dyn VfsFile>,
    path: PathBuf,
    salt: u32,
    at: u64,
    len: u64,
    chunks: u32,
    raw_bytes: u64,
    ended: bool,
}

/// A record as stored.
struct Stored {
    bytes: Vec<u8>,
    raw_len: usize,
}

impl ChunkReader {
    /// Opens a snapshot by its file's name.
    pub(crate) fn open(files: &Files, file_name: &str) -> Result<Self, StorageError> {
        let path = files.path(file_name);
        let file = files.open_read(file_name)?;
        let head = read_head(&*file, &path)?;
        if name(&head.meta.id) != file_name {
            return Err(corrupt(&path, 0, "the snapshot's head has another id than its name"));
        }
        let len = files::len(&*file, &path)?;
        let (salt, at) = (head.salt, head.len);
        Ok(ChunkReader { meta: head.meta, file, path, salt, at, len, chunks: 0, raw_bytes: 0, ended: false })
    }

    pub(crate) fn meta(&self) -> &SnapshotMeta {
        &self.meta
    }

    /// Bytes of the file.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Chunks read so far.
    pub(crate) fn chunks(&self) -> u32 {
        self.chunks
    }

    /// Checks every record up to the end of the file.
    pub(crate) fn verify(&mut self) -> Result<(), StorageError> {
        while self.next_stored()?.is_some() {}
        Ok(())
    }

    fn damaged(&self, what: &str) -> StorageError {
        corrupt(&self.path, self.at, what)
    }

    fn next_stored(&mut self) -> Result<Option<Stored>, StorageError> {
        if self.ended {
            return Ok(None);
        }
        let mut head = [0; CHUNK_HEAD];
        let got = files::read(&*self.file, &self.path, self.at, &mut head)?;
        let stored = u32_at(&head, 4) as usize;
        if got < CHUNK_HEAD || self.at + (CHUNK_HEAD + stored + 4) as u64 > self.len {
            return Err(self.damaged("the snapshot ends before its last record does"));
        }
        let mut rest = vec![0; stored + 4];
        files::read(&*self.file, &self.path, self.at + CHUNK_HEAD as u64, &mut rest)?;
        self.check(&head, &rest)?;
        rest.truncate(stored);
        let raw_len = u32_at(&head, 8) as usize;
        self.step(u32_at(&head, 0), Stored { bytes: rest, raw_len })
    }

    fn check(&self, head: &[u8], rest: &[u8]) -> Result<(), StorageError> {
        let (stored, crc) = rest.split_at(rest.len() - 4);
        let found = crc32c::crc32c_append(crc32c::crc32c_append(self.salt, head), stored);
        if found != u32_at(crc, 0) && !mutants::active(mutants::SNAPSHOT_UNCHECKED) {
            return Err(self.damaged("the checksum of a snapshot's record is wrong"));
        }
        let in_place = u32_at(head, 12) == self.chunks && u64_at(head, 16) == self.at;
        if !in_place || u32_at(head, 8) as usize > MAX_CHUNK {
            return Err(self.damaged("a record of the snapshot stands in the wrong place"));
        }
        Ok(())
    }

    fn step(&mut self, kind: u32, stored: Stored) -> Result<Option<Stored>, StorageError> {
        let after = self.at + (CHUNK_HEAD + stored.bytes.len() + 4) as u64;
        match kind {
            KIND_CHUNK => {
                self.at = after;
                self.chunks += 1;
                self.raw_bytes += stored.raw_len as u64;
                Ok(Some(stored))
            }
            KIND_END if stored.bytes == self.raw_bytes.to_le_bytes() && after == self.len => {
                self.ended = true;
                Ok(None)
            }
            KIND_END => Err(self.damaged("the snapshot's end does not fit what came before it")),
            _ => Err(self.damaged("a record of the snapshot is of an unknown kind")),
        }
    }
}

impl SnapshotReader for ChunkReader {
    fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, StorageError> {
        let at = self.at;
        let Some(stored) = self.next_stored()? else { return Ok(None) };
        let raw = zstd::bulk::decompress(&stored.bytes, stored.raw_len);
        match raw {
            Ok(raw) if raw.len() == stored.raw_len => Ok(Some(raw)),
            Ok(_) | Err(_) => Err(corrupt(&self.path, at, "a chunk of the snapshot cannot be decompressed")),
        }
    }
}
