//! What can be told only by looking.

use konsul_operations::ports::HealthState;
use konsul_raft::contract::{Role, Status};

use super::{Board, Weight};
use crate::process::ProcessFigures;
use crate::serving::Phase;

/// Entries by which the state may be behind what is committed, before it is worth a word, and before no reader should be
/// sent here. A healthy node is some dozens behind under load.
const BEHIND_WARN: u64 = 10_000;
const BEHIND_FAIL: u64 = 100_000;

/// How far the wall clock may be from log time, in milliseconds, before it is worth a word.
const CLOCK_WARN_MS: u64 = 10_000;

/// What was found.
#[derive(Debug)]
pub(crate) struct Looked<'a> {
    pub(crate) phase: Phase,
    pub(crate) raft: &'a Status,
    pub(crate) disk_full: bool,
    /// Milliseconds since the Unix epoch, by the wall.
    pub(crate) wall_ms: u64,
    /// The same, as the log has it: never goes back, and does not follow a wall clock that jumps.
    pub(crate) log_ms: u64,
    pub(crate) process: &'a ProcessFigures,
}

type Verdict = (HealthState, String);

fn ok() -> Verdict {
    (HealthState::Ok, String::new())
}

fn fail(reason: impl Into<String>) -> Verdict {
    (HealthState::Fail, reason.into())
}

fn warn(reason: impl Into<String>) -> Verdict {
    (HealthState::Warn, reason.into())
}

/// Writes what was found on the board.
pub(crate) fn look(board: &Board, looked: &Looked<'_>) {
    let lines = [
        ("agent", Weight::Ready, agent(looked.phase)),
        ("storage", Weight::Live, storage(looked)),
        ("leader", Weight::Ready, leader(looked.raft)),
        ("disk", Weight::Ready, disk(looked.disk_full)),
        ("applied", Weight::Ready, applied(looked.raft)),
        ("clock", Weight::Told, clock(looked.wall_ms, looked.log_ms)),
        ("descriptors", Weight::Told, descriptors(looked.process)),
    ];
    for (name, weight, (state, reason)) in lines {
        board.put(name, weight, state, &reason);
    }
}

fn agent(phase: Phase) -> Verdict {
    match phase {
        Phase::Serving => ok(),
        Phase::Starting => fail("the agent is starting: its log is being replayed"),
        Phase::Stopping => fail("the agent is stopping"),
    }
}

/// A stopped log on an agent that is not stopping heals only by a restart.
fn storage(looked: &Looked<'_>) -> Verdict {
    match &looked.raft.stopped {
        Some(why) if looked.phase != Phase::Stopping => fail(format!("consensus has stopped: {why}")),
        None if looked.raft.role == Role::Stopped && looked.phase != Phase::Stopping => {
            fail("consensus has stopped")
        }
        _ => ok(),
    }
}

fn leader(raft: &Status) -> Verdict {
    // That a stopped node has no leader is said where it says why it stopped.
    if raft.leader.is_none() && raft.role != Role::Stopped { fail("no leader is known") } else { ok() }
}

/// Reads go on and it heals by itself, but a node that refuses every write should get no requests while others take them.
fn disk(full: bool) -> Verdict {
    if full {
        return fail(
            "the disk is full: writes are refused, reads go on; make room in the data directory's disk",
        );
    }
    ok()
}

fn applied(raft: &Status) -> Verdict {
    let behind = raft.committed.saturating_sub(raft.applied.index);
    let reason = || format!("the state is {behind} entries behind what is committed");
    match behind {
        0..BEHIND_WARN => ok(),
        BEHIND_WARN..BEHIND_FAIL => warn(reason()),
        _ => fail(reason()),
    }
}

fn clock(wall_ms: u64, log_ms: u64) -> Verdict {
    let apart = wall_ms.abs_diff(log_ms);
    if apart <= CLOCK_WARN_MS {
        return ok();
    }
    let way = if wall_ms < log_ms { "behind" } else { "ahead of" };
    warn(format!(
        "the wall clock is {} s {way} the log's time: it jumped since the start, or was wrong then; no deadline moves \
         with it",
        apart / 1000
    ))
}

fn descriptors(process: &ProcessFigures) -> Verdict {
    let (open, max) = (process.open_fds, process.max_fds);
    if max == 0 || open < max.saturating_sub(max / 10) {
        return ok();
    }
    warn(format!("{open} of {max} descriptors are open; connections are refused when there are no more"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use konsul_operations::ports::Health;
    use konsul_storage::contract::{LogId, StorageUsage};

    use super::*;

    fn status(role: Role, leader: Option<u64>, stopped: Option<&str>) -> Status {
        Status {
            node_id: 1,
            role,
            term: 1,
            leader,
            last_log: 1,
            committed: 1,
            applied: LogId { term: 1, index: 1 },
            snapshot: 0,
            purged: 0,
            voters: vec![1],
            learners: Vec::new(),
            stopped: stopped.map(str::to_owned),
            storage: StorageUsage::default(),
        }
    }

    fn looked<'a>(raft: &'a Status, process: &'a ProcessFigures) -> Looked<'a> {
        Looked { phase: Phase::Serving, raft, disk_full: false, wall_ms: 50_000, log_ms: 50_000, process }
    }

    fn judge(looked: &Looked<'_>) -> Health {
        let board = Arc::new(Board::default());
        look(&board, looked);
        board.read()
    }

    #[test]
    fn every_reason_is_told_and_weighs_what_it_should() {
        let process = ProcessFigures { max_fds: 100, ..ProcessFigures::default() };
        let leads = status(Role::Leader, Some(1), None);
        let good = looked(&leads, &process);
        assert!(judge(&good).ready && judge(&good).lines.iter().all(|line| line.reason.is_empty()));

        let starting = judge(&Looked { phase: Phase::Starting, ..looked(&leads, &process) });
        assert!(starting.live && !starting.ready && starting.reasons[0].contains("starting"));

        let closed = status(Role::Stopped, None, Some("it was shut down"));
        let stopping = judge(&Looked { phase: Phase::Stopping, ..looked(&closed, &process) });
        assert!(stopping.live && !stopping.ready && stopping.reasons == ["the agent is stopping"]);

        let alone = judge(&looked(&status(Role::Candidate, None, None), &process));
        assert!(alone.live && alone.reasons == ["no leader is known"]);

        let broken = judge(&looked(&status(Role::Stopped, None, Some("fsync failed")), &process));
        assert!(!broken.live && broken.reasons == ["consensus has stopped: fsync failed"]);

        let full = judge(&Looked { disk_full: true, ..looked(&leads, &process) });
        assert!(full.live && !full.ready && full.reasons[0].contains("the disk is full"));
    }

    #[test]
    fn what_is_only_told_does_not_turn_ready_off() {
        let crowded = ProcessFigures { max_fds: 100, open_fds: 95, ..ProcessFigures::default() };
        let mut raft = status(Role::Leader, Some(1), None);
        raft.committed = BEHIND_WARN + 1;
        let found = judge(&Looked { wall_ms: 5_000, ..looked(&raft, &crowded) });
        assert!(found.ready && found.reasons.is_empty());
        let told: Vec<_> =
            found.lines.iter().filter(|line| line.state == HealthState::Warn).map(|line| line.name).collect();
        assert_eq!(told, ["applied", "clock", "descriptors"]);
        assert!(found.lines.iter().any(|line| line.reason.contains("45 s behind")), "{:?}", found.lines);
        raft.committed = BEHIND_FAIL + 1;
        assert!(!judge(&looked(&raft, &crowded)).ready);
    }
}
