//! The bare limits: what this machine allows anybody, with the same generator on the same cores.

use super::{EMPTY, closed_loop, connections};
use crate::error::{Error, Result};
use crate::plan::{Bench, say};
use crate::report::Figure;
use crate::server::{Empty, Running, sync_rate};
use crate::work::Nothing;

const PART: &str = "Bare limits";

/// Measures the empty handler, with our generator and with `wrk`, and the bare loop of write and sync.
///
/// # Errors
///
/// What a server or the load generator says.
pub fn limits(bench: &mut Bench) -> Result<()> {
    for round in 1..=bench.plan.rounds {
        say(&format!("bare limits, round {round} of {}", bench.plan.rounds));
        let folder = bench.folder()?;
        let server = Empty::start(folder.path())?;
        for count in [1, 64, 256] {
            for (verb, mut work) in [("GET", Nothing::Get), ("PUT", Nothing::Put)] {
                let sample = closed_loop(&bench.plan, &server, count, &mut work)?;
                bench.report.add_sample(PART, &format!("{verb}, {}", connections(count)), EMPTY, &sample);
            }
        }
        let rate = wrk(bench, &server)?;
        let what = format!("GET, {}, asked by wrk", connections(64));
        bench.report.add(PART, &what, EMPTY, Figure::Rate, rate);
        server.kill();
        let rate = sync_rate(folder.path(), bench.plan.measure)?;
        bench.report.add(PART, "write of 4 KiB and fdatasync, one after another", "disk", Figure::Rate, rate);
    }
    Ok(())
}

/// A second opinion on the generator.
fn wrk(bench: &Bench, server: &Running) -> Result<f64> {
    let seconds = bench.plan.measure.as_secs().max(1);
    let output = std::process::Command::new("wrk")
        .args(["-t1", "-c64", &format!("-d{seconds}s"), &format!("http://{}/", server.address)])
        .output()
        .map_err(|why| {
            Error::Process(format!("cannot start wrk: {why}; `cargo xtask deps bench` installs it"))
        })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let rate = text.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
    rate.and_then(|rate| rate.trim().parse().ok())
        .ok_or_else(|| Error::Process(format!("wrk printed {text}")))
}
