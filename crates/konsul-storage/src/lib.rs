//! Persistence of one Raft node: its log, its vote and its snapshots, on disk or in memory.
//!
//! [`Storage`] is what consensus asks for. [`DiskStorage`] keeps it in a directory, [`MemoryStorage`] as long
//! as the process lives; both pass one suite (`conformance`, feature `sim`). All file access goes through
//! [`Vfs`], so that the shipped code also runs on a simulated disk that loses, tears, rots and fills up at
//! every single call.
//!
//! # The directory
//!
//! ```text
//! lock                          held while a process has the directory; its text is the process id
//! log-0000000000000007.wal      segments of the log, numbered without a gap
//! log-spare.tmp                 the next segment, being zeroed
//! snapshot-<id>.snap            at most two
//! snapshot-<id>.tmp             one being written
//! damaged-*                     what a repair took out
//! ```
//!
//! Other files are left alone. Names are made of `[a-z0-9.-]`, numbers in files are little-endian, and every
//! file begins with a magic word and a format version. A version above the known one is refused before
//! anything is touched.
//!
//! A **segment** is a head of 512 bytes and frames. The head repeats what the segments before it amount to
//! (last entry, purged position, vote) and where the one before it ends. A **frame** is one record: an entry,
//! a vote, a truncation or a purge, with length, kind, term, index, and CRC32C checksums that also cover the
//! segment's number, its salt and the offset. The frames of one call form a group, of which the last is
//! marked. A **snapshot** is a head with what it covers, compressed chunks with checksums, and an end. The
//! exact bytes stand at the head of `wal/frame.rs`, `wal/segment.rs` and `snapshot.rs`.
//!
//! # The life of an append
//!
//! 1. [`Storage::append`] checks that the entries follow the last one, and encodes them as one group.
//! 2. If the group does not fit into the active segment, that segment is synced and the spare takes its
//!    place: its head is written and synced, it gets its name, the directory is synced. So only the last
//!    segment can ever end in a half write.
//! 3. The group goes to disk in one write, into bytes that were zeroed before, and the entries into a bounded
//!    cache. They can be read now, and nobody may rely on them.
//! 4. If the active segment is more than half full, a piece of the spare is zeroed.
//! 5. [`Storage::sync`] is one `fdatasync`, for all appends since the last one. Now they survive a power cut.
//! 6. After a restart, records are read in order from the first segment to the last. What stands behind the
//!    last whole group is either a write that never finished, and then it is left behind (the next write
//!    begins a new segment), or it is damage, and then the start is refused. `wal/tail.rs` tells which, from
//!    the bytes alone. The part of the tail that may not have been synced is written and synced again before
//!    anything is handed out.
//! 7. Once two snapshots cover an entry, [`Storage::purge`] lets it go, and a segment with nothing else in it
//!    is deleted.
//!
//! # Invariants
//!
//! - No byte of a segment is ever written twice with different content, so no old frame can look out behind a
//!   new one.
//! - What a crash leaves is a beginning of the one history of writes: no hole, no phantom, no vote older than
//!   the log says.
//! - Nothing that is damaged is handed out: it is refused with file and offset, or healed from the older
//!   snapshot and the log.
//! - On disk are at most two snapshots (a third while it is made), the log since the older of them, and two
//!   segments.
//!
//! # What it is not
//!
//! - No database: no keys, no queries. It keeps bytes in order; what they mean is the business of the layers
//!   above.
//! - No redundancy: a node that lost its disk asks its peers. Two snapshots guard against one rotten file,
//!   not against a bad disk.
//! - No threads and no clock: calls block, come from one thread, and take as long as the disk takes. Only a
//!   [`SnapshotWriter`] may be used in another thread.
//! - No encryption: checksums are against accidents, not against somebody who writes to the directory.
//! - No Windows yet: [`vfs::real`] is written for Unix. File names and the order of operations would do
//!   there.

#[cfg(any(test, feature = "sim"))]
pub mod conformance;
pub mod contract;
pub mod disk;
mod files;
pub mod inspect;
pub mod memory;
pub mod mutants;
mod probe;
mod snapshot;
pub mod vfs;
mod wal;

pub use contract::{
    Entry, EntryKind, FinishedSnapshot, LogId, NewestSnapshot, SnapshotMeta, SnapshotReader, SnapshotWriter,
    Storage, StorageError, StorageUsage, Vote,
};
pub use disk::{DiskOptions, DiskStorage};
pub use memory::MemoryStorage;
pub use vfs::Vfs;
pub use vfs::real::RealVfs;
#[cfg(any(test, feature = "sim"))]
pub use vfs::sim::SimDisk;
