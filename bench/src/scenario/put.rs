//! Durable writes: the highest rate of each system, then the latency of all at one rate.

use super::{ETCD_GRPC, ETCD_JSON, KONSUL, closed_loop, connections, grpc_run, load};
use crate::error::Result;
use crate::load::{Sample, open};
use crate::plan::{Bench, say};
use crate::report::{Figure, Goal, Spread};
use crate::server::{GrpcMode, Running, sync_rate};
use crate::work::{Dialect, Keys, Put};

const PART: &str = "Durable PUT";
const SAME_RATE: &str = "Durable PUT at one rate for all";
const CONNECTIONS: [usize; 3] = [1, 64, 256];

/// The bare loop of write and sync.
const SYNC: &str = "bare fdatasync loop";

/// How many keys are written, over and over.
const KEYS: u64 = 10_000;

/// Measures durable writes.
///
/// # Errors
///
/// What a server or the load generator says.
pub fn put(bench: &mut Bench) -> Result<()> {
    for round in 1..=bench.plan.rounds {
        say(&format!("PUT, round {round} of {}", bench.plan.rounds));
        konsul(bench)?;
        etcd(bench)?;
        sync(bench)?;
    }
    let rate = common_rate(bench);
    for round in 1..=bench.plan.rounds {
        say(&format!("PUT at {rate:.0} requests/s, round {round} of {}", bench.plan.rounds));
        konsul_at(bench, rate)?;
        etcd_at(bench, rate)?;
    }
    judge(bench, rate);
    Ok(())
}

fn what(count: usize) -> String {
    format!("PUT, {}", connections(count))
}

fn what_at(count: usize, rate: f64) -> String {
    format!("PUT, {rate:.0} requests/s over {}", connections(count))
}

fn konsul(bench: &mut Bench) -> Result<()> {
    let folder = bench.folder()?;
    let (server, _) = bench.konsul.start(folder.path())?;
    for count in CONNECTIONS {
        let sample = http(bench, &server, Dialect::Konsul, count)?;
        bench.report.add_sample(PART, &what(count), KONSUL, &sample);
    }
    server.stop()
}

fn etcd(bench: &mut Bench) -> Result<()> {
    let folder = bench.folder()?;
    let server = bench.etcd.start(folder.path())?;
    for count in CONNECTIONS {
        let sample = http(bench, &server, Dialect::EtcdJson, count)?;
        bench.report.add_sample(PART, &what(count), ETCD_JSON, &sample);
        let sample = bench.etcd.grpc(&server, &grpc_run(&bench.plan, GrpcMode::Put, count, KEYS))?;
        bench.report.add_sample(PART, &what(count), ETCD_GRPC, &sample);
    }
    server.stop()
}

fn http(bench: &Bench, server: &Running, dialect: Dialect, count: usize) -> Result<Sample> {
    closed_loop(&bench.plan, server, count, &mut Put::new(dialect, Keys::random(KEYS)))
}

fn sync(bench: &mut Bench) -> Result<()> {
    let folder = bench.folder()?;
    let rate = sync_rate(folder.path(), bench.plan.measure)?;
    bench.report.add(PART, &what(1), SYNC, Figure::Rate, rate);
    Ok(())
}

/// Half of what the slowest of them can do at 64 connections, so that none of them is at its limit.
fn common_rate(bench: &Bench) -> f64 {
    let median = |system| Spread::of(bench.report.values(PART, &what(64), system, Figure::Rate)).median;
    let slowest = [KONSUL, ETCD_JSON, ETCD_GRPC].into_iter().map(median).fold(f64::INFINITY, f64::min);
    (slowest / 2.0 / 500.0).floor().max(1.0) * 500.0
}

fn konsul_at(bench: &mut Bench, rate: f64) -> Result<()> {
    let folder = bench.folder()?;
    let (server, _) = bench.konsul.start(folder.path())?;
    for count in [64, 256] {
        let sample = http_at(bench, &server, Dialect::Konsul, count, rate)?;
        bench.report.add_sample(SAME_RATE, &what_at(count, rate), KONSUL, &sample);
    }
    server.stop()
}

fn etcd_at(bench: &mut Bench, rate: f64) -> Result<()> {
    let folder = bench.folder()?;
    let server = bench.etcd.start(folder.path())?;
    for count in [64, 256] {
        let sample = http_at(bench, &server, Dialect::EtcdJson, count, rate)?;
        bench.report.add_sample(SAME_RATE, &what_at(count, rate), ETCD_JSON, &sample);
        let mut run = grpc_run(&bench.plan, GrpcMode::Put, count, KEYS);
        run.rate = Some(rate);
        let sample = bench.etcd.grpc(&server, &run)?;
        bench.report.add_sample(SAME_RATE, &what_at(count, rate), ETCD_GRPC, &sample);
    }
    server.stop()
}

fn http_at(bench: &Bench, server: &Running, dialect: Dialect, count: usize, rate: f64) -> Result<Sample> {
    open(&load(&bench.plan, server, count), rate, &mut Put::new(dialect, Keys::random(KEYS)))
}

fn judge(bench: &mut Bench, rate: f64) {
    for count in [64, 256] {
        for (system, rate_goal, latency_goal) in
            [(ETCD_JSON, Goal::AtLeast(5.0), Goal::AtMost(0.5)), (ETCD_GRPC, Goal::Shown, Goal::Shown)]
        {
            let what = what(count);
            compare(bench, (PART, &what), system, Figure::Rate, rate_goal);
            compare(bench, (PART, &what), system, Figure::P99, latency_goal);
            compare(bench, (PART, &what), system, Figure::CpuEach, Goal::Shown);
            compare(bench, (SAME_RATE, &what_at(count, rate)), system, Figure::P99, latency_goal);
        }
    }
    for system in [ETCD_JSON, ETCD_GRPC] {
        compare(bench, (PART, &what(1)), system, Figure::Rate, Goal::Shown);
    }
    compare(bench, (PART, &what(1)), SYNC, Figure::Rate, Goal::AtLeast(0.5));
}

fn compare(bench: &mut Bench, (part, what): (&str, &str), system: &str, figure: Figure, goal: Goal) {
    let ours = bench.report.values(part, what, KONSUL, figure).to_vec();
    let theirs = bench.report.values(part, what, system, figure).to_vec();
    let title = figure.title().split(',').next().unwrap_or_default();
    bench.report.judge_ratio(&format!("{what}: {title}, konsul / {system}"), &ours, &theirs, goal);
}
