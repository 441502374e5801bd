//! Faults that are no crash: a disk that is full for a while, a sync that fails, writes that are cut short.

use super::crash::{Failure, POLICIES, Report, Run, count_calls, goes_on, open};
use super::model::{Action, Model};
use crate::contract::{Storage, StorageError};
use crate::disk::DiskOptions;
use crate::vfs::sim::{RebootPolicy, SimDisk};

type Outcome = Result<Report, Box<Failure>>;

/// The disk is full from each call on. The refused step left no trace, also not after a crash; once there is
/// room, it succeeds, and so does the rest of the history.
pub fn full_at_every_call(history: &[Action], options: &DiskOptions, seed: u64) -> Outcome {
    at_each(history, options, |call, policy, luck| {
        let disk = SimDisk::new(luck ^ seed);
        disk.set_short_writes(luck % 3 == 0);
        disk.full_at(call);
        fill_up(&disk, options, history, policy)
    })
}

/// A sync fails at each call that is one. The store refuses all further writes; what the next process hands
/// out survives a power cut, although the system called the pages clean.
pub fn failed_sync_at_every_call(history: &[Action], options: &DiskOptions, seed: u64) -> Outcome {
    at_each(history, options, |call, policy, luck| {
        let disk = SimDisk::new(luck ^ seed);
        disk.fail_sync_at(call);
        fail_sync(&disk, options, history, policy)
    })
}

fn at_each(
    history: &[Action],
    options: &DiskOptions,
    mut run: impl FnMut(u64, RebootPolicy, u64) -> Result<bool, String>,
) -> Outcome {
    let failed = |points, call, policy, what| Box::new(Failure { points, call, policy, what });
    let calls = count_calls(history, options).map_err(|what| failed(0, 0, RebootPolicy::KeepAll, what))?;
    let mut report = Report { calls, ..Report::default() };
    for call in 1..=calls {
        for (nth, policy) in POLICIES.into_iter().enumerate() {
            let luck = (call << 8) ^ nth as u64;
            let met =
                run(call, policy, luck).map_err(|what| failed(report.points + 1, call, policy, what))?;
            report.points += u64::from(met);
        }
    }
    Ok(report)
}

/// Answers whether the fault was met at all.
fn fill_up(
    disk: &SimDisk,
    options: &DiskOptions,
    history: &[Action],
    policy: RebootPolicy,
) -> Result<bool, String> {
    let mut store = match open(disk, options) {
        Ok(store) => store,
        Err(StorageError::Full { .. }) => {
            disk.set_full(false);
            open(disk, options).map_err(|e| format!("there is room again, but the start failed: {e}"))?
        }
        Err(e) => return Err(format!("a full disk at the start was told as: {e}")),
    };
    let mut run = Run { models: vec![Model::default()], durable: 0 };
    let mut refused = false;
    for (step, action) in history.iter().enumerate() {
        match action.run(&mut store) {
            Ok(()) => {}
            Err(StorageError::Full { .. }) if !refused => {
                refused = true;
                run.models[run.models.len() - 1]
                    .check(&store)
                    .map_err(|e| format!("the refused step left a trace: {e}"))?;
                if step % 2 == 0 {
                    return crash_while_full(disk, options, &run, policy).map(|()| true);
                }
                disk.set_full(false);
                action
                    .run(&mut store)
                    .map_err(|e| format!("there is room again, but step {step} failed: {e}"))?;
            }
            Err(e) => return Err(format!("step {step} failed: {e}")),
        }
        run.step(action, true);
    }
    disk.set_full(false);
    let last = run.models.pop().unwrap_or_default();
    store.sync().map_err(|e| format!("the last sync failed: {e}"))?;
    last.check(&store)?;
    disk.reboot(policy);
    let mut store = open(disk, options).map_err(|e| format!("the restart failed: {e}"))?;
    last.check(&store)?;
    goes_on(disk, options, &mut store, last).map(|()| refused)
}

/// The power goes while the disk is full: the refused step must not appear.
fn crash_while_full(
    disk: &SimDisk,
    options: &DiskOptions,
    run: &Run,
    policy: RebootPolicy,
) -> Result<(), String> {
    disk.reboot(policy);
    disk.set_full(false);
    let mut store = open(disk, options).map_err(|e| format!("the restart after a refusal failed: {e}"))?;
    let at = run.find(&store)?;
    goes_on(disk, options, &mut store, run.models[at].clone())
}

fn fail_sync(
    disk: &SimDisk,
    options: &DiskOptions,
    history: &[Action],
    policy: RebootPolicy,
) -> Result<bool, String> {
    let mut run = Run { models: vec![Model::default()], durable: 0 };
    let Ok(mut store) = open(disk, options) else {
        let mut store = restarted(disk, options)?;
        return goes_on(disk, options, &mut store, Model::default()).map(|()| true);
    };
    for action in history {
        let answer = action.run(&mut store);
        run.step(action, answer.is_ok());
        let Err(error) = answer else { continue };
        if !matches!(error, StorageError::Io { .. }) {
            return Err(format!("a failed sync was told as: {error}"));
        }
        check_poisoned(action, &mut store)?;
        drop(store);
        return survives_two_restarts(disk, options, &run, policy).map(|()| true);
    }
    let missed = disk.marks().failed_syncs > 0;
    if missed { survives_two_restarts(disk, options, &run, policy).map(|()| true) } else { Ok(false) }
}

/// A snapshot that could not be synced is no harm to the log; anything else is.
fn check_poisoned(action: &Action, store: &mut dyn Storage) -> Result<(), String> {
    if matches!(action, Action::Snapshot(..)) {
        return Ok(());
    }
    match store.sync() {
        Err(StorageError::Poisoned) => Ok(()),
        other => Err(format!("after a failed sync, {action:?}, the next one answered {other:?}")),
    }
}

fn restarted(disk: &SimDisk, options: &DiskOptions) -> Result<crate::DiskStorage, String> {
    disk.restart_process();
    open(disk, options).map_err(|e| format!("the restart after a failed sync failed: {e}"))
}

fn survives_two_restarts(
    disk: &SimDisk,
    options: &DiskOptions,
    run: &Run,
    policy: RebootPolicy,
) -> Result<(), String> {
    if policy == RebootPolicy::RandomSubset {
        disk.reboot(policy);
    }
    let store = restarted(disk, options)?;
    let at = run.find(&store)?;
    drop(store);
    disk.reboot(RebootPolicy::LoseAll);
    let mut store = open(disk, options).map_err(|e| format!("the power cut after the restart: {e}"))?;
    run.models[at]
        .check(&store)
        .map_err(|e| format!("what the restarted process handed out was not durable: {e}"))?;
    goes_on(disk, options, &mut store, run.models[at].clone())
}
