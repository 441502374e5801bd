//! `backup`: the backups that the server takes by itself.

use clap::Subcommand;
use konsul_client::v2::api::backup::{Attempt, Backup as Kept, Backups};

use super::session::{in_words, now};
use super::{Covered, covers};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Column, Format, Row, bytes};
use crate::run::Run;

/// What each command covers.
pub(crate) const OPERATIONS: &[Covered] =
    &[covers("backup list", &["backup_list"]), covers("backup run", &["backup_run"])];

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub enum Backup {
    /// Shows the schedule, how the last backup and the last restore drill went, and what is kept
    #[command(visible_alias = "ls", after_help = LIST)]
    List,
    /// Takes a backup now, into the server's directory for backups
    #[command(after_help = RUN)]
    Run,
}

const LIST: &str = "\
Examples:
  konsulctl backup list
  konsulctl backup list --output json

Exit codes: 0 the last backup and the last drill went well, or none is due; 1 one of them failed, and why is said.";

const RUN: &str = "\
Examples:
  konsulctl backup run

For a backup in a file of this machine: konsulctl snapshot save FILE";

impl Backup {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        match self {
            Backup::List => list(run).await,
            Backup::Run => take(run).await,
        }
    }
}

async fn list(run: &mut Run<'_>) -> Outcome {
    let client = run.client()?;
    let backups = client.v2().backup_list().await.map_err(|e| run.failed(&e))?;
    match run.format() {
        Format::Table => {
            run.out().one(&backups)?;
            run.out().line("")?;
            run.out().list(&backups.items, "no backup is kept")?;
        }
        Format::Plain => run.out().list(&backups.items, "")?,
        _ => run.out().one(&backups)?,
    }
    judge(&backups)
}

fn judge(backups: &Backups) -> Outcome {
    let failed = |what: &str, attempt: &Option<Attempt>| {
        let why = attempt.as_ref()?.failure.as_ref()?;
        Some(Failure::with(Exit::Failed, format!("the last {what} failed: {why}")))
    };
    match failed("backup", &backups.last_run).or_else(|| failed("restore drill", &backups.last_drill)) {
        Some(failure) => Err(failure.next("`konsulctl status` shows what else is wrong")),
        None => Ok(()),
    }
}

async fn take(run: &mut Run<'_>) -> Outcome {
    let client = run.client()?;
    let progress = run.progress("taking a backup", 0, crate::progress::Unit::Bytes);
    let taken = client.v2().backup_run().await;
    drop(progress);
    let kept = taken.map_err(|e| run.failed(&e))?;
    run.out().done(&format!("Took {}: index {}, {}", kept.name, kept.index, bytes(kept.bytes)), &kept)
}

fn attempt(attempt: Option<&Attempt>) -> String {
    match attempt {
        None => "never".to_owned(),
        Some(Attempt { at, failure: None }) => format!("well, {}", in_words(*at, now())),
        Some(Attempt { at, failure: Some(why) }) => format!("failed, {}: {why}", in_words(*at, now())),
    }
}

impl Row for Backups {
    const COLUMNS: &'static [Column] = &[
        Column::text("SCHEDULE", 9),
        Column::text("KEPT", 8),
        Column::text("NEXT", 7),
        Column::text("LAST BACKUP", 8),
        Column::text("LAST DRILL", 8),
    ];

    fn cells(&self) -> Vec<String> {
        let schedule = match (&self.interval, self.enabled) {
            (Some(interval), true) => format!("every {interval}"),
            _ => "off".to_owned(),
        };
        let kept = match self.keep {
            Some(keep) => format!("{} of {keep}", self.items.len()),
            None => self.items.len().to_string(),
        };
        vec![
            schedule,
            kept,
            self.next_at.map(|at| in_words(at, now())).unwrap_or_default(),
            attempt(self.last_run.as_ref()),
            attempt(self.last_drill.as_ref()),
        ]
    }
}

impl Row for Kept {
    const COLUMNS: &'static [Column] = &[
        Column::text("NAME", 9),
        Column::text("TAKEN", 8),
        Column::number("INDEX", 7),
        Column::number("SIZE", 6),
    ];

    fn cells(&self) -> Vec<String> {
        vec![self.name.clone(), in_words(self.at, now()), self.index.to_string(), bytes(self.bytes)]
    }

    fn plain(&self) -> Vec<String> {
        vec![self.name.clone(), self.at.to_string(), self.index.to_string(), self.bytes.to_string()]
    }
}
