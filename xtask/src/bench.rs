//! `bench`: hands over to the benchmark crate, after installing the peers it runs beside Konsul.

use crate::deps::{self, Group};
use crate::error::{Error, Result};
use crate::process::Command;
use crate::run::build_release;
use crate::tree;

/// Builds Konsul for release and runs the benchmarks; words go to them.
///
/// # Errors
///
/// [`Error::Missing`] when there is no benchmark crate, else what it reports.
pub fn run(words: &[String]) -> Result<()> {
    if !tree::root().join("bench/Cargo.toml").is_file() {
        let remedy = "the crate konsul-bench belongs in bench/".to_owned();
        return Err(Error::Missing { what: "bench/Cargo.toml".to_owned(), remedy });
    }
    deps::ensure(Group::Bench)?;
    let konsul = build_release()?;
    let command = Command::cargo().words("run --release --locked --package konsul-bench --");
    let flags = words.iter().filter(|word| *word != "--");
    command.args(flags).env("KONSUL_BIN", konsul).with_input().run()
}
