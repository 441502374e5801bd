//! Crashes a history at every call that changes something, and looks at what a restart finds.
//!
//! While a history runs, the model of every step since the last durable one is remembered. After a crash the
//! store must equal one of them: all that was synced, perhaps more, nothing by halves, nothing that never
//! was.

use std::path::Path;

use super::history::entry;
use super::model::{Action, Model};
use crate::contract::{Storage, StorageError, Vote};
use crate::disk::{DiskOptions, DiskStorage};
use crate::vfs::sim::{RebootPolicy, SimDisk};

/// Where the simulated store lives.
pub const DIR: &str = "/data";

/// What an enumeration did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Calls of the history when nothing goes wrong.
    pub calls: u64,
    /// Runs: a crash or fault at one call, under one policy.
    pub points: u64,
    /// Runs that restarted with less than was written before the crash: the policy had something to take.
    pub lost: u64,
    /// Runs that crashed a second time, during recovery.
    pub crashed_twice: u64,
}

/// How to reproduce what went wrong.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Runs until this one, itself included.
    pub points: u64,
    /// The call that crashed or failed.
    pub call: u64,
    /// What the power cut left.
    pub policy: RebootPolicy,
    /// What was wrong.
    pub what: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Failure { points, call, policy, what } = self;
        write!(f, "run {points}, call {call}, {policy:?}: {what}")
    }
}

/// All policies; the random one twice, with different luck.
pub const POLICIES: [RebootPolicy; 5] = [
    RebootPolicy::LoseAll,
    RebootPolicy::KeepAll,
    RebootPolicy::RandomSubset,
    RebootPolicy::TornLastSector,
    RebootPolicy::RandomSubset,
];

/// Opens the store of a simulated disk.
pub fn open(disk: &SimDisk, options: &DiskOptions) -> Result<DiskStorage, StorageError> {
    DiskStorage::open(disk.vfs(), Path::new(DIR), options.clone())
}

/// A history that ran as far as it could.
#[derive(Debug)]
pub(super) struct Run {
    /// The model after each step; the first is the empty one.
    pub(super) models: Vec<Model>,
    /// The step that is certainly durable.
    pub(super) durable: usize,
}

impl Run {
    /// Runs a history until its end or its first error. The step that failed may or may not have happened.
    pub(super) fn until_error(
        disk: &SimDisk,
        options: &DiskOptions,
        history: &[Action],
    ) -> (Self, Option<StorageError>) {
        let mut run = Run { models: vec![Model::default()], durable: 0 };
        let mut store = match open(disk, options) {
            Ok(store) => store,
            Err(e) => return (run, Some(e)),
        };
        for action in history {
            let answer = action.run(&mut store);
            run.step(action, answer.is_ok());
            if let Err(e) = answer {
                return (run, Some(e));
            }
        }
        (run, None)
    }

    pub(super) fn step(&mut self, action: &Action, succeeded: bool) {
        let mut next = self.models[self.models.len() - 1].clone();
        next.apply(action);
        self.models.push(next);
        if succeeded && action.makes_durable() {
            self.durable = self.models.len() - 1;
        }
    }

    /// The step that a store equals, among those that may be.
    pub(super) fn find(&self, store: &dyn Storage) -> Result<usize, String> {
        let mut newest = String::new();
        for at in (self.durable..self.models.len()).rev() {
            match self.models[at].check(store) {
                Ok(()) => return Ok(at),
                Err(e) if newest.is_empty() => newest = e,
                Err(_) => {}
            }
        }
        let oldest = self.models[self.durable].check(store).err().unwrap_or_default();
        let steps = self.models.len() - self.durable;
        Err(format!(
            "the store equals none of {steps} possible steps. The newest differs in {newest}; the durable \
             one in {oldest}"
        ))
    }
}

/// How many calls a history makes on a disk without faults.
pub fn count_calls(history: &[Action], options: &DiskOptions) -> Result<u64, String> {
    let disk = SimDisk::new(0);
    match Run::until_error(&disk, options, history) {
        (_, None) => Ok(disk.calls()),
        (_, Some(e)) => Err(format!("the history fails without any fault: {e}")),
    }
}

/// Crashes at each call and under each policy; the first thing that goes wrong ends it.
pub fn at_every_call(history: &[Action], options: &DiskOptions, seed: u64) -> Result<Report, Box<Failure>> {
    let failed = |points, call, policy, what| Box::new(Failure { points, call, policy, what });
    let calls = count_calls(history, options).map_err(|what| failed(0, 0, RebootPolicy::KeepAll, what))?;
    let mut report = Report { calls, ..Report::default() };
    for call in 1..=calls + 1 {
        for (nth, policy) in POLICIES.into_iter().enumerate() {
            report.points += 1;
            let luck = seed ^ (call << 8) ^ nth as u64;
            one(history, options, call, policy, luck, &mut report)
                .map_err(|what| failed(report.points, call, policy, what))?;
        }
    }
    Ok(report)
}

fn one(
    history: &[Action],
    options: &DiskOptions,
    call: u64,
    policy: RebootPolicy,
    luck: u64,
    report: &mut Report,
) -> Result<(), String> {
    let disk = SimDisk::new(luck);
    disk.crash_at(call);
    let (run, _) = Run::until_error(&disk, options, history);
    disk.crash_now();
    disk.reboot(policy);
    report.crashed_twice += u64::from(crash_in_recovery(&disk, options, policy, luck));
    let mut store = open(&disk, options).map_err(|e| format!("the restart failed: {e}"))?;
    let at = run.find(&store)?;
    report.lost += u64::from(at + 1 < run.models.len());
    goes_on(&disk, options, &mut store, run.models[at].clone())
}

/// Every other run also dies while it recovers.
fn crash_in_recovery(disk: &SimDisk, options: &DiskOptions, policy: RebootPolicy, luck: u64) -> bool {
    if luck.is_multiple_of(2) {
        return false;
    }
    disk.crash_at(disk.calls() + 1 + (luck >> 8) % 12);
    let survived = open(disk, options).is_ok();
    disk.crash_now();
    disk.reboot(policy);
    !survived
}

/// A restarted store takes new writes, and after a power cut that loses all it can they are there.
pub(super) fn goes_on(
    disk: &SimDisk,
    options: &DiskOptions,
    store: &mut dyn Storage,
    mut model: Model,
) -> Result<(), String> {
    let term = model.vote.map_or(0, |v| v.term).max(model.last.term) + 1;
    let next = model.last.index + 1;
    let actions = [
        Action::Append(vec![entry(term, next, 40), entry(term, next + 1, 1200)]),
        Action::Vote(Vote { term, voted_for: Some(9), committed: true }),
        Action::Append(vec![entry(term, next + 2, 300)]),
        Action::Sync,
    ];
    for action in &actions {
        action.run(store).map_err(|e| format!("after the restart, {action:?} failed: {e}"))?;
        model.apply(action);
    }
    disk.reboot(RebootPolicy::LoseAll);
    let store = open(disk, options).map_err(|e| format!("the second restart failed: {e}"))?;
    model.check(&store).map_err(|what| format!("after the second restart: {what}"))
}
