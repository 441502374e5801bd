//! The README's five minutes: its commands are run against the real binary, and must print what it says they print.

use std::path::Path;

#[test]
fn the_readme_tells_the_truth() {
    let binary = Path::new(env!("CARGO_BIN_EXE_konsul"));
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    xtask::tour::run_file(binary, &readme).unwrap_or_else(|why| panic!("{why}"));
}
