//! How the agent stands: one line for each thing that can go wrong, and what follows from it for "live" and "ready".
//!
//! # The life of a line
//!
//! Whoever watches over something takes a [`Line`] from the [`Board`] once, and sets it whenever that thing changes
//! ([`Line::set`]). What can be told only by looking (consensus, the disk, the clock) is looked at when somebody asks and
//! with every step of the history of figures ([`watchers`]). A line that stays as it was keeps its time.
//!
//! A line says how much it weighs: some only tell, some mean that no requests should be sent here, and few mean that only a
//! restart will help. `/health`, `agent/self` and the metric `konsul_health` all read the same board.

mod watchers;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use konsul_operations::ports::{Health, HealthLine, HealthState};
use konsul_runtime::time::wall_ms;

pub(crate) use watchers::{Looked, look};

/// What a failing line means for the agent. A line that warns is only told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// It is told.
    Told,
    /// No requests should be sent here.
    Ready,
    /// Only a restart will help.
    Live,
}

/// All lines.
#[derive(Debug, Default)]
pub(crate) struct Board {
    lines: Mutex<BTreeMap<&'static str, Standing>>,
}

#[derive(Debug)]
struct Standing {
    weight: Weight,
    state: HealthState,
    reason: String,
    since_ms: u64,
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Standing>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the line of that name; at first all is well.
    pub(crate) fn line(self: &Arc<Self>, name: &'static str, weight: Weight) -> Line {
        self.put(name, weight, HealthState::Ok, "");
        Line { board: Arc::clone(self), name, weight }
    }

    /// Sets a line. Its time is that of the last change of its state, not of its reason.
    pub(crate) fn put(&self, name: &'static str, weight: Weight, state: HealthState, reason: &str) {
        let mut lines = self.lock();
        let before = lines.get(name).filter(|before| before.state == state).map(|before| before.since_ms);
        let since_ms = before.unwrap_or_else(wall_ms);
        let changed = before.is_none() && (state != HealthState::Ok || lines.contains_key(name));
        lines.insert(name, Standing { weight, state, reason: reason.to_owned(), since_ms });
        drop(lines);
        if changed {
            tell(name, state, reason);
        }
    }

    /// What follows from all lines.
    pub(crate) fn read(&self) -> Health {
        let lines = self.lock();
        let failing = || lines.values().filter(|line| line.state == HealthState::Fail);
        let live = failing().all(|line| line.weight != Weight::Live);
        let weighty = || failing().filter(|line| line.weight != Weight::Told);
        Health {
            live,
            ready: weighty().next().is_none(),
            reasons: weighty().map(|line| line.reason.clone()).collect(),
            lines: lines.iter().map(|(name, line)| line.told(name)).collect(),
        }
    }
}

impl Standing {
    fn told(&self, name: &'static str) -> HealthLine {
        let (state, reason, since_ms) = (self.state, self.reason.clone(), self.since_ms);
        HealthLine { name, state, reason, since_ms }
    }
}

fn tell(check: &'static str, state: HealthState, reason: &str) {
    match state {
        HealthState::Ok => tracing::info!(check, "all is well again"),
        HealthState::Warn => tracing::warn!(check, reason, "not as it should be"),
        HealthState::Fail => tracing::error!(check, reason, "failing"),
    }
}

/// One line, in the hands of whoever watches over what it is about.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    board: Arc<Board>,
    name: &'static str,
    weight: Weight,
}

impl Line {
    /// Says how it stands and why. A reason names what is wrong and what would help.
    pub(crate) fn set(&self, state: HealthState, reason: impl Into<String>) {
        self.board.put(self.name, self.weight, state, &reason.into());
    }

    /// Says that all is well.
    pub(crate) fn ok(&self) {
        self.set(HealthState::Ok, "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_weighs_what_it_says() {
        let board = Arc::new(Board::default());
        let told = board.line("backup", Weight::Told);
        let ready = board.line("disk", Weight::Ready);
        let live = board.line("storage", Weight::Live);
        assert_eq!((board.read().live, board.read().ready, board.read().lines.len()), (true, true, 3));
        told.set(HealthState::Fail, "no backup for two days");
        assert!(board.read().ready && board.read().reasons.is_empty());
        ready.set(HealthState::Warn, "filling up");
        assert!(board.read().ready);
        ready.set(HealthState::Fail, "full");
        assert_eq!((board.read().live, board.read().ready), (true, false));
        assert_eq!(board.read().reasons, ["full"]);
        ready.ok();
        live.set(HealthState::Fail, "broken");
        assert_eq!((board.read().live, board.read().ready), (false, false));
        let states: Vec<_> = board.read().lines.iter().map(|line| (line.name, line.state.name())).collect();
        assert_eq!(states, [("backup", "fail"), ("disk", "ok"), ("storage", "fail")]);
    }

    #[test]
    fn time_is_that_of_the_last_change_of_state() {
        let board = Arc::new(Board::default());
        let line = board.line("disk", Weight::Ready);
        line.set(HealthState::Fail, "full");
        board.lock().get_mut("disk").unwrap().since_ms = 7;
        line.set(HealthState::Fail, "still full");
        assert_eq!(
            (board.read().lines[0].since_ms, board.read().lines[0].reason.as_str()),
            (7, "still full")
        );
        line.ok();
        assert!(board.read().lines[0].since_ms > 7);
    }
}
