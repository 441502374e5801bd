//! Bugs that can be put in by hand, to show that the checkers see them. Without the feature `mutants` none exists.

/// A repeated request is not found after a restore: its table is left out of the snapshot.
pub const REQUESTS_NOT_IN_SNAPSHOT: u32 = 15;
/// Remembered requests are dropped by each replica's own clock.
pub const REQUESTS_BY_OWN_CLOCK: u32 = 16;
/// The order of a hash map decides an outcome.
pub const HASH_ORDER: u32 = 17;
/// An expiry is believed without its renewal number.
pub const EXPIRY_WITHOUT_RENEWAL: u32 = 19;
/// A new leader gives sessions no time.
pub const NO_GRACE: u32 = 20;
/// Removing a key does not raise the index of its prefix.
pub const DELETE_KEEPS_INDEX: u32 = 21;
/// A restore takes effect in two steps.
pub const RESTORE_IN_TWO: u32 = 26;

#[cfg(feature = "mutants")]
static ACTIVE: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

/// Puts one bug in; zero takes it out.
#[cfg(feature = "mutants")]
pub fn activate(number: u32) {
    ACTIVE.store(number, std::sync::atomic::Ordering::Relaxed);
}

/// Whether a bug is in.
#[cfg(feature = "mutants")]
pub fn active(number: u32) -> bool {
    ACTIVE.load(std::sync::atomic::Ordering::Relaxed) == number
}

/// Whether a bug is in: never, in this build.
#[cfg(not(feature = "mutants"))]
#[inline(always)]
pub const fn active(_number: u32) -> bool {
    false
}

/// What [`REQUESTS_BY_OWN_CLOCK`] goes by instead of log time: it moves on whenever somebody looks.
pub fn own_clock() -> konsul_types::Millis {
    static LOOKS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    konsul_types::Millis(LOOKS.fetch_add(60_000, std::sync::atomic::Ordering::Relaxed) + (1 << 41))
}
