//! Bugs put in by hand. Without the feature `mutants` none exists and every question is answered "no" at compile time.

/// An instance stays in answers of passing ones although a check of its own is critical.
pub const CRITICAL_STAYS: u32 = 34;

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
