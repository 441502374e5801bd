//! `konsul-sim`: runs seeds of the simulator, one process each.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod commands;

/// Simulates one whole Konsul server under virtual time, on a disk that fails, and checks what it promises.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs one seed in this process and prints one line.
    Run(commands::run::Run),
    /// Runs seeds twice, each in two processes, and compares their traces.
    ReplayCheck(commands::replay::ReplayCheck),
    /// Makes a seed that fails smaller, as long as it fails in the same way.
    Shrink(commands::shrink::Shrink),
    /// Runs many seeds and prints a table and the marks that were hit.
    Seeds(commands::seeds::Seeds),
    /// Puts each known bug in and counts the seeds until it is caught.
    Mutants(commands::mutants::Mutants),
    /// Works on a long proof for as long as the environment says.
    Prove(commands::prove::Prove),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Run(run) => run.execute(),
        Command::ReplayCheck(check) => check.execute(),
        Command::Shrink(shrink) => shrink.execute(),
        Command::Seeds(seeds) => seeds.execute(),
        Command::Mutants(mutants) => mutants.execute(),
        Command::Prove(prove) => prove.execute(),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            commands::say(&format!("konsul-sim: {error}"));
            ExitCode::from(2)
        }
    }
}
