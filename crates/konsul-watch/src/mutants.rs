//! Bugs put in by hand. Without the feature `mutants` none exists and every question is answered "no" at
//! compile time.

/// Readers are registered when they begin to wait, after they have read: what was published between is lost.
pub const REGISTERED_AFTER_READ: u32 = 22;

/// A subscriber that history has moved past goes on with what is left and is not told.
pub const DROPS_SILENTLY: u32 = 23;

/// Nobody wakes a reader of passing instances.
pub const PASSING_NOT_WOKEN: u32 = 30;

/// A reader of one service wakes by news of any service of its namespace.
pub const WOKEN_BY_OTHERS: u32 = 31;

#[cfg(feature = "mutants")]
mod selected {
    use std::sync::atomic::{AtomicU32, Ordering};

    static SELECTED: AtomicU32 = AtomicU32::new(0);

    /// Turns one mutant on for the whole process; zero turns all off.
    pub fn select(mutant: u32) {
        SELECTED.store(mutant, Ordering::SeqCst);
    }

    pub(crate) fn is(mutant: u32) -> bool {
        SELECTED.load(Ordering::Relaxed) == mutant
    }
}

#[cfg(feature = "mutants")]
pub(crate) use selected::is;
#[cfg(feature = "mutants")]
pub use selected::select;

#[cfg(not(feature = "mutants"))]
pub(crate) const fn is(_: u32) -> bool {
    false
}
