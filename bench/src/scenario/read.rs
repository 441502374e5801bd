//! Reads: one key of many in Konsul's default consistency beside etcd's linearizable range, and a list of a thousand.

use super::{AS_LARGE, EMPTY, ETCD_GRPC, ETCD_JSON, KONSUL, closed_loop, connections, grpc_run};
use crate::error::Result;
use crate::load::fill;
use crate::plan::{Bench, say};
use crate::report::{Figure, Goal};
use crate::server::{Empty, GrpcMode, Running};
use crate::work::{Dialect, Get, Keys, List, Nothing, Put};

const GETS: &str = "GET, default consistency beside linearizable range";
const LISTS: &str = "A list of 1,000 keys";

const KEYS: u64 = 10_000;
const LISTED: u64 = 1_000;

/// Measures reads of one key.
///
/// # Errors
///
/// What a server or the load generator says.
pub fn get(bench: &mut Bench) -> Result<()> {
    let what = format!("GET, {}", connections(64));
    for round in 1..=bench.plan.rounds {
        say(&format!("GET, round {round} of {}", bench.plan.rounds));
        let konsul = Side::konsul(bench, KEYS)?;
        let sample =
            closed_loop(&bench.plan, &konsul.server, 64, &mut Get::new(Dialect::Konsul, Keys::random(KEYS)))?;
        bench.report.add_sample(GETS, &what, KONSUL, &sample);
        konsul.server.stop()?;
        let etcd = Side::etcd(bench, KEYS)?;
        let sample =
            closed_loop(&bench.plan, &etcd.server, 64, &mut Get::new(Dialect::EtcdJson, Keys::random(KEYS)))?;
        bench.report.add_sample(GETS, &what, ETCD_JSON, &sample);
        let sample = bench.etcd.grpc(&etcd.server, &grpc_run(&bench.plan, GrpcMode::Get, 64, KEYS))?;
        bench.report.add_sample(GETS, &what, ETCD_GRPC, &sample);
        etcd.server.stop()?;
        empty(bench, &what)?;
    }
    judge(bench, GETS, &what, ETCD_JSON, Goal::AtLeast(12.0));
    judge(bench, GETS, &what, ETCD_GRPC, Goal::Shown);
    judge(bench, GETS, &what, EMPTY, Goal::AtLeast(0.7));
    judge(bench, GETS, &what, AS_LARGE, Goal::Shown);
    Ok(())
}

/// Measures reads of a thousand keys at once.
///
/// # Errors
///
/// What a server or the load generator says.
pub fn list(bench: &mut Bench) -> Result<()> {
    let what = format!("list, {}", connections(8));
    let count = usize::try_from(LISTED).unwrap_or(usize::MAX);
    for round in 1..=bench.plan.rounds {
        say(&format!("list, round {round} of {}", bench.plan.rounds));
        let konsul = Side::konsul(bench, LISTED)?;
        let sample = closed_loop(&bench.plan, &konsul.server, 8, &mut List::new(Dialect::Konsul, count))?;
        bench.report.add_sample(LISTS, &what, KONSUL, &sample);
        konsul.server.stop()?;
        let etcd = Side::etcd(bench, LISTED)?;
        let sample = closed_loop(&bench.plan, &etcd.server, 8, &mut List::new(Dialect::EtcdJson, count))?;
        bench.report.add_sample(LISTS, &what, ETCD_JSON, &sample);
        let sample = bench.etcd.grpc(&etcd.server, &grpc_run(&bench.plan, GrpcMode::List, 8, LISTED))?;
        bench.report.add_sample(LISTS, &what, ETCD_GRPC, &sample);
        etcd.server.stop()?;
    }
    judge(bench, LISTS, &what, ETCD_JSON, Goal::Shown);
    judge(bench, LISTS, &what, ETCD_GRPC, Goal::Shown);
    Ok(())
}

/// A server with keys in it.
struct Side {
    server: Running,
    // Removed after the server has ended.
    _folder: tempfile::TempDir,
}

impl Side {
    fn konsul(bench: &Bench, keys: u64) -> Result<Side> {
        let folder = bench.folder()?;
        let (server, _) = bench.konsul.start(folder.path())?;
        Side { server, _folder: folder }.filled(Dialect::Konsul, keys)
    }

    fn etcd(bench: &Bench, keys: u64) -> Result<Side> {
        let folder = bench.folder()?;
        let server = bench.etcd.start(folder.path())?;
        Side { server, _folder: folder }.filled(Dialect::EtcdJson, keys)
    }

    fn filled(self, dialect: Dialect, keys: u64) -> Result<Side> {
        fill(self.server.address, 64, keys, &mut Put::new(dialect, Keys::Ascending(0)))?;
        Ok(self)
    }
}

fn empty(bench: &mut Bench, what: &str) -> Result<()> {
    let folder = bench.folder()?;
    let server = Empty::start(folder.path())?;
    for (system, mut work) in [(EMPTY, Nothing::Get), (AS_LARGE, Nothing::GetAsLarge)] {
        let sample = closed_loop(&bench.plan, &server, 64, &mut work)?;
        bench.report.add_sample(GETS, what, system, &sample);
    }
    server.kill();
    Ok(())
}

fn judge(bench: &mut Bench, part: &str, what: &str, system: &str, goal: Goal) {
    for (figure, goal) in [(Figure::Rate, goal), (Figure::CpuEach, Goal::Shown)] {
        let ours = bench.report.values(part, what, KONSUL, figure).to_vec();
        let theirs = bench.report.values(part, what, system, figure).to_vec();
        let title = figure.title().split(',').next().unwrap_or_default();
        bench.report.judge_ratio(&format!("{what}: {title}, konsul / {system}"), &ours, &theirs, goal);
    }
}
