//! `cargo xtask COMMAND`: hands the words of the command line to the library and turns a failure into exit 1.
#![allow(clippy::print_stderr, reason = "a command-line tool speaks on stderr")]

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match xtask::run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
