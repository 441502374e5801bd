//! `snapshot`: backups of the whole state, in files.

mod inspect;
mod restore;
mod save;

use clap::Subcommand;

use super::{Covered, covers};
use crate::failure::Outcome;
use crate::run::Run;

/// What each command covers.
pub(crate) const OPERATIONS: &[Covered] = &[
    covers("snapshot save", &["snapshot_save"]),
    covers("snapshot restore", &["snapshot_restore"]),
    covers("snapshot inspect", &[]),
];

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub enum Snapshot {
    /// Writes a backup of the whole state into a file
    #[command(after_help = save::MORE)]
    Save(save::Save),
    /// Replaces the whole state by a backup, at once or not at all
    #[command(after_help = restore::MORE)]
    Restore(restore::Restore),
    /// Checks every byte of a backup and shows what it holds, without a server
    #[command(after_help = inspect::MORE)]
    Inspect(inspect::Inspect),
}

impl Snapshot {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        match self {
            Snapshot::Save(command) => command.run(run).await,
            Snapshot::Restore(command) => command.run(run).await,
            Snapshot::Inspect(command) => command.run(run),
        }
    }
}
