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
/// A check that turns critical does not end the sessions that lean on it.
pub const CRITICAL_KEEPS_SESSIONS: u32 = 29;
/// The index of a service goes back when its last instance goes.
pub const SERVICE_INDEX_GOES_BACK: u32 = 32;
/// An instance that goes leaves its checks.
pub const CHECKS_STAY: u32 = 33;
/// A registration that says what is known already is written all the same.
pub const WRITES_EQUAL: u32 = 35;
/// A prepared query outlives its session.
pub const QUERY_OUTLIVES_SESSION: u32 = 36;
/// A check that changes its output is news to readers of passing instances.
pub const OUTPUT_IS_NEWS: u32 = 37;
/// Each check of a registration is counted as if it came alone.
pub const CHECKS_COUNTED_APART: u32 = 38;
/// Sessions are found by their node's name as it was spelled.
pub const NODES_AS_SPELLED: u32 = 39;
/// The instances of a service are not counted down.
pub const INSTANCES_COUNT_UP: u32 = 40;
/// A change of a node's own check is no news of the services on it.
pub const NODE_CHECK_IS_NO_NEWS: u32 = 41;
/// A removed check leaves the sessions that lean on it.
pub const REMOVED_CHECK_KEEPS_SESSIONS: u32 = 42;
/// A check that warns ends sessions, as if it were critical.
pub const WARNING_ENDS_SESSIONS: u32 = 43;
/// A lock that was lost with a session is free at once.
pub const NO_LOCK_DELAY: u32 = 44;

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
