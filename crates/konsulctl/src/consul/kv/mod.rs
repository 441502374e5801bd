//! `kv`: reads and writes the key-value store.

mod delete;
mod export;
mod get;
mod import;
mod put;

use clap::{ArgMatches, Command};

use crate::console::Console;
use crate::consul::group;
use crate::failure::Outcome;

pub(crate) fn command() -> Command {
    group("kv", "Reads and writes the key-value store")
        .subcommand(get::command())
        .subcommand(put::command())
        .subcommand(delete::command())
        .subcommand(export::command())
        .subcommand(import::command())
}

pub(crate) async fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    match matches.subcommand() {
        Some(("get", matches)) => get::run(matches, console).await,
        Some(("put", matches)) => put::run(matches, console).await,
        Some(("delete", matches)) => delete::run(matches, console).await,
        Some(("export", matches)) => export::run(matches, console).await,
        Some(("import", matches)) => import::run(matches, console).await,
        other => unreachable!("clap lets only known commands through, not {other:?}"),
    }
}
