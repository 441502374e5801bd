//! A backup of a server that is being written to: the rate of the writes meanwhile, beside the rate before. And the backup's
//! way into an empty server.

use std::time::{Duration, Instant};

use super::{Node, mebibytes, run, seconds};
use crate::error::{Error, Result};
use crate::load::{Sample, closed_while};
use crate::memory::peaks;
use crate::plan::{Bench, say};
use crate::report::{Figure, Goal};
use crate::scenario::{KONSUL, closed_loop, connections, load};
use crate::server::Ran;
use crate::work::{Dialect, Keys, Put};

const PART: &str = "A backup while others write";
const CONNECTIONS: usize = 64;

pub(super) fn backup(bench: &mut Bench, full: &Node) -> Result<()> {
    for round in 1..=bench.plan.rounds {
        say(&format!("saving a backup under load, round {round} of {}", bench.plan.rounds));
        saved(bench, full)?;
    }
    judge(bench);
    restored(bench, full)
}

fn put(bench: &Bench) -> Put {
    Put::new(Dialect::Konsul, Keys::random(bench.plan.volume))
}

fn what(when: &str) -> String {
    format!("PUT, {}, {when}", connections(CONNECTIONS))
}

fn saved(bench: &mut Bench, full: &Node) -> Result<()> {
    let keys = bench.plan.volume;
    let before = closed_loop(&bench.plan, &full.server, CONNECTIONS, &mut put(bench))?;
    bench.report.add_sample(PART, &what("before"), KONSUL, &before);
    full.server.process.until_quiet()?;
    let had = full.server.process.memory()?;
    let (saved, peak) = peaks(&[full.server.process], || during(bench, full));
    let (sample, took) = saved?;
    bench.report.add_sample(PART, &what("meanwhile"), KONSUL, &sample);
    let what = format!("a backup of {keys} keys");
    bench.report.add(PART, &what, KONSUL, Figure::Milliseconds, took.as_secs_f64() * 1e3);
    let grew = peak.first().copied().unwrap_or(0).saturating_sub(had);
    mebibytes(bench, PART, &format!("{what}: the server beyond what it had, at most"), grew);
    full.server.process.until_quiet()
}

/// Writes for as long as a backup is being saved.
fn during(bench: &Bench, full: &Node) -> Result<(Sample, Duration)> {
    const BETWEEN_LOOKS: Duration = Duration::from_millis(2);
    let file = full.folder.path().join("backup.snap").display().to_string();
    let mut saving: Option<Ran> = None;
    let (mut took, mut looked) = (None, Instant::now());
    let sample = closed_while(&load(&bench.plan, &full.server, CONNECTIONS), &mut put(bench), &mut || {
        let Some(running) = &mut saving else {
            saving = Some(full.konsulctl(bench).start(&["snapshot", "save", "--overwrite", &file])?);
            return Ok(true);
        };
        if looked.elapsed() > BETWEEN_LOOKS {
            looked = Instant::now();
            took = running.ended()?;
        }
        Ok(took.is_none())
    })?;
    let took =
        took.ok_or_else(|| Error::Process("a load ended before the backup that it goes with".to_owned()))?;
    Ok((sample, took))
}

fn judge(bench: &mut Bench) {
    let keys = bench.plan.volume;
    for (figure, goal) in [(Figure::Rate, Goal::AtLeast(0.8)), (Figure::P99, Goal::Shown)] {
        let meanwhile = bench.report.values(PART, &what("meanwhile"), KONSUL, figure).to_vec();
        let before = bench.report.values(PART, &what("before"), KONSUL, figure).to_vec();
        let title = figure.title().split(',').next().unwrap_or_default();
        let stated = format!("PUT, while a backup of {keys} keys is saved / before: {title}");
        bench.report.judge_ratio(&stated, &meanwhile, &before, goal);
    }
}

fn restored(bench: &mut Bench, full: &Node) -> Result<()> {
    let keys = bench.plan.volume;
    let what = format!("restore of {keys} keys");
    say(&what);
    let file = full.folder.path().join("backup.snap").display().to_string();
    let empty = Node::start(bench)?;
    let run = run(bench, &empty, &["snapshot", "restore", "--yes", &file])?;
    empty.has(keys)?;
    bench.report.add(PART, &what, KONSUL, Figure::Milliseconds, run.took.as_secs_f64() * 1e3);
    mebibytes(bench, PART, &format!("{what}: konsulctl, at most"), run.client_peak);
    mebibytes(bench, PART, &format!("{what}: the server, at most"), run.server_peak);
    seconds(bench, &what, run.took, 10.0);
    empty.server.stop()
}
