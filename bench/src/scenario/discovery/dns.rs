//! DNS over UDP: A and SRV of a thousand services with three instances each, beside nsd with the same records, and beside an
//! echo that only sends packets back.

use std::net::SocketAddr;

use super::{Registry, questions};
use crate::error::{Error, Result};
use crate::load::{DnsSample, Kind, Resolved, dnsperf, resolve};
use crate::plan::{Bench, say};
use crate::report::{Figure, Goal};
use crate::scenario::KONSUL;
use crate::server::{Echo, Nsd, Running, zone};
use crate::work::catalog::Fleet;

const PART: &str = "DNS over UDP, asked by dnsperf";
const NSD: &str = "nsd";
const ECHO: &str = "bare echo";

const FLEET: Fleet = Fleet { instances: 3_000, services: 1_000 };
const KINDS: [Kind; 2] = [Kind::A, Kind::Srv];

/// Every so many names are compared between the servers before each measurement.
const COMPARED: usize = 20;

/// Measures DNS.
///
/// # Errors
///
/// What a server or the load generator says, and when nsd says other than Konsul.
pub fn dns(bench: &mut Bench) -> Result<()> {
    for round in 1..=bench.plan.rounds {
        say(&format!("DNS, round {round} of {}", bench.plan.rounds));
        let konsul = Registry::start(bench, FLEET)?;
        let said = KINDS.map(|kind| all(konsul.dns, kind));
        let [addresses, services] = said;
        let said = [addresses?, services?];
        for kind in KINDS {
            measure(bench, KONSUL, &konsul.server, konsul.dns, kind)?;
        }
        let Registry { server, folder, .. } = konsul;
        server.stop()?;
        drop(folder);
        let records = zone(said.iter().flatten());
        for (kind, said) in KINDS.into_iter().zip(&said) {
            nsd(bench, &records, kind, said)?;
        }
        echo(bench)?;
    }
    judge(bench);
    Ok(())
}

/// What is said of each name.
fn all(server: SocketAddr, kind: Kind) -> Result<Vec<Resolved>> {
    (0..FLEET.services)
        .map(|service| {
            let name = Fleet::dns_name(service);
            let said = resolve(server, &format!("{name}."), kind)?;
            let expected = FLEET.instances_of(service) as usize;
            let beside = if kind == Kind::Srv { expected } else { 0 };
            if said.answers.len() == expected && said.additional.len() >= beside {
                return Ok(said);
            }
            Err(Error::Dns(format!("{name} {}: not {expected} records: {said:?}", kind.name())))
        })
        .collect()
}

fn measure(bench: &mut Bench, system: &str, server: &Running, address: SocketAddr, kind: Kind) -> Result<()> {
    let folder = bench.folder()?;
    let file = questions(folder.path(), FLEET, kind)?;
    dnsperf(&server.process, address, &file, bench.plan.warm_up)?;
    let sample = dnsperf(&server.process, address, &file, bench.plan.measure)?;
    add(bench, PART, kind.name(), system, &sample);
    Ok(())
}

/// Notes what a run of dnsperf measured.
pub(super) fn add(bench: &mut Bench, part: &str, what: &str, system: &str, sample: &DnsSample) {
    let figures = [
        (Figure::Rate, sample.rate),
        (Figure::CpuEach, sample.cpu_us),
        (Figure::GeneratorBusy, sample.generator_busy * 100.0),
    ];
    for (figure, value) in figures {
        bench.report.add(part, what, system, figure, value);
    }
}

fn nsd(bench: &mut Bench, records: &str, kind: Kind, said: &[Resolved]) -> Result<()> {
    let folder = bench.folder()?;
    let server = Nsd::start(folder.path(), records, kind == Kind::A)?;
    for (service, ours) in said.iter().enumerate().step_by(COMPARED) {
        let name = format!("{}.", Fleet::dns_name(service as u64));
        let theirs = resolve(server.address, &name, kind)?;
        if !same(ours, &theirs) {
            return Err(Error::Dns(format!("{name} {}: konsul {ours:?}, nsd {theirs:?}", kind.name())));
        }
    }
    measure(bench, NSD, &server, server.address, kind)?;
    server.stop()
}

// nsd adds the address of the zone's own server.
fn same(ours: &Resolved, theirs: &Resolved) -> bool {
    ours.answers == theirs.answers
        && (ours.additional.is_empty() || ours.additional.is_subset(&theirs.additional))
}

fn echo(bench: &mut Bench) -> Result<()> {
    let folder = bench.folder()?;
    let server = Echo::start(folder.path())?;
    for kind in KINDS {
        measure(bench, ECHO, &server, server.address, kind)?;
    }
    server.kill();
    Ok(())
}

fn judge(bench: &mut Bench) {
    for kind in KINDS {
        for (system, goal) in [(NSD, 1.0), (ECHO, 0.7)] {
            for (figure, goal) in [(Figure::Rate, Goal::AtLeast(goal)), (Figure::CpuEach, Goal::Shown)] {
                let ours = bench.report.values(PART, kind.name(), KONSUL, figure).to_vec();
                let theirs = bench.report.values(PART, kind.name(), system, figure).to_vec();
                let title = figure.title().split(',').next().unwrap_or_default();
                let what = format!("DNS {}: {title}, konsul / {system}", kind.name());
                bench.report.judge_ratio(&what, &ours, &theirs, goal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_say_the_same_when_the_records_are_the_same() {
        let said = |answers: &[&str], additional: &[&str]| {
            let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
            Resolved { answers: lines(answers), additional: lines(additional) }
        };
        assert!(same(&said(&["a", "b"], &["c"]), &said(&["b", "a"], &["c", "ns"])));
        assert!(!same(&said(&["a"], &["c"]), &said(&["a"], &["ns"])));
        assert!(!same(&said(&["a"], &[]), &said(&["a", "b"], &[])));
    }
}
