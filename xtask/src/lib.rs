//! The project's own tools, run as `cargo xtask COMMAND`; each target of the `Makefile` is one line over them.
//!
//! What it is: a small library with one file per command. `check` never writes to the tree and is what CI runs;
//! `fix` is the only command that changes sources. `tidy` holds the rules of the house as programs: one file per
//! rule, each with a test that the rule fires.
//!
//! What it is not: part of the product. No crate of the house depends on it, except a test that borrows the
//! [`tour`] runner. It has no configuration of its own and keeps nothing outside `target/` and the tools folder
//! (see [`deps`]).
//!
//! The life of a command: [`run()`] looks the first word up in [`COMMANDS`], the command's function does its steps
//! through [`process::Command`], which echoes each command line, and the first error ends the run with its
//! message. Commands that have many independent steps ([`check`]) go on after a failure and report all of them
//! at the end, so that one run tells everything that is wrong.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks on stdout and stderr"
)]

pub mod bench;
pub mod book;
pub mod check;
pub mod contract;
pub mod deps;
pub mod docs;
pub mod error;
pub mod fix;
pub mod openapi;
pub mod process;
pub mod prove;
pub mod run;
pub mod rust_source;
pub mod test;
pub mod tidy;
pub mod tour;
pub mod tree;

pub use error::{Error, Result};

/// One command of `cargo xtask`.
pub struct Command {
    /// The word that selects it.
    pub name: &'static str,
    /// What it takes after its name, for the help text.
    pub usage: &'static str,
    /// One line for the help text.
    pub about: &'static str,
    /// The function that does it, given the words after the name.
    pub run: fn(&[String]) -> Result<()>,
}

/// Every command, in the order of the help text.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "run",
        usage: "[-- FLAG…]",
        about: "release build, then a development agent",
        run: run::run,
    },
    Command {
        name: "check",
        usage: "",
        about: "everything CI checks but the tests; never writes",
        run: check::run,
    },
    Command { name: "test", usage: "", about: "check, the client tests, then cargo test", run: test::run },
    Command { name: "tidy", usage: "", about: "the rules of the house alone", run: tidy::run },
    Command { name: "fix", usage: "", about: "format, apply lints and spelling corrections", run: fix::run },
    Command {
        name: "deps",
        usage: "[check|test|bench]",
        about: "install what a target needs",
        run: deps::run,
    },
    Command {
        name: "openapi",
        usage: "",
        about: "write openapi/v2.json and the pages that come from the same table",
        run: openapi::run,
    },
    Command { name: "docs", usage: "", about: "build the book into target/book", run: docs::run },
    Command {
        name: "contract",
        usage: "",
        about: "lint the OpenAPI document and hold a node to it, as a part of the long proofs",
        run: contract::run,
    },
    Command { name: "bench", usage: "[-- FLAG…]", about: "benchmarks beside real peers", run: bench::run },
    Command { name: "prove", usage: "PART", about: "the long proofs; adds to the ledger", run: prove::run },
    Command { name: "tour", usage: "--bin PATH", about: "run the commands of the README", run: tour::run },
];

/// Runs the command that `words` name.
///
/// # Errors
///
/// [`Error::Usage`] when the first word is no command, else what the command reports.
pub fn run(words: &[String]) -> Result<()> {
    let Some((name, rest)) = words.split_first() else {
        print!("{}", help());
        return Ok(());
    };
    if matches!(name.as_str(), "help" | "-h" | "--help") {
        print!("{}", help());
        return Ok(());
    }
    let command = COMMANDS.iter().find(|command| command.name == name);
    let command =
        command.ok_or_else(|| Error::Usage(format!("there is no command `{name}`\n\n{}", help())))?;
    (command.run)(rest)
}

/// The help text: one line per command.
pub fn help() -> String {
    let mut text = String::from("cargo xtask COMMAND\n\n");
    for Command { name, usage, about, .. } in COMMANDS {
        text.push_str(&format!("  {:<26} {about}\n", format!("{name} {usage}")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_command_is_named_and_the_known_ones_listed() {
        let message = run(&["checks".to_owned()]).expect_err("no such command").to_string();
        assert!(message.contains("`checks`") && message.contains("check"), "{message}");
    }

    #[test]
    fn every_command_is_in_the_help_text() {
        let help = help();
        for command in COMMANDS {
            assert!(help.contains(command.about), "{} is missing", command.name);
        }
    }
}
