//! A server that has nothing to do, and the time until a new one does something.

use super::KONSUL;
use crate::error::Result;
use crate::plan::{Bench, say};
use crate::report::{Figure, Goal, Spread};
use crate::server::konsul_first_write;

const PART: &str = "Start and rest";

/// Measures start and rest.
///
/// # Errors
///
/// What a server says.
pub fn rest(bench: &mut Bench) -> Result<()> {
    let (first, memory, share) =
        ("start to the first answered write", "idle: memory", "idle: share of a core");
    for round in 1..=bench.plan.rounds {
        say(&format!("start, round {round} of {}", bench.plan.rounds));
        let folder = bench.folder()?;
        let (server, took) = bench.konsul.start_until(folder.path(), konsul_first_write)?;
        bench.report.add(PART, first, KONSUL, Figure::Milliseconds, took.as_secs_f64() * 1e3);
        server.stop()?;
    }
    say(&format!("an idle server for {:?}", bench.plan.idle));
    let folder = bench.folder()?;
    let (server, _) = bench.konsul.start_until(folder.path(), konsul_first_write)?;
    server.process.until_quiet()?;
    let before = server.process.cpu_time()?;
    std::thread::sleep(bench.plan.idle);
    let used = server.process.cpu_time()?.saturating_sub(before);
    let percent = used.as_secs_f64() / bench.plan.idle.as_secs_f64() * 100.0;
    let mebibytes = server.process.memory()? as f64 / super::MEBIBYTE;
    bench.report.add(PART, share, KONSUL, Figure::Percent, percent);
    bench.report.add(PART, memory, KONSUL, Figure::Mebibytes, mebibytes);
    server.stop()?;
    let slowest = Spread::of(bench.report.values(PART, first, KONSUL, Figure::Milliseconds)).maximum;
    bench.report.judge("start to the first answered write, slowest, ms", vec![slowest], Goal::AtMost(1000.0));
    bench.report.judge("idle: memory, MiB", vec![mebibytes], Goal::AtMost(30.0));
    bench.report.judge("idle: share of a core, %", vec![percent], Goal::AtMost(0.5));
    Ok(())
}
