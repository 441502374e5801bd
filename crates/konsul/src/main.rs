//! The binary: `konsul agent` runs an agent, every other command is one of Consul's, by the crate `konsulctl`. That
//! crate's own binary has the native commands.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program speaks on its terminal")]

mod agent;
mod banner;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.split_first() {
        Some((first, rest)) if first == "agent" => agent::run(rest),
        _ => ExitCode::from(konsulctl::run("konsul", &words, &mut konsulctl::Console::of_process())),
    }
}
