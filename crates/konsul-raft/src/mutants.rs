//! Bugs put in by hand, to show that the checkers catch them. Built only with the feature `mutants`.

use std::sync::atomic::{AtomicU32, Ordering};

static ACTIVE: AtomicU32 = AtomicU32::new(0);

/// Mutant 1: an append is reported durable before it was synced.
pub const ACK_BEFORE_SYNC: u32 = 1;

/// Switches one on for the whole process; 0 is none.
pub fn activate(mutant: u32) {
    ACTIVE.store(mutant, Ordering::SeqCst);
}

pub(crate) fn is_active(mutant: u32) -> bool {
    ACTIVE.load(Ordering::Relaxed) == mutant
}
