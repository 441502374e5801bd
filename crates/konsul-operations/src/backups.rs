//! The backups that an agent makes of its own accord: the port, and what is told of them.
//!
//! The schedule, the directory and the drill are the agent's ([`Backups`] is implemented there). Here is what an edge may
//! ask: how they stand ([`BackupReport`]), and to make one now. A client names no path in either.

use konsul_types::{Index, Millis};

use crate::context::Context;
use crate::error::Error;
use crate::local::Inner;
use crate::permission::Permission;
use crate::ports::{PortFuture, Replica};

/// The agent's own backups.
pub trait Backups: Send + Sync + 'static {
    /// How they stand. Reads the directory.
    fn report(&self) -> PortFuture<'_, BackupReport>;

    /// Makes one now, and looks after the kept ones as after a scheduled one. [`Error::Busy`] while one is being made;
    /// [`Error::BackupFailed`] with the reason if it fails, which the health line then says as well.
    fn run(&self) -> PortFuture<'_, KeptBackup>;
}

/// How an agent's backups stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BackupReport {
    /// Whether the agent makes any.
    pub enabled: bool,
    /// Milliseconds between two.
    pub interval_ms: u64,
    /// How many are kept.
    pub keep: u64,
    /// When the next is due.
    pub next_at: Option<Millis>,
    /// The last attempt; `None` before the first one since the start.
    pub last_run: Option<Attempt>,
    /// The last restore drill; `None` before the first one since the start.
    pub last_drill: Option<Attempt>,
    /// What is kept, newest first.
    pub kept: Vec<KeptBackup>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it ended.
    pub at: Millis,
    /// Milliseconds that it took.
    pub took_ms: u64,
    /// Why it failed; `None` if it did not.
    pub failure: Option<String>,
}

/// A backup in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptBackup {
    /// Its file's name.
    pub name: String,
    /// When it was begun.
    pub taken_at: Millis,
    /// Index of the state in it.
    pub index: Index,
    /// Bytes of the file.
    pub bytes: u64,
}

impl<R: Replica> Inner<R> {
    pub(crate) async fn backup_list(&self, ctx: &Context) -> Result<BackupReport, Error> {
        self.permit(ctx, &Permission::OperatorRead)?;
        self.here(ctx)?;
        match self.agent.backups() {
            Some(backups) => backups.report().await,
            None => Ok(BackupReport::default()),
        }
    }

    pub(crate) async fn backup_run(&self, ctx: &Context) -> Result<KeptBackup, Error> {
        self.permit(ctx, &Permission::Management)?;
        self.here(ctx)?;
        let backups = self.agent.backups().ok_or(Error::BackupsOff)?;
        backups.run().await
    }
}
