//! The reader of the state's chunks.
//!
//! Input: pieces, each a chunk.

use konsul_state::{Restorer, SnapshotError, State};

use super::commands;
use crate::Target;
use crate::bounds::Bounds;
use crate::input::{Input, of_pieces};

/// The target.
pub static TARGET: Target = Target {
    name: "state",
    about: "the state's chunks: every kind of record of a snapshot",
    input_bytes_max: 8 * 1024,
    bounds: Bounds { base_bytes: 8 << 20, bytes_per_byte: 1024 },
    run,
    seeds,
};

fn run(bytes: &[u8]) {
    let chunks = Input::new(bytes).pieces(256);
    if let Ok(state) = restore(&chunks) {
        let again: Vec<Vec<u8>> = state.chunks().collect();
        let copy = restore(&again).expect("what the state wrote can be read");
        assert!(copy == state, "a copy of a restored state differs from it");
    }
}

fn restore<C: AsRef<[u8]>>(chunks: &[C]) -> Result<State, SnapshotError> {
    let mut restorer = Restorer::new();
    chunks.iter().try_for_each(|chunk| restorer.chunk(chunk.as_ref()))?;
    restorer.finish()
}

fn seeds() -> Vec<Vec<u8>> {
    let applied = commands::histories().into_iter().map(|history| commands::applied(&history));
    std::iter::once(State::new()).chain(applied).map(|state| of_pieces(state.chunks())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_is_a_snapshot() {
        for seed in seeds() {
            let state = restore(&Input::new(&seed).pieces(256)).expect("a seed is a snapshot");
            assert_eq!(state.verify(), None);
        }
    }
}
