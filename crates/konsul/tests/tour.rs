//! Pages whose commands are run against the real binaries, and must print what the pages say they print.

#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::path::{Path, PathBuf};
use std::process::Command;

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

fn run(name: &str) {
    let binary = Path::new(env!("CARGO_BIN_EXE_konsul"));
    xtask::tour::run_file(binary, &page(name)).unwrap_or_else(|why| panic!("{why}"));
}

#[test]
fn the_readme_tells_the_truth() {
    run("README.md");
}

/// `konsulctl` is another package's: it is built beside `konsul` here, so that the page never meets an older one.
#[test]
fn the_first_steps_are_as_written() {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--package", "konsulctl", "--bin", "konsulctl"])
        .status()
        .unwrap();
    assert!(built.success(), "konsulctl was not built");
    run("docs/src/guides/first-steps.md");
}
