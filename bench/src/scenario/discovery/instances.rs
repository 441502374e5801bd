//! The curve: what becomes slower or larger as instances become more. All servers stand side by side, and each round asks
//! each of them, so that the points of the curve saw the same machine.

use super::dns::add;
use super::watchers::{OTHERS, WATCHERS, reach};
use super::{Registry, questions};
use crate::error::{Error, Result};
use crate::load::{Kind, dnsperf};
use crate::plan::{Bench, say};
use crate::report::{Curve, Figure, Goal, Spread};
use crate::scenario::{KONSUL, closed_loop, connections};
use crate::server::konsul_read;
use crate::work::catalog::{Fleet, Health, Register, passing_in};

const PART: &str = "As instances become more";
const CONNECTIONS: usize = 64;

/// Bytes more or less in the answers of two services of one size: their indexes have more or fewer digits.
const DIGITS_EACH: usize = 64;

/// Measures the curve.
///
/// # Errors
///
/// What a server or the load generator says.
pub fn instances(bench: &mut Bench) -> Result<()> {
    let sizes = bench.plan.instances.clone();
    let points = sizes.iter().map(|size| filled(bench, *size)).collect::<Result<Vec<Registry>>>()?;
    for round in 1..=bench.plan.rounds {
        say(&format!(
            "registrations, health and DNS among many instances, round {round} of {}",
            bench.plan.rounds
        ));
        for point in &points {
            rates(bench, point)?;
        }
    }
    for point in points {
        watched(bench, &point)?;
        point.server.stop()?;
    }
    judge(bench, &sizes);
    bench.report.curves.push(curve(bench, &sizes));
    Ok(())
}

fn named(instances: u64, what: &str) -> String {
    format!("{instances} instances: {what}")
}

fn filled(bench: &mut Bench, instances: u64) -> Result<Registry> {
    say(&format!("registering {instances} instances"));
    let registry = Registry::start(bench, Fleet::of(instances))?;
    let (seconds, each) = (registry.took.as_secs_f64(), registry.grew as f64 / instances as f64);
    let figures = [
        (FILLING, Figure::Rate, instances as f64 / seconds),
        (FILLING, Figure::Milliseconds, seconds * 1e3),
        (MEMORY, Figure::Bytes, each),
    ];
    for (what, figure, value) in figures {
        bench.report.add(PART, &named(instances, what), KONSUL, figure, value);
    }
    Ok(registry)
}

const FILLING: &str = "registering all of them";
const MEMORY: &str = "memory of each";
const REGISTER: &str = "a registration";
const HEALTH: &str = "health of a service";
const DNS: &str = "DNS, A";
const WATCH: &str = "a change until a watcher's answer";

fn rates(bench: &mut Bench, point: &Registry) -> Result<()> {
    let size = point.fleet.instances;
    let mut work = Register::again(point.fleet);
    let sample = closed_loop(&bench.plan, &point.server, CONNECTIONS, &mut work)?;
    bench.report.add_sample(PART, &named(size, REGISTER), KONSUL, &sample);
    point.server.process.until_quiet()?;
    let mut work = health(point)?;
    let sample = closed_loop(&bench.plan, &point.server, CONNECTIONS, &mut work)?;
    bench.report.add_sample(PART, &named(size, HEALTH), KONSUL, &sample);
    let file = questions(point.folder.path(), point.fleet, Kind::A)?;
    dnsperf(&point.server.process, point.dns, &file, bench.plan.warm_up)?;
    let sample = dnsperf(&point.server.process, point.dns, &file, bench.plan.measure)?;
    add(bench, PART, &named(size, DNS), KONSUL, &sample);
    point.server.process.until_quiet()
}

/// Reads of health, by the length of one that is looked through here.
fn health(point: &Registry) -> Result<Health> {
    let body = konsul_read(point.server.address, &Fleet::health_path(0))?;
    let (named, expected) = (passing_in(&body)?, point.fleet.instances_of(0));
    if named != expected {
        return Err(Error::Process(format!("a service has {named} instances, not {expected}")));
    }
    let spare = DIGITS_EACH * expected as usize;
    Ok(Health::new(point.fleet.services, body.len().saturating_sub(spare)..=body.len() + spare))
}

