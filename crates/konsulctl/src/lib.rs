//! The command line: every command but `konsul agent`, for `konsul kv …` and `konsulctl kv …` alike.
//!
//! Arguments, output and exit codes are Consul's where Consul has the command, so that a script written for `consul`
//! runs after a rename. What goes beyond is named in the help of each command.
//!
//! # The life of a command
//!
//! [`run`] takes the words after the program's name and everything else that a command may touch, as a [`Console`]:
//! environment, input, output. `words` turns Go's way of writing flags (one dash, `-flag=value`) into clap's; `tree`
//! finds the command; the command connects (`connection`), calls, prints. A failure is a text and an exit code
//! ([`failure::Failure`]); a reader that closed its end of a pipe has what it wanted, which is success.
//!
//! # What is missing on purpose
//!
//! It decides nothing that a server decides: a key, a flag or a session is checked there, and the server's words are
//! shown. It never prompts.

pub mod console;
pub mod failure;

mod agent;
mod archive;
mod connection;
mod event;
mod input;
mod kv;
mod quoting;
mod snapshot;
mod status;
mod storage;
mod tree;
mod validate;
mod version;
mod words;

pub use console::Console;
pub use konsul_config::build::{BUILD_DATE, REVISION, VERSION};

use failure::Failure;

/// Runs one command and answers the process's exit code. `program` is what the user calls it, `words` what follows.
pub fn run(program: &str, words: &[String], console: &mut Console<'_>) -> u8 {
    let result = tree::run(program, words, console);
    let result = result.and_then(|()| console.flush());
    match result {
        Ok(()) | Err(Failure::ClosedPipe) => 0,
        Err(failure) => console.fail(&failure),
    }
}
