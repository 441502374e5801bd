//! When something is due: one ordered set for all checks, so that ten thousand of them cost one sleeping task.

use std::collections::{BTreeMap, BTreeSet};

use konsul_runtime::time::Instant;

use super::Ticket;

/// What becomes due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    Run,
    Lapse,
    Output,
}

const ALL: [Purpose; 3] = [Purpose::Run, Purpose::Lapse, Purpose::Output];

/// At most one timer for each ticket and purpose. What is disarmed leaves nothing behind.
#[derive(Debug, Default)]
pub(super) struct Timers {
    queue: BTreeSet<(Instant, Ticket, Purpose)>,
    armed: BTreeMap<(Ticket, Purpose), Instant>,
}

impl Timers {
    /// Sets the timer; an earlier setting is forgotten.
    pub(super) fn arm(&mut self, ticket: Ticket, purpose: Purpose, at: Instant) {
        if let Some(before) = self.armed.insert((ticket, purpose), at) {
            self.queue.remove(&(before, ticket, purpose));
        }
        self.queue.insert((at, ticket, purpose));
    }

    pub(super) fn arm_unless_armed(&mut self, ticket: Ticket, purpose: Purpose, at: Instant) {
        if !self.armed.contains_key(&(ticket, purpose)) {
            self.arm(ticket, purpose, at);
        }
    }

    pub(super) fn disarm(&mut self, ticket: Ticket, purpose: Purpose) {
        if let Some(at) = self.armed.remove(&(ticket, purpose)) {
            self.queue.remove(&(at, ticket, purpose));
        }
    }

    pub(super) fn disarm_all(&mut self, ticket: Ticket) {
        ALL.into_iter().for_each(|purpose| self.disarm(ticket, purpose));
    }

    pub(super) fn first(&self) -> Option<Instant> {
        self.queue.first().map(|(at, _, _)| *at)
    }

    pub(super) fn pop_due(&mut self, now: Instant) -> Option<(Instant, Ticket, Purpose)> {
        let due = *self.queue.first().filter(|(at, _, _)| *at <= now)?;
        self.disarm(due.1, due.2);
        Some(due)
    }
}
