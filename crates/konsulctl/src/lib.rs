//! The command line, in its two forms.
//!
//! * [`native`] is the binary `konsulctl`: Konsul's own commands over `/v2`, for people and for scripts.
//! * [`run`] is what the binary `konsul` calls for every command but `agent`: Consul's commands, with Consul's arguments,
//!   output and exit codes (`consul/`).
//!
//! # Where things are
//!
//! ```text
//! main.rs        the binary konsulctl
//! cli.rs         the clap tree: global options and one variant for each group of commands
//! run.rs         Run: what a command is given — the client, the output, the console, progress
//! commands/      one file for each group (kv/ has one for each command)
//! output/        table, json, yaml, plain: how a command shows things
//! progress.rs    bars for what takes longer than a second, on a terminal only
//! target.rs      which server: options, environment, context, default, and where each setting came from
//! contexts.rs    the file of named servers
//! exit.rs        the exit codes
//! help.rs        help laid out for a width
//! reference.rs   the page of the book that is made from the tree
//! complete.rs    what a shell is offered on tab
//! failure.rs     why a command failed, and what to do next
//! console.rs     everything of the outside that a command may touch
//! consul/        Consul's commands
//! ```
//!
//! # The life of a native command
//!
//! A group is an enum of clap's (`#[derive(Subcommand)]`) with `async fn run(self, run: &mut Run<'_>) -> Outcome`. It
//! gathers arguments, calls the client, and shows what came back:
//!
//! ```text
//! let client = run.client()?;                                  // an address, credentials, TLS: all settled
//! let key = client.v2().kv_get(&self.key, …).await.map_err(|e| run.failed(e))?;
//! run.out().one(&key)                                          // one thing, in the form that was asked for
//! run.out().list(&keys, "no keys below app/")                 // many things: columns, an array, a list, lines
//! run.out().item(&event)                                       // things that come one after the other
//! run.out().done("Deleted app/color", &answer)                 // what a write says
//! run.out().raw(bytes)                                         // bytes as they are
//! ```
//!
//! What is shown implements [`output::Row`]: its columns, its cells, and `Serialize` for JSON and YAML. A failure is
//! [`failure::Failure`]: `Failure::with(Exit::NotFound, "there is no key app/color").next("konsulctl kv ls app/")`. Notes
//! that are not the answer go to standard error with `run.note("…")`. Ctrl-C ends a command at once, unless it asked for
//! `run.interrupt()`.
//!
//! To add a command: its variant and `run` in its group's file; `after_help` with `Examples:` whose lines a test runs;
//! its line in the group's `OPERATIONS`, which says what operations of the API it covers ([`commands()`]).
//!
//! # What is missing on purpose
//!
//! It decides nothing that a server decides: a key, a flag or a session is checked there, and the server's words are
//! shown. It never prompts.

pub mod cli;
pub mod console;
pub mod exit;
pub mod failure;
pub mod output;

mod bundle;
mod child;
mod clock;
mod commands;
mod complete;
mod consul;
mod contexts;
mod handler;
mod help;
mod interrupt;
mod payload;
mod progress;
pub mod reference;
mod run;
mod signals;
mod target;

pub use commands::{Covered, commands};
pub use complete::answered;
pub use console::Console;
pub use konsul_config::build::{BUILD_DATE, REVISION, VERSION};

use failure::Failure;

/// Runs one of Consul's commands and answers the process's exit code. `program` is what the user calls it, `words` what
/// follows.
pub fn run(program: &str, words: &[String], console: &mut Console<'_>) -> u8 {
    let result = consul::run(program, words, console);
    let result = result.and_then(|()| console.flush());
    match result {
        Ok(()) | Err(Failure::ClosedPipe) => 0,
        Err(failure) => console.fail(&failure),
    }
}

/// Runs one native command and answers the process's exit code. `words` begins with the program's name.
pub fn native(words: &[String], console: Console<'_>) -> u8 {
    cli::run(words, console)
}
