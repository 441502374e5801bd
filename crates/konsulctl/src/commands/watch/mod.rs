//! `watch`: changes as they happen, printed or handed to a command.
//!
//! A handler gets each change before the next one is looked at, and the cursor file moves on only when it went well: a
//! watch that was cut anywhere goes on with the first change that was not handled. So a change may be handled twice, and
//! is never left out.

mod change;
mod cursor;
mod follow;
mod pace;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use konsul_client::v2::api::catalog::Status;
use konsul_client::v2::event::EventSelect;
use konsul_client::v2::watch::{ServiceTarget, Target};

pub(crate) use change::Change;
pub(crate) use follow::{Follow, attempts, why_lost};

use super::{Covered, covers};
use crate::failure::Outcome;
use crate::run::Run;

/// What each command covers.
pub(crate) const OPERATIONS: &[Covered] = &[covers("watch", &["watch"])];

const MORE: &str = "\
Examples:
  konsulctl watch --prefix app/
  konsulctl watch --glob 'app/*/port' --initial --output json
  konsulctl watch --key app/color --count 1
  konsulctl watch --prefix app/ --cursor-file app.cursor --debounce 500ms -- ./reload.sh
  konsulctl watch --service web --initial --debounce 200ms -- ./balancer.sh
  konsulctl watch --checks critical

The command gets each change as a line of JSON on its standard input, in the form that --output json prints; and
KONSUL_WATCH_KEY, KONSUL_WATCH_KIND, KONSUL_WATCH_INDEX and KONSUL_WATCH_CURSOR of the last one; of what is no key,
KONSUL_WATCH_KEY is its name (NODE/ID of an instance or a check). With --debounce it runs once it has been quiet that
long, or ten times that long after the first change, with the last change of each key or record.
A command that fails ends the watch, unless --keep-going is given; the cursor file then still stands before its changes.

Exit codes: 0 after --count changes; 1 the command failed; 5 no server; 6 the connection broke too often; 130 Ctrl-C.";

/// What is watched, and what for.
#[derive(Debug, Args)]
#[command(after_help = MORE)]
pub struct Watch {
    #[command(flatten)]
    what: What,
    /// What is there already comes first
    #[arg(long)]
    initial: bool,
    /// Each change carries what was there before
    #[arg(long)]
    old_values: bool,
    /// Goes on after this cursor, which an earlier watch of the same question printed
    #[arg(long, value_name = "CURSOR", conflicts_with = "cursor_file")]
    cursor: Option<String>,
    /// Keeps the cursor in this file, and goes on from it at the next start
    #[arg(long, value_name = "FILE")]
    cursor_file: Option<PathBuf>,
    /// Waits until it has been quiet for so long, and runs the command once for all of it
    #[arg(long, value_name = "DURATION", requires = "command", value_parser = crate::cli::duration)]
    debounce: Option<Duration>,
    /// Goes on when the command fails
    #[arg(long, requires = "command")]
    keep_going: bool,
    /// Ends after so many changes
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// How often in a row a lost connection is dialled again; 0 for as often as it takes
    #[arg(long, value_name = "NUMBER", default_value = "8")]
    attempts: u32,
    /// A command for each change, after --
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Which keys, or which other records.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// One key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Every key that begins with this; an empty one for all
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// Every key that fits: * stands for anything but a slash, ** for anything
    #[arg(long, value_name = "GLOB")]
    glob: Option<String>,
    /// Instances of a service with their checks; `service watch` can narrow them
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// All services: their tags, and how many instances stand how
    #[arg(long)]
    services: bool,
    /// A node with its instances and its own checks
    #[arg(long, value_name = "NODE")]
    node: Option<String>,
    /// Checks that stand so
    #[arg(long, value_name = "STATUS")]
    checks: Option<Stand>,
    /// Events of this name, or of any if it is empty; `event watch` can narrow them
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
}

impl What {
    fn target(self) -> Target {
        match self {
            What { key: Some(key), .. } => Target::Key(key),
            What { glob: Some(glob), .. } => Target::Glob(glob),
            What { service: Some(name), .. } => {
                Target::Service(ServiceTarget { name, ..ServiceTarget::default() })
            }
            What { services: true, .. } => Target::Services,
            What { node: Some(node), .. } => Target::Node(node),
            What { checks: Some(checks), .. } => Target::Checks(checks.status()),
            What { event: Some(name), .. } => {
                let name = Some(name).filter(|name| !name.is_empty());
                Target::Events(EventSelect { name, ..EventSelect::default() })
            }
            What { prefix, .. } => Target::Prefix(prefix.unwrap_or_default()),
        }
    }
}

/// How checks stand that are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stand {
    /// However they stand
    Any,
    /// Passing
    Passing,
    /// Warning
    Warning,
    /// Critical
    Critical,
}

impl Stand {
    fn status(self) -> Option<Status> {
        match self {
            Stand::Any => None,
            Stand::Passing => Some(Status::Passing),
            Stand::Warning => Some(Status::Warning),
            Stand::Critical => Some(Status::Critical),
        }
    }
}

impl Watch {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let target = self.what.target();
        let follow = Follow {
            initial: self.initial,
            old_values: self.old_values,
            cursor: self.cursor,
            cursor_file: self.cursor_file,
            debounce: self.debounce,
            keep_going: self.keep_going,
            count: self.count,
            attempts: self.attempts,
            command: self.command,
            ..Follow::of(target)
        };
        follow.run(run).await
    }
}
