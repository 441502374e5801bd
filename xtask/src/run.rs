//! `run`: a release build, then `konsul agent -dev` in place of this process, so that Ctrl-C reaches the agent.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::process::Command;
use crate::tree;

/// Builds and becomes a development agent; words after `--` go to it.
///
/// # Errors
///
/// When the build fails or the binary cannot be started; on success it does not return.
pub fn run(words: &[String]) -> Result<()> {
    let konsul = build_release()?;
    let flags = words.iter().filter(|word| *word != "--");
    let mut agent = std::process::Command::new(&konsul);
    agent.args(["agent", "-dev"]).args(flags);
    Err(Error::file("start", &konsul, agent.exec()))
}

/// Builds the release binary and tells where it is.
///
/// # Errors
///
/// When the build fails.
pub fn build_release() -> Result<PathBuf> {
    // The commit and its date, not the hour: the same commit builds the same binary. Without git it stays unknown.
    let told = |line: &str| Command::new("git").words(line).output().map(|text| text.trim().to_owned());
    let mut build =
        Command::cargo().words("build --release --locked --package konsul --package konsulctl --bins");
    if let (Ok(revision), Ok(date)) = (told("rev-parse --short HEAD"), told("log -1 --format=%cI")) {
        build = build.env("KONSUL_REVISION", revision).env("KONSUL_BUILD_DATE", date);
    }
    build.run()?;
    Ok(target_dir().join("release/konsul"))
}

/// Where cargo puts what it builds.
pub fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => tree::root().join(dir),
        None => tree::root().join("target"),
    }
}
