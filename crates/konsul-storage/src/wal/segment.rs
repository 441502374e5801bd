//! A segment file: its name, and the sector at its head.
//!
//! ```text
//!  0 magic "KONSULWL"    8 u32 version     12 u32 flags (1 = made by repair)   16 u64 segment number
//! 24 u32 salt           28 u32 end of the segment before this one
//! 32 u64, u64 term and index of the last entry before this segment
//! 48 u64, u64 term and index up to which entries are purged
//! 64 u8 vote (1 = there is one, 2 = voted, 4 = committed)    72 u64 its term    80 u64 its node
//! 88 u32 CRC32C of bytes 0..88      then zeros to 512, where frames begin
//! ```
//!
//! The head is written and synced before the file gets its name: a segment that is found has one, or is
//! damaged. It repeats what the segments before it amount to, so that they can be deleted, and so that a hole
//! between two segments is seen.

use std::path::PathBuf;
use std::sync::Arc;

use super::frame::{Home, INDEX_MAX, SECTOR, pack_vote, put, u32_at, u64_at, unpack_vote};
use super::state::State;
use crate::contract::{LogId, StorageError, Vote};
use crate::files::{self, ADVICE, Files};
use crate::vfs::VfsFile;

const MAGIC: &[u8; 8] = b"KONSULWL";
/// The format that this build writes; it reads this one and older ones.
pub(crate) const VERSION: u32 = 1;
const REPAIRED: u32 = 1;
const CRC_AT: usize = 88;

/// The name of the segment that is being prepared.
pub(crate) const SPARE: &str = "log-spare.tmp";

/// The name of a segment's file.
pub(crate) fn name(number: u64) -> String {
    format!("log-{number:016}.wal")
}

/// The number in a segment's name.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("log-")?.strip_suffix(".wal")?;
    (digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// The head of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// The segment's number; the first is 1.
    pub(crate) number: u64,
    /// What its checksums start from.
    pub(crate) salt: u32,
    /// Whether repair made it, so that what it repeats differs from what came before.
    pub(crate) repaired: bool,
    /// Where the segment before it ends.
    pub(crate) previous_end: u32,
    /// The last entry before it.
    pub(crate) last: LogId,
    /// Entries up to here are purged.
    pub(crate) purged: LogId,
    /// The vote before it.
    pub(crate) vote: Option<Vote>,
}

impl Head {
    /// The head of a segment that follows a history.
    pub(crate) fn after(state: &State, number: u64, salt: u32, previous_end: usize) -> Self {
        Head {
            number,
            salt,
            repaired: false,
            previous_end: previous_end as u32,
            last: state.last(),
            purged: state.purged(),
            vote: state.vote(),
        }
    }

    /// Where its frames live.
    pub(crate) fn home(&self) -> Home {
        Home { segment: self.number, salt: self.salt }
    }

    /// Its sector.
    pub(crate) fn encode(&self) -> [u8; SECTOR] {
        let mut h = [0; SECTOR];
        put(&mut h, 0, MAGIC);
        put(&mut h, 8, &VERSION.to_le_bytes());
        put(&mut h, 12, &(if self.repaired { REPAIRED } else { 0 }).to_le_bytes());
        put(&mut h, 16, &self.number.to_le_bytes());
        put(&mut h, 24, &self.salt.to_le_bytes());
        put(&mut h, 28, &self.previous_end.to_le_bytes());
        put_id(&mut h, 32, self.last);
        put_id(&mut h, 48, self.purged);
        if let Some(vote) = self.vote {
            let (flags, term, node) = pack_vote(vote);
            h[64] = 1 | (flags << 1);
            put(&mut h, 72, &term.to_le_bytes());
            put(&mut h, 80, &node.to_le_bytes());
        }
        let crc = crc32c::crc32c(&h[..CRC_AT]);
        put(&mut h, CRC_AT, &crc.to_le_bytes());
        h
    }

    fn decode(h: &[u8; SECTOR]) -> Self {
        let vote = (h[64] & 1 != 0).then(|| unpack_vote(h[64] >> 1, u64_at(h, 72), u64_at(h, 80)));
        Head {
            number: u64_at(h, 16),
            salt: u32_at(h, 24),
            repaired: u32_at(h, 12) & REPAIRED != 0,
            previous_end: u32_at(h, 28),
            last: id_at(h, 32),
            purged: id_at(h, 48),
            vote,
        }
    }
}

fn put_id(h: &mut [u8], at: usize, id: LogId) {
    put(h, at, &id.term.to_le_bytes());
    put(h, at + 8, &id.index.to_le_bytes());
}

fn id_at(h: &[u8], at: usize) -> LogId {
    LogId { term: u64_at(h, at), index: u64_at(h, at + 8) }
}

/// An open segment.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    /// Its head.
    pub(crate) head: Head,
    /// Its file.
    pub(crate) file: Arc<dyn VfsFile>,
    /// The file's name, for messages.
    pub(crate) path: PathBuf,
    /// Bytes that the file has room for.
    pub(crate) size: usize,
    /// Where its last whole group ends.
    pub(crate) end: usize,
}

impl Segment {
    /// Damage in this segment, with what to do about it.
    pub(crate) fn corrupt(&self, offset: usize, what: &str) -> StorageError {
        corrupt(&self.path, offset, what)
    }
}

/// Damage of a log file, with what to do about it.
pub(crate) fn corrupt(path: &std::path::Path, offset: usize, what: &str) -> StorageError {
    StorageError::Corrupt {
        path: path.display().to_string(),
        offset: offset as u64,
        what: format!("{what}. {ADVICE}"),
    }
}

/// Reads a segment's head and checks it against the file's name.
pub(crate) fn open(files: &Files, number: u64, write: bool) -> Result<Segment, StorageError> {
    let name = name(number);
    let file = if write { files.open(&name)? } else { files.open_read(&name)? };
    let path = files.path(&name);
    let size = files::len(&*file, &path)? as usize;
    let mut sector = [0; SECTOR];
    let got = files::read(&*file, &path, 0, &mut sector)?;
    let bad = |offset, what| Err(corrupt(&path, offset, what));
    if got < SECTOR || sector[..8] != *MAGIC {
        return bad(0, "the file does not begin like a log segment");
    }
    let version = u32_at(&sector, 8);
    if version > VERSION {
        return Err(StorageError::NewerFormat {
            path: path.display().to_string(),
            found: version,
            known: VERSION,
        });
    }
    if crc32c::crc32c(&sector[..CRC_AT]) != u32_at(&sector, CRC_AT) {
        return bad(0, "the checksum of the segment's head is wrong");
    }
    let head = Head::decode(&sector);
    if head.number != number {
        return bad(16, "the segment's head has another number than its name");
    }
    if head.last.index.max(head.purged.index) > INDEX_MAX {
        return bad(32, "the segment's head names an index that no log reaches");
    }
    Ok(Segment { head, file, path, size, end: SECTOR })
}
