//! How many runs may be under way, and who waits: one lane for the network, one for processes, so that slow scripts
//! do not hold up what costs a socket.

use std::collections::VecDeque;

use super::Ticket;
use super::entry::Stage;

#[derive(Debug)]
pub(super) struct Lanes([Lane; 2]);

#[derive(Debug)]
struct Lane {
    max: usize,
    running: usize,
    waiting: VecDeque<Ticket>,
}

impl Lanes {
    pub(super) fn new(network: usize, processes: usize) -> Self {
        let lane = |max: usize| Lane { max: max.max(1), running: 0, waiting: VecDeque::new() };
        Self([lane(network), lane(processes)])
    }

    pub(super) fn wait(&mut self, lane: usize, ticket: Ticket) {
        self.0[lane].waiting.push_back(ticket);
    }

    /// Gives a free place to whoever waits longest.
    pub(super) fn next(&mut self) -> Option<Ticket> {
        let lane = self.0.iter_mut().find(|lane| lane.running < lane.max && !lane.waiting.is_empty())?;
        lane.running += 1;
        lane.waiting.pop_front()
    }

    /// A check gives up what it has: its place, or its turn.
    pub(super) fn leave(&mut self, lane: usize, ticket: Ticket, stage: &Stage) {
        let lane = &mut self.0[lane];
        match stage {
            Stage::Idle => {}
            Stage::Waiting { .. } => lane.waiting.retain(|other| *other != ticket),
            Stage::Running { .. } => lane.running -= 1,
        }
    }

    /// How many run and how many wait.
    pub(super) fn load(&self) -> (usize, usize) {
        self.0.iter().fold((0, 0), |sum, lane| (sum.0 + lane.running, sum.1 + lane.waiting.len()))
    }
}