fn watched(bench: &mut Bench, point: &Registry) -> Result<()> {
    let size = point.fleet.instances;
    say(&format!("{WATCHERS} watchers of one service of {size} instances, {OTHERS} of others"));
    let mut reached = reach(point, bench.plan.wakes)?;
    let what = named(size, WATCH);
    for (figure, share) in [(Figure::P50, 0.5), (Figure::P99, 0.99)] {
        bench.report.add(PART, &what, KONSUL, figure, reached.each.percentile_us(share));
    }
    let last = Spread::of(&reached.last_ms);
    bench.report.add(
        PART,
        &named(size, "a change until the last answer"),
        KONSUL,
        Figure::Milliseconds,
        last.median,
    );
    let of = format!("{size} instances, {WATCHERS} watchers of one service, {OTHERS} of others");
    let besides = vec![reached.woken_besides];
    bench.report.judge(
        &format!("{of}: woken without a reason by a change, the most"),
        besides,
        Goal::AtMost(0.0),
    );
    bench.report.judge(
        &format!("{of}: looked at for a change, the most"),
        vec![reached.visited],
        Goal::Shown,
    );
    Ok(())
}

fn median(bench: &Bench, size: u64, what: &str, figure: Figure) -> f64 {
    Spread::of(bench.report.values(PART, &named(size, what), KONSUL, figure)).median
}

fn judge(bench: &mut Bench, sizes: &[u64]) {
    let (Some(few), Some(many)) = (sizes.first().copied(), sizes.last().copied()) else { return };
    let seconds = median(bench, many, FILLING, Figure::Milliseconds) / 1e3;
    let what = format!("registering {many} instances over {}, s", connections(super::FILLING));
    bench.report.judge(&what, vec![seconds], Goal::AtMost(30.0));
    let memory = median(bench, many, MEMORY, Figure::Bytes);
    bench.report.judge(
        &format!("memory of each of {many} instances, bytes"),
        vec![memory],
        Goal::AtMost(1536.0),
    );
    let p99 = median(bench, many, WATCH, Figure::P99) / 1e3;
    let what = format!("a change until {WATCHERS} watchers know, among {many} instances, p99, ms");
    bench.report.judge(&what, vec![p99], Goal::AtMost(50.0));
    for (what, figure) in [(REGISTER, Figure::CpuEach), (HEALTH, Figure::CpuEach), (DNS, Figure::CpuEach)] {
        let at_many = bench.report.values(PART, &named(many, what), KONSUL, figure).to_vec();
        let at_few = bench.report.values(PART, &named(few, what), KONSUL, figure).to_vec();
        let stated = format!("{what}: server CPU at {many} instances / at {few}");
        bench.report.judge_ratio(&stated, &at_many, &at_few, Goal::AtMost(1.25));
    }
    let grows = median(bench, many, WATCH, Figure::P99) / median(bench, few, WATCH, Figure::P99).max(1.0);
    bench.report.judge(
        &format!("{WATCH}: p99 at {many} instances / at {few}"),
        vec![grows],
        Goal::AtMost(1.25),
    );
}

fn curve(bench: &Bench, sizes: &[u64]) -> Curve {
    let lines = [
        ("a registration, server µs", REGISTER, Figure::CpuEach, 1.0),
        ("a health read, server µs", HEALTH, Figure::CpuEach, 1.0),
        ("a DNS answer, server µs", DNS, Figure::CpuEach, 1.0),
        ("a change to 1,000 watchers, p99, ms", WATCH, Figure::P99, 1e-3),
        ("memory of an instance, bytes", MEMORY, Figure::Bytes, 1.0),
    ];
    let at = |size: u64| {
        let value =
            |(_, what, figure, scale): &(&str, &str, Figure, f64)| median(bench, size, what, *figure) * scale;
        (size as f64, lines.iter().map(value).collect())
    };
    Curve {
        name: "instances".to_owned(),
        axis: "instances".to_owned(),
        lines: lines.iter().map(|line| line.0.to_owned()).collect(),
        points: sizes.iter().copied().map(at).collect(),
    }
}
