//! A thousand rounds of `kill -9` under load on a real process and a real disk: `make prove PART=kills`.
//!
//! Goes on where it stopped: the data directory and the number of rounds done are kept in `KONSUL_PROVE_DIR`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use konsul_testkit::kills;

const ROUNDS: u64 = 1000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match prove().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            say(&format!("prove: {} rounds | {why}", ROUNDS));
            ExitCode::FAILURE
        }
    }
}

async fn prove() -> Result<(), String> {
    let folder =
        PathBuf::from(std::env::var("KONSUL_PROVE_DIR").unwrap_or_else(|_| "target/prove/kills".into()));
    let seconds =
        std::env::var("KONSUL_PROVE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(4500);
    let data = folder.join("data");
    std::fs::create_dir_all(&data).map_err(|why| format!("{}: {why}", data.display()))?;
    let counted = folder.join("rounds");
    let before: u64 =
        std::fs::read_to_string(&counted).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let before = if before >= ROUNDS { 0 } else { before };
    let binary = build()?;
    let end = Instant::now() + Duration::from_secs(seconds);
    let report = kills::run(&binary, &data, ROUNDS - before, |report| {
        note(&counted, before + report.rounds);
        Instant::now() < end
    })
    .await?;
    note(&counted, before + report.rounds);
    say(&format!(
        "prove: {report} | nothing lost, no half transaction, no index back ({} rounds in all)",
        before + report.rounds
    ));
    Ok(())
}

/// The shipped binary, built as it ships.
fn build() -> Result<PathBuf, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let built = Command::new(cargo).args(["build", "--release", "--package", "konsul"]).status();
    if !built.map_err(|why| why.to_string())?.success() {
        return Err("the server cannot be built".into());
    }
    let here = std::env::current_exe().map_err(|why| why.to_string())?;
    Ok(here.parent().unwrap_or(Path::new(".")).join("konsul"))
}

fn note(path: &Path, rounds: u64) {
    if let Err(why) = std::fs::write(path, rounds.to_string()) {
        say(&format!("{}: {why}", path.display()));
    }
    if rounds % 50 == 0 {
        say(&format!("{rounds} rounds"));
    }
}

#[allow(clippy::print_stdout)]
fn say(line: &str) {
    println!("{line}");
}
