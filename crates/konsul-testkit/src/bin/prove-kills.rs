//! A thousand rounds of `kill -9` under load on a real process and a real disk: `make prove PART=kills`.
//!
//! Goes on where it stopped: the data directory and the number of rounds done are kept in the part's folder.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use konsul_testkit::kills;
use konsul_testkit::proof::{Contract, shipped_binary};

const ROUNDS: u64 = 1000;

/// Unless somebody says how long.
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> ExitCode {
    match prove().await {
        Ok(closing) => {
            say(&format!("prove: {closing}"));
            ExitCode::SUCCESS
        }
        Err(why) => {
            say(&format!("prove: up to {ROUNDS} rounds | {why}"));
            ExitCode::FAILURE
        }
    }
}

async fn prove() -> Result<String, String> {
    let contract = Contract::of("kills")?;
    let end = Instant::now() + contract.time.unwrap_or(HOUR);
    let data = contract.folder.join("data");
    std::fs::create_dir_all(&data).map_err(|why| format!("{}: {why}", data.display()))?;
    let counted = contract.folder.join("rounds");
    let before = done(&counted);
    let report = kills::run(&shipped_binary()?, &data, ROUNDS - before, |report| {
        note(&counted, before + report.rounds);
        Instant::now() < end
    })
    .await?;
    let rounds = before + report.rounds;
    note(&counted, rounds);
    Ok(format!("{report}; {rounds} of {ROUNDS} in all | nothing lost, no half transaction, no index back"))
}

/// Rounds that earlier runs did; a finished series begins anew.
fn done(counted: &Path) -> u64 {
    let rounds = std::fs::read_to_string(counted).ok().and_then(|text| text.trim().parse().ok());
    rounds.filter(|rounds| *rounds < ROUNDS).unwrap_or(0)
}

fn note(counted: &Path, rounds: u64) {
    if let Err(why) = std::fs::write(counted, rounds.to_string()) {
        say(&format!("{}: {why}", counted.display()));
    }
    if rounds.is_multiple_of(50) {
        say(&format!("{rounds} rounds"));
    }
}

#[allow(clippy::print_stdout, reason = "the contract of a part is its output")]
fn say(line: &str) {
    println!("{line}");
}
