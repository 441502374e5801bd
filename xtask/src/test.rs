//! `test`: everything that must hold before a change lands. The checks come first, then third-party clients
//! against a real node, and last `cargo test`, whose summaries end the output.

use crate::deps::{self, Group};
use crate::error::Result;
use crate::process::Command;
use crate::{check, tree};

/// Runs a client of another project unmodified against a real node.
const COMPAT: &str = "compat/run.sh";

/// Checks, then tests.
///
/// # Errors
///
/// The first stage that failed.
pub fn run(words: &[String]) -> Result<()> {
    check::run(words)?;
    deps::ensure(Group::Test)?;
    if tree::root().join(COMPAT).is_file() {
        Command::new("bash").arg(COMPAT).run()?;
    }
    Command::cargo().words("test --workspace --locked --no-fail-fast --quiet").run()
}
