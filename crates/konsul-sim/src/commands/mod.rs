//! The commands, and what they share: a line for each run, processes, and a file to go on from.

use std::io::Write;

pub(crate) mod child;
pub(crate) mod line;
pub(crate) mod mutants;
pub(crate) mod prove;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod seeds;
pub(crate) mod shrink;
pub(crate) mod state;

/// What a command answers: whether all is well.
pub(crate) type Done = std::io::Result<bool>;

/// Writes a line to standard output. Whoever closed it does not want it.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Client operations of one seed, unless another number is asked for.
pub(crate) const OPERATIONS: u64 = 3_000;
