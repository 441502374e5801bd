//! `lock`: locks as resources, and commands that run under one.

mod lease;
mod run;

use std::time::Duration;

use clap::{Args, Subcommand};
use konsul_client::v2::api::lock::{Lock as Found, LockGrant, LockReleased};

use super::{Covered, covers};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Column, Row};
use crate::run::Run;

/// What each command covers.
pub(crate) const OPERATIONS: &[Covered] = &[
    covers(
        "lock run",
        &["lock_acquire", "lock_release", "lock_get", "session_create", "session_renew", "session_destroy"],
    ),
    covers("lock list", &["lock_list"]),
    covers("lock get", &["lock_get"]),
    covers("lock acquire", &["lock_acquire"]),
    covers("lock release", &["lock_release"]),
];

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub enum Lock {
    /// Runs a command under a lock, and stops it when the lock is lost
    #[command(after_help = run::MORE)]
    Run(run::Arguments),
    /// Lists the locks in use, with who holds them and how many wait
    #[command(visible_alias = "ls", after_help = LIST)]
    List(List),
    /// Shows a lock
    #[command(after_help = GET)]
    Get(Name),
    /// Takes a lock for a session that you keep alive yourself, and prints the fencing number
    #[command(after_help = ACQUIRE)]
    Acquire(Acquire),
    /// Gives a lock back, or leaves its queue
    #[command(after_help = RELEASE)]
    Release(Release),
}

const LIST: &str = "\
Examples:
  konsulctl lock list
  konsulctl lock list deploy/ --output json";

const GET: &str = "\
Examples:
  konsulctl lock get deploy

Exit codes: 0 somebody holds it or waits for it; 3 nobody does.";

const ACQUIRE: &str = "\
Examples:
  konsulctl lock acquire deploy --session $SESSION --wait 30s

Prints the number of the grant. Give it along with every write to what the lock guards, which then refuses lower
numbers: so a holder that lost the lock without noticing does no harm.
Exit codes: 0 taken; 4 somebody else holds it.";

const RELEASE: &str = "\
Examples:
  konsulctl lock release deploy --session $SESSION

An operator who frees somebody else's lock takes the session's id from `konsulctl lock get`.";

/// Which locks are listed.
#[derive(Debug, Args)]
pub struct List {
    /// Only those whose names begin with this
    #[arg(value_name = "PREFIX")]
    prefix: Option<String>,
}

/// One lock.
#[derive(Debug, Args)]
pub struct Name {
    /// The lock's name
    name: String,
}

/// Who takes a lock.
#[derive(Debug, Args)]
pub struct Acquire {
    /// The lock's name
    name: String,
    /// The session that is to hold it, of `konsulctl session create`
    #[arg(long, value_name = "SESSION")]
    session: String,
    /// How long to wait in its queue
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = crate::cli::duration)]
    wait: Duration,
    /// A note for people who look who holds it
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

/// Who gives a lock back.
#[derive(Debug, Args)]
pub struct Release {
    /// The lock's name
    name: String,
    /// The session that holds it, or waits for it
    #[arg(long, value_name = "SESSION")]
    session: String,
    /// Only if this is the number of the grant
    #[arg(long, value_name = "NUMBER")]
    fencing: Option<u64>,
}

impl Lock {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        match self {
            Lock::Run(arguments) => run::run(arguments, run).await,
            Lock::List(arguments) => list(&arguments, run).await,
            Lock::Get(arguments) => get(&arguments.name, run).await,
            Lock::Acquire(arguments) => acquire(&arguments, run).await,
            Lock::Release(arguments) => release(&arguments, run).await,
        }
    }
}

async fn list(arguments: &List, run: &mut Run<'_>) -> Outcome {
    let client = run.client()?;
    let listed = client.v2().lock_list(arguments.prefix.as_deref()).all().await;
    let found = listed.map_err(|e| run.failed(&e))?;
    run.out().list(&found, "no lock is held or waited for")
}

async fn get(name: &str, run: &mut Run<'_>) -> Outcome {
    let client = run.client()?;
    match client.v2().lock_get(name).await.map_err(|e| run.failed(&e))? {
        Some(lock) => run.out().one(&lock),
        None => Err(Failure::with(
            Exit::NotFound,
            format!("there is no lock {name:?}: nobody holds it or waits for it"),
        )
        .next("konsulctl lock list")),
    }
}

async fn acquire(arguments: &Acquire, run: &mut Run<'_>) -> Outcome {
    let Acquire { name, session, wait, note } = arguments;
    let client = run.client()?;
    let granted = client.v2().lock_acquire(name, session, *wait, note.as_ref().map(String::as_bytes)).await;
    let grant = granted.map_err(|e| run.failed(&e))?;
    let sentence = grant.fencing.to_string();
    run.out().done(&sentence, &grant)
}

async fn release(arguments: &Release, run: &mut Run<'_>) -> Outcome {
    let Release { name, session, fencing } = arguments;
    let client = run.client()?;
    let released = client.v2().lock_release(name, session, *fencing).await.map_err(|e| run.failed(&e))?;
    run.out().done(&format!("Released {name}"), &released)
}

impl Row for Found {
    const COLUMNS: &'static [Column] = &[
        Column::text("NAME", 9),
        Column::whole("HOLDER", 8),
        Column::number("FENCING", 7),
        Column::number("WAITING", 6),
        Column::text("NOTE", 5),
        Column::number("CHANGED AT", 2),
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.session.clone().unwrap_or_else(|| "free".to_owned()),
            self.fencing.map(|number| number.to_string()).unwrap_or_default(),
            self.queue.len().to_string(),
            self.value.clone().or_else(|| self.value_base64.clone()).unwrap_or_default(),
            self.modify_index.to_string(),
        ]
    }

    fn plain(&self) -> Vec<String> {
        let mut cells = self.cells();
        cells[1] = self.session.clone().unwrap_or_default();
        cells
    }
}

impl Row for LockGrant {
    const COLUMNS: &'static [Column] = &[Column::number("FENCING", 9)];

    fn cells(&self) -> Vec<String> {
        vec![self.fencing.to_string()]
    }
}

impl Row for LockReleased {
    const COLUMNS: &'static [Column] = &[Column::text("NAME", 9)];

    fn cells(&self) -> Vec<String> {
        vec![self.name.clone()]
    }
}
