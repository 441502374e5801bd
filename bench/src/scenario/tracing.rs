//! What tracing costs writes: a server that sends one request in a hundred to a collector, beside one that sends none.

use super::{KONSUL, closed_loop, connections};
use crate::error::{Error, Result};
use crate::plan::{Bench, say};
use crate::report::{Figure, Goal};
use crate::server::{Collector, Konsul};
use crate::work::{Dialect, Keys, Put};

const PART: &str = "Tracing";
const KEYS: u64 = 10_000;
const CONNECTIONS: usize = 64;

/// Measures tracing.
///
/// # Errors
///
/// What a server or the load generator says, and when no trace comes.
pub fn tracing(bench: &mut Bench) -> Result<()> {
    let collector = Collector::start()?;
    let without = bench.konsul.clone();
    let with = without
        .with_flag(format!("-telemetry-otlp-endpoint={}", collector.endpoint()))
        .with_flag("-telemetry-sample-ratio=0.01");
    // Twice as many rounds: what is looked for is small. And each of both goes first every other time.
    for round in 1..=bench.plan.rounds * 2 {
        say(&format!("tracing, round {round} of {}", bench.plan.rounds * 2));
        let mut turns = [(UNTRACED, &without), (TRACED, &with)];
        if round % 2 == 0 {
            turns.reverse();
        }
        let before = collector.received();
        for (how, konsul) in turns {
            put(bench, how, konsul)?;
        }
        if collector.received() == before {
            return Err(Error::Process("no trace came while one request in a hundred is traced".to_owned()));
        }
    }
    judge(bench);
    Ok(())
}

const UNTRACED: &str = "nothing traced";
const TRACED: &str = "1 % traced";

fn what(how: &str) -> String {
    format!("PUT, {}, {how}", connections(CONNECTIONS))
}

fn put(bench: &mut Bench, how: &str, konsul: &Konsul) -> Result<()> {
    let folder = bench.folder()?;
    let (server, _) = konsul.start(folder.path())?;
    let mut work = Put::new(Dialect::Konsul, Keys::random(KEYS));
    let sample = closed_loop(&bench.plan, &server, CONNECTIONS, &mut work)?;
    bench.report.add_sample(PART, &what(how), KONSUL, &sample);
    // Traces that wait are sent before it ends.
    server.stop()
}

fn judge(bench: &mut Bench) {
    for (figure, goal) in [(Figure::Rate, Goal::AtLeast(0.97)), (Figure::CpuEach, Goal::Shown)] {
        let with = bench.report.values(PART, &what(TRACED), KONSUL, figure).to_vec();
        let without = bench.report.values(PART, &what(UNTRACED), KONSUL, figure).to_vec();
        let title = figure.title().split(',').next().unwrap_or_default();
        bench.report.judge_ratio(&format!("PUT, 1 % traced / nothing: {title}"), &with, &without, goal);
    }
}
