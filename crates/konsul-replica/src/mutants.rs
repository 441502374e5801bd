//! Bugs that can be put in by hand, to show that the checkers see them.

/// The applied index is published before the state.
pub(crate) const INDEX_BEFORE_STATE: u32 = 14;

/// Whether a bug is in.
pub(crate) fn active(number: u32) -> bool {
    konsul_state::mutants::active(number)
}
