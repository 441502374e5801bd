//! Staged restore: a backup enters the log in chunks and takes effect by one entry.

use serde::{Deserialize, Serialize};

use crate::{RestoreId, Value};

/// Largest chunk, in bytes: well below what a log entry may hold.
pub const RESTORE_CHUNK_MAX: usize = 1 << 20;

/// One step of a restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RestoreCommand {
    /// Begins to stage; drops whatever another restore had staged.
    Begin {
        /// Which restore.
        id: RestoreId,
    },
    /// Adds a chunk. Chunks come in order; another order is refused.
    Chunk {
        /// Which restore.
        id: RestoreId,
        /// Position of the chunk, from 0.
        number: u32,
        /// Its bytes.
        bytes: Value,
    },
    /// Reads the staged chunks and replaces the state by them, or refuses and drops them.
    Commit {
        /// Which restore.
        id: RestoreId,
        /// How many chunks there must be.
        chunks: u32,
    },
    /// Drops what was staged.
    Abort {
        /// Which restore.
        id: RestoreId,
    },
}
