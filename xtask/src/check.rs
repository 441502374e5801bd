//! `check`: everything CI checks but the tests. It writes nothing but build output, and reports every step that
//! failed, not only the first.

use crate::deps::{self, Group};
use crate::error::{Error, Result};
use crate::process::Command;
use crate::{docs, tidy};

/// One step: its name, and what it does.
type Step = (&'static str, fn() -> Result<()>);

/// In the order of how fast they answer.
const STEPS: &[Step] = &[
    ("format", format),
    ("tidy", || tidy::run(&[])),
    ("spelling", spelling),
    ("licences, bans, sources", deny),
    ("book", docs::build),
    ("lints", lints),
    ("rustdoc", rustdoc),
];

/// Installs what the steps need and runs them all.
///
/// # Errors
///
/// [`Error::Found`] with the names of the steps that failed.
pub fn run(_words: &[String]) -> Result<()> {
    deps::ensure(Group::Check)?;
    let failed: Vec<&str> = STEPS.iter().filter_map(|step| failure(*step)).collect();
    if failed.is_empty() {
        println!("check: all {} steps passed", STEPS.len());
        return Ok(());
    }
    Err(Error::Found(format!(
        "check failed in: {}. `make fix` mends what a program can mend",
        failed.join("; ")
    )))
}

fn failure((name, step): Step) -> Option<&'static str> {
    println!("── {name}");
    let error = step().err()?;
    println!("{name}: {error}");
    Some(name)
}

fn format() -> Result<()> {
    Command::cargo().words("fmt --all --check").run()
}

fn lints() -> Result<()> {
    Command::cargo().words("clippy --workspace --all-targets --locked --quiet -- -D warnings").run()
}

fn rustdoc() -> Result<()> {
    let command = Command::cargo().words("doc --workspace --no-deps --locked --quiet");
    command.env("RUSTDOCFLAGS", "-D warnings").run()
}

fn spelling() -> Result<()> {
    Command::new(deps::TYPOS.path()).words("--config typos.toml").run()
}

// The advisory database is a download of its own and needs the open network: `cargo deny check` has it.
fn deny() -> Result<()> {
    Command::new(deps::DENY.path()).words("--log-level error --locked check licenses bans sources").run()
}
