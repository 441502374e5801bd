//! Snapshot files: a head, compressed chunks, an end.
//!
//! ```text
//! head:  magic "KONSULSN"   u32 version   u32 salt   u64, u64 term and index of the last entry covered
//!        u32 length of the membership   u32 length of the id   membership   id   u32 CRC32C of all before
//! chunk: u32 kind (1 = chunk, 2 = end)   u32 bytes stored   u32 bytes when decompressed   u32 number, from 0
//!        u64 offset in the file          stored bytes       u32 CRC32C of this record, from the salt
//! ```
//!
//! A chunk is compressed by itself with zstd and comes back as it was written. The end's stored bytes are the
//! sum of all chunks' sizes; the file ends with it. `writer` makes a file, `reader` reads and verifies it,
//! `set` knows which ones are kept.

pub(crate) mod reader;
pub(crate) mod set;
pub(crate) mod writer;

use bytes::Bytes;

use crate::contract::{LogId, SnapshotMeta, StorageError};
use crate::files::{self, ADVICE};
use crate::vfs::VfsFile;
use crate::wal::frame::{INDEX_MAX, u32_at, u64_at};

const MAGIC: &[u8; 8] = b"KONSULSN";
/// The format that this build writes.
pub(crate) const VERSION: u32 = 1;
const FIXED_HEAD: usize = 40;
const CHUNK_HEAD: usize = 24;
const KIND_CHUNK: u32 = 1;
const KIND_END: u32 = 2;
/// The largest chunk, and the largest membership.
const MAX_CHUNK: usize = 1 << 30;

/// The name of a whole snapshot's file.
pub(crate) fn name(id: &str) -> String {
    format!("snapshot-{id}.snap")
}

/// The name of a snapshot's file while it is written.
pub(crate) fn unfinished_name(id: &str) -> String {
    format!("snapshot-{id}.tmp")
}

/// Whether a file holds a whole snapshot.
pub(crate) fn is_snapshot(name: &str) -> bool {
    name.starts_with("snapshot-") && name.ends_with(".snap")
}

/// Whether a file holds what a writer did not finish.
pub(crate) fn is_unfinished(name: &str) -> bool {
    name.starts_with("snapshot-") && name.ends_with(".tmp")
}

/// Refuses ids that not every file system can store, and indexes that no log reaches.
pub(crate) fn check_meta(meta: &SnapshotMeta) -> Result<(), StorageError> {
    let id = &meta.id;
    let safe = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-';
    if id.is_empty() || id.len() > 128 || !id.bytes().all(safe) {
        return Err(StorageError::Misuse(format!(
            "snapshot id {id:?}: 1 to 128 characters of [a-z0-9.-] are needed"
        )));
    }
    if meta.last.index > INDEX_MAX {
        return Err(StorageError::Misuse(format!(
            "a snapshot up to {}: no log reaches that index",
            meta.last
        )));
    }
    Ok(())
}

fn encode_head(meta: &SnapshotMeta, salt: u32) -> Vec<u8> {
    let mut head = Vec::with_capacity(FIXED_HEAD + meta.membership.len() + meta.id.len() + 4);
    head.extend_from_slice(MAGIC);
    head.extend_from_slice(&VERSION.to_le_bytes());
    head.extend_from_slice(&salt.to_le_bytes());
    head.extend_from_slice(&meta.last.term.to_le_bytes());
    head.extend_from_slice(&meta.last.index.to_le_bytes());
    head.extend_from_slice(&(meta.membership.len() as u32).to_le_bytes());
    head.extend_from_slice(&(meta.id.len() as u32).to_le_bytes());
    head.extend_from_slice(&meta.membership);
    head.extend_from_slice(meta.id.as_bytes());
    let crc = crc32c::crc32c(&head);
    head.extend_from_slice(&crc.to_le_bytes());
    head
}

/// What a snapshot's head says.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) meta: SnapshotMeta,
    pub(crate) salt: u32,
    /// Where chunks begin.
    pub(crate) len: u64,
}

/// Reads a head. Checks the version before anything else, so that a newer file is never called damaged.
pub(crate) fn read_head(file: &dyn VfsFile, path: &std::path::Path) -> Result<Head, StorageError> {
    let mut fixed = [0; FIXED_HEAD];
    let got = files::read(file, path, 0, &mut fixed)?;
    if got < FIXED_HEAD || fixed[..8] != *MAGIC {
        return Err(corrupt(path, 0, "the file does not begin like a snapshot"));
    }
    let version = u32_at(&fixed, 8);
    if version > VERSION {
        return Err(StorageError::NewerFormat {
            path: path.display().to_string(),
            found: version,
            known: VERSION,
        });
    }
    let (members, id) = (u32_at(&fixed, 32) as usize, u32_at(&fixed, 36) as usize);
    let len = FIXED_HEAD + members + id + 4;
    if members > MAX_CHUNK || id > 1024 || len as u64 > files::len(file, path)? {
        return Err(corrupt(path, 32, "the lengths in the snapshot's head are larger than the file"));
    }
    let mut head = vec![0; len];
    files::read(file, path, 0, &mut head)?;
    if crc32c::crc32c(&head[..len - 4]) != u32_at(&head, len - 4) {
        return Err(corrupt(path, 0, "the checksum of the snapshot's head is wrong"));
    }
    let meta = SnapshotMeta {
        last: LogId { term: u64_at(&head, 16), index: u64_at(&head, 24) },
        membership: Bytes::copy_from_slice(&head[FIXED_HEAD..FIXED_HEAD + members]),
        id: String::from_utf8_lossy(&head[FIXED_HEAD + members..len - 4]).into_owned(),
    };
    if meta.last.index > INDEX_MAX {
        return Err(corrupt(path, 24, "the snapshot's head names an index that no log reaches"));
    }
    Ok(Head { meta, salt: u32_at(&head, 12), len: len as u64 })
}

/// Damage of a snapshot, with what to do about it.
fn corrupt(path: &std::path::Path, offset: u64, what: &str) -> StorageError {
    StorageError::Corrupt { path: path.display().to_string(), offset, what: format!("{what}. {ADVICE}") }
}
