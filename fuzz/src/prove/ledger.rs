//! How long each target has run in the present round: one small file for each.

use std::path::{Path, PathBuf};
use std::time::Duration;

use konsul_fuzz::targets;

/// The times of one round.
pub(super) struct Ledger {
    folder: PathBuf,
}

impl Ledger {
    /// The ledger of a folder.
    pub(super) fn open(folder: &Path) -> Result<Ledger, String> {
        let folder = folder.join("ran");
        std::fs::create_dir_all(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
        Ok(Ledger { folder })
    }

    /// How long a target has run.
    pub(super) fn ran(&self, target: &str) -> Duration {
        let text = std::fs::read_to_string(self.folder.join(target)).unwrap_or_default();
        // A file that was half written counts as none: the target runs once more.
        Duration::from_secs(text.trim().parse().unwrap_or(0))
    }

    /// Adds to it.
    pub(super) fn add(&self, target: &str, more: Duration) -> Result<(), String> {
        let seconds = (self.ran(target) + more).as_secs();
        self.write(target, seconds)
    }

    /// Every target has had its share: the next run begins anew.
    pub(super) fn begin_a_new_round(&self) -> Result<(), String> {
        targets::ALL.iter().try_for_each(|target| self.write(target.name, 0))
    }

    fn write(&self, target: &str, seconds: u64) -> Result<(), String> {
        let file = self.folder.join(target);
        std::fs::write(&file, seconds.to_string()).map_err(|why| format!("{}: {why}", file.display()))
    }
}
