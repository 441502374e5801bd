//! The binary: `konsul agent` runs an agent, every other command is the command line's. Called as `konsulctl` it is the
//! command line alone.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program speaks on its terminal")]

mod agent;
mod banner;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut words = std::env::args();
    let program = words.next().unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or_default();
    let words: Vec<String> = words.collect();
    if program == "konsulctl" {
        return ExitCode::from(konsulctl::run("konsulctl", &words, &mut konsulctl::Console::of_process()));
    }
    match words.split_first() {
        Some((first, rest)) if first == "agent" => agent::run(rest),
        _ => ExitCode::from(konsulctl::run("konsul", &words, &mut konsulctl::Console::of_process())),
    }
}
