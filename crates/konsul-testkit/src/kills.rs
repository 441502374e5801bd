//! Rounds of `kill -9` under load, and what must hold after each.
//!
//! A round starts a server on the directory of the round before, lets clients write for a moment, kills the process without
//! warning, starts it again and looks:
//!
//! - **No acknowledged write is lost.** Each client writes rising numbers to keys of its own; after the kill a key holds at
//!   least the last number that was acknowledged, and at most the last that was sent.
//! - **No half transaction.** Some writes put one number under two keys at once; they always agree.
//! - **No write happens twice.** A counter is raised by compare-and-swap; it is at least the number of acknowledged raises,
//!   and at most that of those sent.
//! - **No index goes back.** The index over all keys after the kill is at least the highest that any client saw before, and
//!   no answer has index zero.
//!
//! What a client did not hear back about may or may not have happened: both are accepted, once.

use std::path::Path;
use std::time::Duration;

use konsul_client::Client;

use crate::process::ServerSpec;

mod client;
mod ledger;

use client::Load;
pub use ledger::Ledger;

/// How a series of rounds ended.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Rounds done.
    pub rounds: u64,
    /// Acknowledged writes.
    pub acknowledged: u64,
    /// Writes whose outcome the client did not hear.
    pub unknown: u64,
    /// Longest time from a start to the first answer.
    pub slowest_start: Duration,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Report { rounds, acknowledged, unknown, slowest_start } = self;
        write!(f, "{rounds} rounds, {acknowledged} acknowledged writes, {unknown} of unknown outcome, ")?;
        write!(f, "slowest start {} ms", slowest_start.as_millis())
    }
}

/// How many clients write at once.
const CLIENTS: usize = 16;

/// Runs rounds until there were enough, or until `go_on` says no.
///
/// # Errors
/// What does not hold, with the round.
pub async fn run(
    binary: &Path,
    data_dir: &Path,
    rounds: u64,
    mut go_on: impl FnMut(&Report) -> bool,
) -> Result<Report, String> {
    let spec = ServerSpec::new(binary, data_dir);
    let mut ledger = Ledger::new(CLIENTS);
    let mut report = Report::default();
    let server = spec.start().await?;
    ledger.take_over(&server.client()).await?;
    server.kill().await;
    while report.rounds < rounds && go_on(&report) {
        round(&spec, &mut ledger, &mut report)
            .await
            .map_err(|why| format!("round {}: {why}", report.rounds + 1))?;
    }
    Ok(report)
}

async fn round(spec: &ServerSpec, ledger: &mut Ledger, report: &mut Report) -> Result<(), String> {
    let server = spec.start().await?;
    report.slowest_start = report.slowest_start.max(server.ready_after);
    ledger.check(&server.client()).await?;
    let load = Load::start(ledger, &server.client());
    // The moment of the kill is drawn, so that it falls into every phase of a write and of a snapshot.
    let moment = 20 + konsul_runtime::random::u64() % 300;
    tokio::time::sleep(Duration::from_millis(moment)).await;
    server.kill().await;
    let (acknowledged, unknown) = load.stop(ledger).await;
    report.acknowledged += acknowledged;
    report.unknown += unknown;
    report.rounds += 1;
    if acknowledged == 0 && moment > 200 {
        return Err("no write was acknowledged in the whole round".into());
    }
    Ok(())
}

/// Reads a key as a number; an absent key is zero. Answers the number with its modify index and the answer's index.
pub(crate) async fn number(client: &Client, key: &str) -> Result<(u64, u64, u64), String> {
    let answer =
        client.kv().get(key, &konsul_client::ReadOptions::default()).await.map_err(|why| why.to_string())?;
    let Some(pair) = answer.value else { return Ok((0, 0, answer.meta.index)) };
    let text = String::from_utf8_lossy(&pair.value).into_owned();
    let number = text.parse().map_err(|_| format!("{key} holds {text:?}, which nobody wrote"))?;
    Ok((number, pair.modify_index, answer.meta.index))
}
