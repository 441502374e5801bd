//! The backup file: what it says of itself, and the whole state in checksummed, compressed frames.
//!
//! ```text
//! archive := "KONSULBK" version:u32 = 2  head  frame*  end
//! head    := length:u32  sum:u32  a JSON object ([`Head`])
//! frame   := length:u32 (> 0)  raw:u32  sum:u32  `length` bytes (zstd) of one chunk of `raw` bytes of the state
//! end     := 0:u32  frames:u64  raw:u64  sum:u32
//! ```
//!
//! All numbers are little endian, all sums CRC32C. The head's sum covers everything before it and the object; a frame's
//! covers its number (from 1), its lengths and its bytes; the end's covers every sum before it, in order, and the two
//! totals. So no bit can flip, no frame can be lost, doubled or change its place, and no file can end early without being
//! noticed, at the first frame that is not what was written, whose place the error names. The object is readable with
//! `head -c 1000`, and a reader ignores fields that it does not know, so that it can grow.
//!
//! Each frame is packed by itself: a reader needs the memory of one frame, and so does the writer, which packs a chunk
//! when somebody asks for the next bytes. What the chunks hold is [`crate::snapshot`]'s.
//!
//! Version 1, which older builds wrote, has no head, and its sums cover less; [`ArchiveReader`] reads it as well.
//!
//! # What it is not
//!
//! It opens no file and knows no clock: who writes a backup says when ([`Origin`]). It is not the snapshot that a server
//! keeps beside its log, which is `konsul-storage`'s.

mod census;
mod head;
mod reader;
mod writer;

pub use census::{Inspection, TableSize, inspect};
pub use head::{Head, Origin};
pub use reader::ArchiveReader;
pub use writer::{archive, pack};

/// First bytes of an archive.
pub const MAGIC: &[u8; 8] = b"KONSULBK";

/// The version that this build writes; it reads all before it.
pub const VERSION: u32 = 2;

/// Largest frame, so that a damaged length asks for no absurd amount of memory.
const FRAME_MAX: usize = 16 << 20;

/// Largest chunk that a frame may hold once unpacked.
const CHUNK_MAX: usize = 64 << 20;

/// Largest head. It has a few hundred bytes.
const HEAD_MAX: usize = 64 << 10;

/// Why bytes are no archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// It begins otherwise.
    #[error("this is no Konsul backup: it does not begin with {:?}", String::from_utf8_lossy(MAGIC))]
    NotAnArchive,
    /// A newer build wrote it.
    #[error("the backup has version {0}; this build reads versions 1 to {VERSION}. Use a newer build")]
    Newer(u32),
    /// Bytes are not what was written.
    #[error("the backup is damaged at byte {at}: {what}")]
    Damaged {
        /// Where the part begins that is not as it was written.
        at: u64,
        /// What is wrong.
        what: String,
    },
    /// It ends too early.
    #[error("the backup is cut short after {0} bytes")]
    CutShort(u64),
    /// The bytes cannot be had.
    #[error("the backup cannot be read at byte {at}: {why}")]
    Unreadable {
        /// Where.
        at: u64,
        /// What the system says.
        why: String,
    },
}

#[cfg(test)]
mod tests;
