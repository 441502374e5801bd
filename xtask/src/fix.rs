//! `fix`: the only command that changes sources. What it cannot mend, `check` still tells.

use crate::deps::{self, Group};
use crate::error::Result;
use crate::process::Command;

/// Applies what the lints suggest, corrects spelling, and formats.
///
/// # Errors
///
/// When one of the tools cannot do its work, for example because the code does not compile.
pub fn run(_words: &[String]) -> Result<()> {
    deps::ensure(Group::Check)?;
    Command::new(deps::TYPOS.path()).words("--config typos.toml --write-changes").run()?;
    Command::cargo()
        .words("clippy --workspace --all-targets --fix --allow-dirty --allow-staged --quiet")
        .run()?;
    Command::cargo().words("fmt --all").run()
}
