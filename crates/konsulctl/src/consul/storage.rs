//! `storage`: looks at a data directory without a server, and mends it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{ArgMatches, Command};
use konsul_storage::inspect::{Repair, Report, inspect, repair, verify};
use konsul_storage::{RealVfs, StorageError};

use crate::console::Console;
use crate::consul::connection::is_on;
use crate::consul::input;
use crate::consul::words::{arguments, switch};
use crate::consul::{group, leaf};
use crate::failure::{Failure, Outcome};

/// Where an agent keeps its log below the data directory.
const LOG_DIR: &str = "raft";

const INSPECT: &str = "\
Example:
  konsul storage inspect /var/lib/konsul

Reads only, and takes no lock: an agent may run.";

const VERIFY: &str = "\
Example:
  konsul storage verify /var/lib/konsul

Reads every byte. Reads only, and takes no lock; what a running agent is just writing may look unfinished.

Exit codes: 0 whole; 2 damaged, and where is named; 1 the directory cannot be read.";

const REPAIR: &str = "\
Examples:
  konsul storage repair -dry-run /var/lib/konsul   what would be done, and what would be lost
  konsul storage repair /var/lib/konsul

For a server that stands alone. One of several servers loses nothing if it joins anew with an empty directory instead.
The agent must not run. What is taken out is kept in copies.";

pub(crate) fn command() -> Command {
    let dir = || arguments("DATA_DIR", "The agent's data directory");
    group("storage", "Looks at a data directory without a server, and mends it")
        .subcommand(
            leaf("konsul storage inspect [OPTIONS] DATA_DIR", "Lists what a data directory holds", INSPECT)
                .arg(dir()),
        )
        .subcommand(
            leaf(
                "konsul storage verify [OPTIONS] DATA_DIR",
                "Reads and checks every byte of a data directory",
                VERIFY,
            )
            .arg(dir()),
        )
        .subcommand(
            leaf("konsul storage repair [OPTIONS] DATA_DIR", "Takes out what is damaged", REPAIR)
                .arg(switch("dry-run", "Only say what would be done and lost"))
                .arg(dir()),
        )
}

pub(crate) fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    match matches.subcommand() {
        Some(("inspect", matches)) => {
            show(&inspect(Arc::new(RealVfs), &dir(matches)?).map_err(|e| failed(&e))?, console)
        }
        Some(("verify", matches)) => {
            check(&verify(Arc::new(RealVfs), &dir(matches)?).map_err(|e| failed(&e))?, console)
        }
        Some(("repair", matches)) => {
            let dry_run = is_on(matches, "dry-run");
            let done = repair(Arc::new(RealVfs), &dir(matches)?, dry_run);
            tell(&done.map_err(|e| failed(&e))?, console)
        }
        other => unreachable!("clap lets only known commands through, not {other:?}"),
    }
}

/// The directory of the log: the one below the data directory, or the given one itself.
fn dir(matches: &ArgMatches) -> Result<PathBuf, Failure> {
    let given = Path::new(input::exactly_one(matches, "DATA_DIR")?);
    let below = given.join(LOG_DIR);
    let dir = if below.is_dir() { below } else { given.to_owned() };
    if !dir.is_dir() {
        return Err(Failure::new(format!("Error! {} is no directory", given.display())));
    }
    Ok(dir)
}

fn failed(error: &StorageError) -> Failure {
    Failure::new(format!("Error! {error}"))
}

fn show(report: &Report, console: &mut Console<'_>) -> Outcome {
    console.line(report.to_string())
}

fn check(report: &Report, console: &mut Console<'_>) -> Outcome {
    show(report, console)?;
    let problems: Vec<String> =
        report.problems().map(|(file, condition)| format!("  {file}: {condition}")).collect();
    if problems.is_empty() {
        return console.line("Everything is whole.");
    }
    let text = format!(
        "Error! Not everything is as it was written:\n{}\n`konsul storage repair -dry-run` says what a repair would lose",
        problems.join("\n")
    );
    Err(Failure::Because { text, code: 2 })
}

fn tell(repair: &Repair, console: &mut Console<'_>) -> Outcome {
    let list = |console: &mut Console<'_>, title: &str, lines: &[String]| {
        console.line(title)?;
        lines.iter().try_for_each(|line| console.line(format!("  {line}")))
    };
    if repair.steps.is_empty() {
        return console.line("Nothing needs to be repaired.");
    }
    list(console, if repair.dry_run { "Would be done:" } else { "Done:" }, &repair.steps)?;
    if repair.lost.is_empty() {
        return console.line("Nothing is lost by it.");
    }
    list(console, if repair.dry_run { "Would be lost:" } else { "Lost:" }, &repair.lost)
}
