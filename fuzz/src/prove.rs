//! `make prove PART=fuzz`: every target for ten minutes under libFuzzer.
//!
//! # The life of a proof
//!
//! 1. [`build`] compiles the targets with coverage instrumentation, into a folder of their own, so that the ordinary
//!    build does not start anew after it.
//! 2. [`Ledger`] says how long each target has run so far: one that was interrupted goes on, and when all are done a new
//!    round begins, on the corpora of the last.
//! 3. [`campaign`] runs one target: inputs that failed before, then libFuzzer, then the corpus is reduced to what reaches
//!    code that nothing else in it does. Two targets run at a time.
//! 4. The closing line sums up. Inputs that fail stay under `crashes/` with what was said about them.

mod build;
mod campaign;
mod ledger;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use campaign::{Campaign, Report};
use konsul_fuzz::{Target, targets};
use ledger::Ledger;

use crate::say;

/// What each target gets in a round.
const SHARE: Duration = Duration::from_secs(10 * 60);

/// How long reducing a corpus and minimising what failed may take after a target's share.
const AFTERWARDS: Duration = Duration::from_secs(60);

/// How many targets run side by side, where there are as many processors.
const LANES: usize = 2;

/// Fuzzes every target for what is left of its share.
///
/// # Errors
/// What was found, or what kept it from being looked for.
pub(crate) fn run() -> Result<(), String> {
    let folder =
        std::env::var_os("KONSUL_PROVE_DIR").map_or_else(|| "target/prove/fuzz".into(), PathBuf::from);
    // libFuzzer is started inside of it.
    let folder = std::path::absolute(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    let end = Instant::now() + seconds()?;
    let binaries = build::binaries()?;
    let ledger = Ledger::open(&folder)?;
    let plan = plan(&ledger, end.saturating_duration_since(Instant::now()));
    let reports = in_lanes(plan, end, |target, share| {
        let report =
            Campaign { target, binary: &binaries.of(target), folder: &folder.join(target.name) }.run(share);
        ledger.add(target.name, report.as_ref().map_or(Duration::ZERO, |report| report.ran))?;
        report
    });
    close(&reports, &ledger)
}

fn seconds() -> Result<Duration, String> {
    let Ok(text) = std::env::var("KONSUL_PROVE_SECONDS") else {
        let rounds = targets::ALL.len().div_ceil(lanes()) as u32;
        return Ok((SHARE + AFTERWARDS) * (rounds + 1));
    };
    text.parse()
        .map(Duration::from_secs)
        .map_err(|_| format!("KONSUL_PROVE_SECONDS is {text:?}, not a number of seconds"))
}

fn lanes() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(LANES)
}

/// Each target with the time it gets now: what it still lacks, or less if all of that does not fit.
fn plan(ledger: &Ledger, time: Duration) -> VecDeque<(&'static Target, Duration)> {
    let lacking: Vec<(&'static Target, Duration)> =
        targets::ALL.iter().map(|target| (*target, SHARE.saturating_sub(ledger.ran(target.name)))).collect();
    let lacking: Vec<_> = lacking.into_iter().filter(|(_, lacks)| !lacks.is_zero()).collect();
    let turns = u32::try_from(lacking.len().div_ceil(lanes())).unwrap_or(u32::MAX).max(1);
    let each = (time / turns).saturating_sub(AFTERWARDS).max(Duration::from_secs(1));
    lacking.into_iter().map(|(target, lacks)| (target, lacks.min(each))).collect()
}

type Outcome = (&'static str, Result<Report, String>);

/// Works the plan off, a few at a time, and begins nothing after the end.
fn in_lanes(
    plan: VecDeque<(&'static Target, Duration)>,
    end: Instant,
    work: impl Fn(&'static Target, Duration) -> Result<Report, String> + Sync,
) -> Vec<Outcome> {
    let (plan, outcomes) = (Mutex::new(plan), Mutex::new(Vec::new()));
    let lane = || {
        loop {
            let next = plan.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some((target, share)) = next.filter(|_| Instant::now() < end) else { return };
            let outcome = work(target, share);
            say(&match &outcome {
                Ok(report) => format!("{}: {report}", target.name),
                Err(why) => format!("{}: {why}", target.name),
            });
            outcomes.lock().unwrap_or_else(PoisonError::into_inner).push((target.name, outcome));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..lanes() {
            scope.spawn(lane);
        }
    });
    outcomes.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The closing line, and whether anything was found.
fn close(outcomes: &[Outcome], ledger: &Ledger) -> Result<(), String> {
    let reports = || outcomes.iter().filter_map(|(_, outcome)| outcome.as_ref().ok());
    let executions: u64 = reports().map(|report| report.executions).sum();
    let minutes = reports().map(|report| report.ran).sum::<Duration>().as_secs() / 60;
    let mut found: Vec<String> = outcomes
        .iter()
        .filter_map(|(name, outcome)| match outcome {
            Ok(report) if report.crashes.is_empty() => None,
            Ok(report) => Some(format!("{name}: {}", list(&report.crashes))),
            Err(why) => Some(format!("{name}: {why}")),
        })
        .collect();
    found.sort();
    let left = targets::ALL.iter().filter(|target| ledger.ran(target.name) < SHARE).count();
    let whole = if left == 0 {
        String::new()
    } else {
        format!(" ({left} have not had their 10 minutes: run it again)")
    };
    let how_many = format!("{} targets{whole}, {minutes} minutes, {executions} executions", outcomes.len());
    if left == 0 {
        ledger.begin_a_new_round()?;
    }
    if found.is_empty() {
        say(&format!("prove: {how_many} | nothing"));
        return Ok(());
    }
    let found = found.join("; ");
    say(&format!("prove: {how_many} | {found}"));
    Err(format!("fuzzing found: {found}"))
}

fn list(files: &[PathBuf]) -> String {
    let name = |file: &PathBuf| Path::new(file).display().to_string();
    files.iter().map(name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_goes_on_with_what_an_earlier_one_left() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let ledger = Ledger::open(folder.path()).expect("a ledger");
        let [done, begun] = [targets::ALL[0].name, targets::ALL[1].name];
        ledger.add(done, SHARE).expect("it is written");
        ledger.add(begun, SHARE / 2).expect("it is written");
        let plan = plan(&ledger, Duration::from_secs(24 * 3600));
        assert_eq!(plan.len(), targets::ALL.len() - 1);
        assert!(
            plan.iter()
                .all(|(target, share)| { *share == if target.name == begun { SHARE / 2 } else { SHARE } })
        );
    }

    #[test]
    fn shares_shrink_to_the_time_there_is() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let ledger = Ledger::open(folder.path()).expect("a ledger");
        let time = Duration::from_secs(600);
        let plan = plan(&ledger, time);
        let turns = plan.len().div_ceil(lanes()) as u32;
        assert!(
            plan.iter()
                .all(|(_, share)| (*share + AFTERWARDS) * turns <= time + Duration::from_secs(turns.into())
                    || *share == Duration::from_secs(1))
        );
    }

    #[test]
    fn a_finding_fails_the_proof_and_so_does_a_target_that_could_not_run() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let ledger = Ledger::open(folder.path()).expect("a ledger");
        assert!(close(&[], &ledger).is_ok());
        let why =
            close(&[("wal", Err("it did not start".to_owned()))], &ledger).expect_err("that is no proof");
        assert!(why.contains("wal: it did not start"), "{why}");
    }
}
