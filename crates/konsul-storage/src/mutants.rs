//! Bugs on purpose, one at a time, to prove that the suites would see them.
//!
//! Without the feature `mutants` no bug is in the build: [`active`] is a constant. The numbers are those of
//! the project's list of mutants, which other crates share.

/// A sync answers without having synced.
pub const ACK_BEFORE_SYNC: u32 = 1;
/// A vote is answered before it is durable.
pub const VOTE_BEFORE_DURABLE: u32 = 2;
/// The directory is not synced after a rename.
pub const NO_DIRECTORY_SYNC: u32 = 3;
/// Recovery drops the last frame of each segment.
pub const LAST_FRAME_DROPPED: u32 = 4;
/// Recovery skips a frame whose checksum is wrong.
pub const CORRUPT_FRAME_SKIPPED: u32 = 5;
/// A snapshot's checksums are not looked at.
pub const SNAPSHOT_UNCHECKED: u32 = 6;
/// A truncation stays in memory.
pub const TRUNCATE_FORGOTTEN: u32 = 7;
/// A purged segment is used again without being zeroed, and checksums do not say where a frame belongs.
pub const REUSED_SEGMENT_REVIVES: u32 = 8;
/// The first failed sync is taken for a success.
pub const SYNC_ERROR_IGNORED: u32 = 28;

#[cfg(feature = "mutants")]
mod switch {
    use std::sync::atomic::{AtomicU32, Ordering};

    static SELECTED: AtomicU32 = AtomicU32::new(0);

    /// Switches one bug on for the whole process, and the others off; 0 switches all off.
    pub fn select(mutant: u32) {
        SELECTED.store(mutant, Ordering::SeqCst);
    }

    /// Whether this bug is switched on.
    pub fn active(mutant: u32) -> bool {
        SELECTED.load(Ordering::Relaxed) == mutant
    }

    /// Whether this bug is switched on; it is switched off by the answer.
    pub fn once(mutant: u32) -> bool {
        SELECTED.compare_exchange(mutant, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

#[cfg(feature = "mutants")]
pub use switch::{active, once, select};

/// Whether this bug is switched on: never, in this build.
#[cfg(not(feature = "mutants"))]
#[inline(always)]
pub const fn active(_mutant: u32) -> bool {
    false
}

/// Whether this bug is switched on: never, in this build.
#[cfg(not(feature = "mutants"))]
#[inline(always)]
pub const fn once(_mutant: u32) -> bool {
    false
}
