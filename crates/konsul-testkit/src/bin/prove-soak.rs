//! An hour of steady load on a real process and a real disk: `make prove PART=soak`.
//!
//! `KONSUL_PROVE_SECONDS` shortens it, and the closing line then says so. `KONSUL_SOAK_RATE` sets the writes a second
//! (2,000), `KONSUL_SOAK_KEYS` the number of keys that are overwritten (1,000). It cannot be resumed: what it measures is one
//! process, so a new run begins anew. All samples are in `samples.tsv` beside the data.

use std::process::ExitCode;
use std::time::Duration;

use konsul_testkit::proof::{Contract, number, shipped_binary};
use konsul_testkit::soak::{self, HOUR, Options, WARM_UP};

/// What is kept back of the time that is given, to start, to stop and to tell.
const SPARE: Duration = Duration::from_secs(60);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match prove().await {
        Ok(closing) => {
            say(&format!("prove: {closing}"));
            ExitCode::SUCCESS
        }
        Err(closing) => {
            say(&format!("prove: {closing}"));
            ExitCode::FAILURE
        }
    }
}

async fn prove() -> Result<String, String> {
    let not_begun = |why: String| format!("0 minutes | {why}");
    let contract = Contract::of("soak").map_err(not_begun)?;
    let options = options(&contract).map_err(not_begun)?;
    let binary = shipped_binary().map_err(not_begun)?;
    let report =
        soak::run(&binary, &contract.folder, &options, say).await.map_err(|why| format!("soak | {why}"))?;
    if report.findings.is_empty() { Ok(report.closing()) } else { Err(report.closing()) }
}

fn options(contract: &Contract) -> Result<Options, String> {
    let time = contract.time.map_or(HOUR, |time| time.saturating_sub(SPARE)).min(HOUR);
    // A run that is much shorter than an hour has no five minutes to warm up; a third of it must do.
    let warm_up = WARM_UP.min(time / 3);
    let defaults = Options::default();
    Ok(Options {
        time,
        warm_up,
        writes_per_second: number("KONSUL_SOAK_RATE")?.unwrap_or(defaults.writes_per_second).max(1),
        keys: number("KONSUL_SOAK_KEYS")?.unwrap_or(defaults.keys).max(1),
    })
}

#[allow(clippy::print_stdout)]
fn say(line: &str) {
    println!("{line}");
}
