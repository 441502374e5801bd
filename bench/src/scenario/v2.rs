//! The v2 API beside v1 on one server, and batches of writes on disk and in memory.

use super::{KONSUL, closed_loop, connections};
use crate::error::Result;
use crate::load::fill;
use crate::plan::{Bench, say};
use crate::report::{Figure, Goal};
use crate::server::{Konsul, Running};
use crate::work::{Batch, Dialect, Get, Keys, Put};

const PART: &str = "v2 beside v1";
const BATCHES: &str = "Batches of 1,000 writes";

/// The same server, asked through v2.
const KONSUL_V2: &str = "konsul, v2";

const KEYS: u64 = 10_000;
const MEMBERS: usize = 1_000;
const CONNECTIONS: usize = 64;

/// Of batches, each of which is as much work as a thousand requests.
const BATCH_CONNECTIONS: usize = 8;

/// Measures v2.
///
/// # Errors
///
/// What a server or the load generator says.
pub fn v2(bench: &mut Bench) -> Result<()> {
    for round in 1..=bench.plan.rounds {
        say(&format!("v2, round {round} of {}", bench.plan.rounds));
        both(bench)?;
        for (engine, flags) in [("on disk", &[][..]), ("in memory", &["-dev"])] {
            batches(bench, engine, flags)?;
        }
    }
    judge(bench);
    Ok(())
}

fn put() -> String {
    format!("PUT, {}", connections(CONNECTIONS))
}

fn get() -> String {
    format!("GET, {}", connections(CONNECTIONS))
}

fn both(bench: &mut Bench) -> Result<()> {
    let folder = bench.folder()?;
    let (server, _) = bench.konsul.start(folder.path())?;
    fill(server.address, 64, KEYS, &mut Put::new(Dialect::Konsul, Keys::Ascending(0)))?;
    for (system, dialect) in [(KONSUL, Dialect::Konsul), (KONSUL_V2, Dialect::KonsulV2)] {
        let sample =
            closed_loop(&bench.plan, &server, CONNECTIONS, &mut Put::new(dialect, Keys::random(KEYS)))?;
        bench.report.add_sample(PART, &put(), system, &sample);
        let sample =
            closed_loop(&bench.plan, &server, CONNECTIONS, &mut Get::new(dialect, Keys::random(KEYS)))?;
        bench.report.add_sample(PART, &get(), system, &sample);
    }
    server.stop()
}

fn batches(bench: &mut Bench, engine: &str, flags: &[&str]) -> Result<()> {
    let folder = bench.folder()?;
    let konsul = with_flags(&bench.konsul, flags);
    let (server, _): (Running, _) = konsul.start(folder.path())?;
    let mut work = Batch::new(Keys::random(KEYS), MEMBERS);
    let sample = closed_loop(&bench.plan, &server, BATCH_CONNECTIONS, &mut work)?;
    bench.report.add_sample(BATCHES, engine, KONSUL, &sample);
    server.stop()
}

fn with_flags(konsul: &Konsul, flags: &[&str]) -> Konsul {
    let mut konsul = konsul.clone();
    konsul.flags.extend(flags.iter().map(|flag| (*flag).to_owned()));
    konsul
}

fn judge(bench: &mut Bench) {
    for (what, name) in [(put(), "PUT"), (get(), "GET")] {
        let v1 = bench.report.values(PART, &what, KONSUL, Figure::Rate).to_vec();
        let v2 = bench.report.values(PART, &what, KONSUL_V2, Figure::Rate).to_vec();
        bench.report.judge_ratio(&format!("{name}: requests/s, v2 / v1"), &v2, &v1, Goal::AtLeast(0.9));
    }
    for (engine, goal) in [("on disk", 300_000.0), ("in memory", 1_000_000.0)] {
        let batches = bench.report.values(BATCHES, engine, KONSUL, Figure::Rate).to_vec();
        let writes = batches.iter().map(|rate| rate * MEMBERS as f64).collect();
        bench.report.judge(&format!("writes/s in batches, {engine}"), writes, Goal::AtLeast(goal));
    }
}
