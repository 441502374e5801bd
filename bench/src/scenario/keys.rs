//! The curve: what becomes slower or larger as keys become more. All servers stand side by side, and each round asks each of
//! them, so that the points of the curve saw the same machine.

use tempfile::TempDir;

use super::{KONSUL, closed_loop, connections};
use crate::error::Result;
use crate::load::fill;
use crate::plan::{Bench, say};
use crate::report::{Figure, Goal, Spread};
use crate::server::{Running, konsul_read};
use crate::work::{Dialect, Get, Keys, Put, key};

const PART: &str = "As keys become more";

struct Point {
    keys: u64,
    server: Running,
    folder: TempDir,
}

/// Measures the curve.
///
/// # Errors
///
/// What a server or the load generator says.
pub fn keys(bench: &mut Bench) -> Result<()> {
    let sizes = bench.plan.sizes.clone();
    let points = sizes.into_iter().map(|keys| filled(bench, keys)).collect::<Result<Vec<Point>>>()?;
    for round in 1..=bench.plan.rounds {
        say(&format!("PUT and GET among many keys, round {round} of {}", bench.plan.rounds));
        for point in &points {
            rates(bench, point)?;
        }
    }
    for point in points {
        restarts(bench, point)?;
    }
    judge(bench);
    Ok(())
}

fn name(keys: u64) -> String {
    format!("{keys} keys")
}

fn filled(bench: &mut Bench, keys: u64) -> Result<Point> {
    say(&format!("filling {keys} keys"));
    let folder = bench.folder()?;
    let (server, _) = bench.konsul.start(folder.path())?;
    server.process.until_quiet()?;
    let before = server.process.memory()?;
    let took = fill(server.address, 256, keys, &mut Put::new(Dialect::Konsul, Keys::Ascending(0)))?;
    server.process.until_quiet()?;
    let each = server.process.memory()?.saturating_sub(before) as f64 / keys as f64;
    let what = name(keys);
    bench.report.add(
        PART,
        &format!("{what}: filling"),
        KONSUL,
        Figure::Rate,
        keys as f64 / took.as_secs_f64(),
    );
    bench.report.add(PART, &format!("{what}: memory of each"), KONSUL, Figure::Bytes, each);
    Ok(Point { keys, server, folder })
}

fn rates(bench: &mut Bench, point: &Point) -> Result<()> {
    let mut put = Put::new(Dialect::Konsul, Keys::random(point.keys));
    let sample = closed_loop(&bench.plan, &point.server, 64, &mut put)?;
    bench.report.add_sample(PART, &put_name(point.keys), KONSUL, &sample);
    let mut get = Get::new(Dialect::Konsul, Keys::random(point.keys));
    let sample = closed_loop(&bench.plan, &point.server, 64, &mut get)?;
    let what = format!("{}: GET, {}", name(point.keys), connections(64));
    bench.report.add_sample(PART, &what, KONSUL, &sample);
    point.server.process.until_quiet()
}

fn put_name(keys: u64) -> String {
    format!("{}: PUT, {}", name(keys), connections(64))
}

/// Once after `kill -9`, when the log since the last snapshot is replayed, and once after a stop.
fn restarts(bench: &mut Bench, point: Point) -> Result<()> {
    say(&format!("restarting with {} keys", point.keys));
    let Point { keys, server, folder } = point;
    let memory = server.process.memory()? as f64 / super::MEBIBYTE;
    bench.report.add(
        PART,
        &format!("{}: all memory after the load", name(keys)),
        KONSUL,
        Figure::Mebibytes,
        memory,
    );
    server.kill();
    let server = restart(bench, &folder, keys, "after kill -9")?;
    server.stop()?;
    let server = restart(bench, &folder, keys, "after a stop")?;
    server.process.until_quiet()?;
    let memory = server.process.memory()? as f64 / keys as f64;
    bench.report.add(
        PART,
        &format!("{}: all memory for each after a restart", name(keys)),
        KONSUL,
        Figure::Bytes,
        memory,
    );
    server.stop()
}

fn restart(bench: &mut Bench, folder: &TempDir, keys: u64, how: &str) -> Result<Running> {
    let (server, took) = bench.konsul.start(folder.path())?;
    let last = key(keys - 1);
    konsul_read(server.address, &format!("/v1/kv/{}", String::from_utf8_lossy(&last)))?;
    let what = format!("{}: start to ready {how}", name(keys));
    bench.report.add(PART, &what, KONSUL, Figure::Milliseconds, took.as_secs_f64() * 1e3);
    Ok(server)
}

fn judge(bench: &mut Bench) {
    let (Some(few), Some(many)) = (bench.plan.sizes.first().copied(), bench.plan.sizes.last().copied())
    else {
        return;
    };
    let at_few = bench.report.values(PART, &put_name(few), KONSUL, Figure::Rate).to_vec();
    let at_many = bench.report.values(PART, &put_name(many), KONSUL, Figure::Rate).to_vec();
    bench.report.judge_ratio(
        &format!("PUT rate at {many} keys / at {few}"),
        &at_many,
        &at_few,
        Goal::AtLeast(0.85),
    );
    let memory = format!("{}: memory of each", name(many));
    let each = Spread::of(bench.report.values(PART, &memory, KONSUL, Figure::Bytes)).median;
    bench.report.judge(&format!("memory of each of {many} keys, bytes"), vec![each], Goal::AtMost(400.0));
    for how in ["after kill -9", "after a stop"] {
        let what = format!("{}: start to ready {how}", name(many));
        let seconds = Spread::of(bench.report.values(PART, &what, KONSUL, Figure::Milliseconds)).median / 1e3;
        bench.report.judge(
            &format!("start to ready with {many} keys {how}, s"),
            vec![seconds],
            Goal::AtMost(3.0),
        );
    }
}
