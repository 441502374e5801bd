//! How far the agent is between start and stop, and its HTTP server while there is one.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use konsul_http::Server;
use konsul_operations::ports::Health;
use konsul_raft::contract::{Role, Status};

/// How far the agent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    Starting = 0,
    Serving = 1,
    Stopping = 2,
}

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Serving {
    phase: AtomicU8,
    server: Mutex<Option<Server>>,
}

impl Serving {
    pub(crate) fn new() -> Serving {
        Serving { phase: AtomicU8::new(Phase::Starting as u8), server: Mutex::new(None) }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Starting,
            1 => Phase::Serving,
            _ => Phase::Stopping,
        }
    }

    pub(crate) fn open(&self, server: Server) {
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
    }

    /// Takes the server out, to stop it.
    pub(crate) fn take(&self) -> Option<Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn connections(&self) -> usize {
        self.server.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map_or(0, Server::connections)
    }

    /// Whether the agent serves, and why not.
    pub(crate) fn health(&self, raft: &Status) -> Health {
        judge(self.phase(), raft)
    }
}

fn judge(phase: Phase, raft: &Status) -> Health {
    let mut reasons = Vec::new();
    match phase {
        Phase::Starting => reasons.push("the agent is starting: its log is being replayed".to_owned()),
        Phase::Stopping => reasons.push("the agent is stopping".to_owned()),
        Phase::Serving => {}
    }
    if let Some(why) = &raft.stopped {
        reasons.push(format!("consensus has stopped: {why}"));
    } else if raft.leader.is_none() {
        reasons.push("no leader is known".to_owned());
    }
    // A stopped log on an agent that is not stopping heals only by a restart.
    let live = raft.role != Role::Stopped || phase == Phase::Stopping;
    Health { live, ready: reasons.is_empty(), reasons }
}

#[cfg(test)]
mod tests {
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
            applied: LogId::default(),
            snapshot: 0,
            purged: 0,
            voters: vec![1],
            learners: Vec::new(),
            stopped: stopped.map(str::to_owned),
            storage: StorageUsage::default(),
        }
    }

    #[test]
    fn ready_needs_a_leader_and_a_phase_that_serves() {
        let leads = status(Role::Leader, Some(1), None);
        assert!(judge(Phase::Serving, &leads).ready);
        let starting = judge(Phase::Starting, &leads);
        assert!(starting.live && !starting.ready && starting.reasons[0].contains("starting"));
        let stopping = judge(Phase::Stopping, &status(Role::Stopped, None, Some("it was asked to")));
        assert!(stopping.live && !stopping.ready);
        let alone = judge(Phase::Serving, &status(Role::Candidate, None, None));
        assert!(alone.live && alone.reasons == ["no leader is known"]);
        let broken = judge(Phase::Serving, &status(Role::Stopped, None, Some("fsync failed")));
        assert!(!broken.live && broken.reasons == ["consensus has stopped: fsync failed"]);
    }
}
