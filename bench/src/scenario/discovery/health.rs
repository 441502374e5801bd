//! The instances of one service that pass, beside the same bytes served from memory by an empty handler.

use super::Registry;
use crate::error::{Error, Result};
use crate::plan::{Bench, say};
use crate::report::{Figure, Goal};
use crate::scenario::{KONSUL, closed_loop, connections};
use crate::server::{BODY, Empty, konsul_read};
use crate::work::catalog::{Fleet, Same, passing_in};

const PART: &str = "Health of one service";
const FROM_MEMORY: &str = "empty handler, the same bytes";

/// How many instances, over how many connections, and the share of the empty handler's rate that it should have. Where an
/// answer is a megabyte, few connections keep the server busy.
const SIZES: [(u64, usize, Goal); 3] =
    [(10, 64, Goal::AtLeast(0.7)), (100, 64, Goal::Shown), (1_000, 8, Goal::AtLeast(0.5))];

/// Measures health of services with few and many instances.
///
/// # Errors
///
/// What a server or the load generator says.
pub fn health(bench: &mut Bench) -> Result<()> {
    for round in 1..=bench.plan.rounds {
        say(&format!("health, round {round} of {}", bench.plan.rounds));
        for (instances, count, _) in SIZES {
            both(bench, instances, count)?;
        }
    }
    judge(bench);
    Ok(())
}

fn what(instances: u64, count: usize) -> String {
    format!("{instances} instances, {}", connections(count))
}

fn both(bench: &mut Bench, instances: u64, count: usize) -> Result<()> {
    let registry = Registry::start(bench, Fleet { instances, services: 1 })?;
    let path = Fleet::health_path(0);
    let body = konsul_read(registry.server.address, &path)?;
    let named = passing_in(&body)?;
    if named != instances {
        return Err(Error::Process(format!("{path} names {named} instances, not {instances}")));
    }
    let mut work = Same::new(path, body.clone());
    let sample = closed_loop(&bench.plan, &registry.server, count, &mut work)?;
    bench.report.add_sample(PART, &what(instances, count), KONSUL, &sample);
    bench.report.add(PART, &what(instances, count), KONSUL, Figure::Bytes, body.len() as f64);
    registry.server.stop()?;
    let server = Empty::start_with_body(registry.folder.path(), &body)?;
    let sample = closed_loop(&bench.plan, &server, count, &mut Same::new(BODY, body))?;
    bench.report.add_sample(PART, &what(instances, count), FROM_MEMORY, &sample);
    server.kill();
    Ok(())
}

fn judge(bench: &mut Bench) {
    for (instances, count, goal) in SIZES {
        for (figure, goal) in [(Figure::Rate, goal), (Figure::CpuEach, Goal::Shown)] {
            let what = what(instances, count);
            let ours = bench.report.values(PART, &what, KONSUL, figure).to_vec();
            let theirs = bench.report.values(PART, &what, FROM_MEMORY, figure).to_vec();
            let title = figure.title().split(',').next().unwrap_or_default();
            let stated =
                format!("health of {instances} instances: {title}, konsul / the same bytes from memory");
            bench.report.judge_ratio(&stated, &ours, &theirs, goal);
        }
    }
}
