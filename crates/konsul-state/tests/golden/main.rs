//! Golden scripts: commands in text, and under each block what they answered, what they changed, and what the state holds.
//!
//! Every script runs twice: plainly, and with the state replaced by `restore(snapshot(state))` after each command. Both
//! must print the same. `UPDATE_GOLDENFILES=1` writes what the plain run prints; read the difference before you keep it.

mod operations;
mod runner;
mod services;
mod show;
mod words;

use std::path::{Path, PathBuf};

use runner::{Continue, Runner};

/// Every script, in order of its path.
fn scripts() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut found: Vec<PathBuf> = std::fs::read_dir(root)
        .expect("the scripts are there")
        .map(|entry| entry.expect("a directory can be listed").path())
        .collect();
    found.sort();
    assert!(found.len() > 10, "scripts are missing");
    found
}

#[test]
fn scripts_print_what_they_should() {
    for path in scripts() {
        goldenscript::run(&mut Runner::new(Continue::Same), &path)
            .unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    }
}

#[test]
fn scripts_print_the_same_over_a_snapshot_after_each_command() {
    for path in scripts() {
        let script = std::fs::read_to_string(&path).expect("a script is readable");
        let printed = goldenscript::generate(&mut Runner::new(Continue::Restored), &script)
            .unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        assert_eq!(printed, script, "{}", path.display());
    }
}
