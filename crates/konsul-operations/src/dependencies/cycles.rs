//! Cycles, each once.
//!
//! A cycle is written from its member with the smallest name onwards, so it has one form. They are found with Johnson's
//! algorithm (1975): from the smallest service of a knot over that knot, not into corners from which the start was found to
//! be out of reach; then the start is taken away, and what is left falls into smaller knots. Each start has a cycle, so the
//! work is at most in proportion to the graph for each cycle. A graph of fifty services can have more cycles than anybody
//! can count, so the search ends at a number of cycles and at a budget of steps, and says whether it was complete;
//! [`Graph::knots`] always is.

use std::collections::BTreeSet;

use super::graph::{Graph, Steps};

/// Services that need each other in a circle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cycle {
    /// Each needs the next, the last the first; begins with the smallest name.
    pub members: Vec<usize>,
    /// Whether all of these needs are required: then none of them can be the first to start.
    pub required: bool,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycles {
    /// By members.
    pub found: Vec<Cycle>,
    /// Whether these are all.
    pub complete: bool,
}

/// Steps that a search may take: some tenths of a second.
const STEPS_MAX: u64 = 20_000_000;

impl Graph {
    /// At most `cycles_max` of the cycles.
    pub fn cycles(&self, cycles_max: usize) -> Cycles {
        self.cycles_counted(cycles_max, STEPS_MAX, &mut 0)
    }

    pub(super) fn cycles_counted(&self, cycles_max: usize, steps_max: u64, steps: &mut Steps) -> Cycles {
        let mut knots = self.knots_over(|_, _| true, steps);
        let mut search = Johnson::new(self, cycles_max, steps_max);
        while let Some(knot) = knots.pop() {
            search.search_from_smallest(&knot, steps);
            if !search.complete {
                break;
            }
            let rest = &knot[1..];
            knots.extend(self.knots_among(rest, steps));
        }
        search.found.sort_unstable();
        Cycles { found: search.found, complete: search.complete }
    }
}

struct Johnson<'a> {
    graph: &'a Graph,
    found: Vec<Cycle>,
    complete: bool,
    cycles_max: usize,
    steps_max: u64,
    /// Whether a service is in the present knot.
    eligible: Vec<bool>,
    blocked: Vec<bool>,
    /// Who becomes free when a blocked one does.
    waiting: Vec<BTreeSet<usize>>,
}

/// A service on the present path: which edge comes next, and whether a cycle was closed from here.
struct Step {
    at: usize,
    next: usize,
    closed: bool,
}

impl Step {
    fn new(at: usize) -> Step {
        Step { at, next: 0, closed: false }
    }
}

impl<'a> Johnson<'a> {
    fn new(graph: &'a Graph, cycles_max: usize, steps_max: u64) -> Johnson<'a> {
        Johnson {
            graph,
            found: Vec::new(),
            complete: true,
            cycles_max,
            steps_max,
            eligible: vec![false; graph.len()],
            blocked: vec![false; graph.len()],
            waiting: vec![BTreeSet::new(); graph.len()],
        }
    }

    /// All cycles through the smallest member of a knot that stay within it.
    fn search_from_smallest(&mut self, knot: &[usize], steps: &mut Steps) {
        *steps += knot.len() as u64;
        for &member in knot {
            self.eligible[member] = true;
            self.blocked[member] = false;
            self.waiting[member].clear();
        }
        self.from(knot[0], steps);
        for &member in knot {
            self.eligible[member] = false;
        }
    }

    fn from(&mut self, start: usize, steps: &mut Steps) {
        let mut path = vec![Step::new(start)];
        self.blocked[start] = true;
        while let Some(step) = path.last_mut() {
            *steps += 1;
            if *steps > self.steps_max {
                self.complete = false;
                return;
            }
            let at = step.at;
            let Some(edge) = self.graph.needs(at).get(step.next) else {
                self.leave(&mut path);
                continue;
            };
            step.next += 1;
            if edge.to == start {
                step.closed = true;
                self.record(&path);
                if !self.complete {
                    return;
                }
            } else if self.eligible[edge.to] && !self.blocked[edge.to] {
                self.blocked[edge.to] = true;
                path.push(Step::new(edge.to));
            }
        }
    }

    fn record(&mut self, path: &[Step]) {
        if self.found.len() >= self.cycles_max {
            self.complete = false;
            return;
        }
        let required = path.iter().all(|step| self.graph.needs(step.at)[step.next - 1].required);
        self.found.push(Cycle { members: path.iter().map(|step| step.at).collect(), required });
    }

    /// Who closed a cycle is free for other paths; who did not waits until one that it needs is.
    fn leave(&mut self, path: &mut Vec<Step>) {
        let Some(done) = path.pop() else { return };
        if done.closed {
            self.free(done.at);
            if let Some(parent) = path.last_mut() {
                parent.closed = true;
            }
            return;
        }
        for edge in self.graph.needs(done.at) {
            if self.eligible[edge.to] {
                self.waiting[edge.to].insert(done.at);
            }
        }
    }

    fn free(&mut self, at: usize) {
        let mut freed = vec![at];
        while let Some(at) = freed.pop() {
            if std::mem::take(&mut self.blocked[at]) {
                freed.extend(std::mem::take(&mut self.waiting[at]));
            }
        }
    }
}
