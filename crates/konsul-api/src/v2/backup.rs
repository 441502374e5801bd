//! Scheduled backups.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::time::Timestamp;

/// A backup that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Backup {
    /// Its file's name.
    pub name: String,
    /// When it was taken.
    pub at: Timestamp,
    /// The index of the state in it.
    pub index: u64,
    /// Its size.
    pub bytes: u64,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BackupAttempt)]
pub struct Attempt {
    /// When it ended.
    pub at: Timestamp,
    /// Why it failed; absent if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub failure: Option<String>,
}

/// The schedule's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Backups {
    /// Whether backups are scheduled.
    pub enabled: bool,
    /// Time between two of them; absent if they are not scheduled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub interval: Option<String>,
    /// How many are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub keep: Option<u64>,
    /// When the next one is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_at: Option<Timestamp>,
    /// The last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_run: Option<Attempt>,
    /// The last restore drill: the newest backup was read into memory and compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_drill: Option<Attempt>,
    /// What is kept, newest first.
    pub items: Vec<Backup>,
}
