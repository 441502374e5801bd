//! What a service being down reaches.

use std::collections::VecDeque;

use super::graph::{Graph, Steps};

/// What being reached does to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// It requires something that is down or broken.
    Broken,
    /// It can do without part of what it has lost.
    Degraded,
}

impl Effect {
    /// `broken` or `degraded`.
    pub fn name(self) -> &'static str {
        match self {
            Effect::Broken => "broken",
            Effect::Degraded => "degraded",
        }
    }
}

/// A service that is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// Which.
    pub service: usize,
    /// How.
    pub effect: Effect,
}

/// The blast radius.
#[derive(Debug)]
pub struct Impact {
    /// Those that were said to be down, by name, each once.
    pub down: Vec<usize>,
    /// Everybody else that is reached: broken ones first, then by name.
    pub reached: Vec<Reached>,
    required: Spread,
    all: Spread,
}

impl Impact {
    /// Why: from a reached service, each needing the next, to one that is down; one of the shortest such ways. For a broken
    /// service all of these needs are required ones. Made when asked for: in a long chain all paths together would be far
    /// larger than the graph.
    pub fn path(&self, reached: Reached) -> Vec<usize> {
        match reached.effect {
            Effect::Broken => self.required.path(reached.service),
            Effect::Degraded => self.all.path(reached.service),
        }
    }
}

/// For each service where it was reached from, which is the next on the path towards the cause.
#[derive(Debug)]
pub(super) struct Spread {
    toward: Vec<Option<usize>>,
    queue: VecDeque<usize>,
}

impl Spread {
    pub(super) fn new(services: usize) -> Spread {
        Spread { toward: vec![None; services], queue: VecDeque::new() }
    }

    /// A place to begin from; its path is itself alone.
    pub(super) fn begin(&mut self, at: usize) {
        if self.toward[at].is_none() {
            self.toward[at] = Some(at);
            self.queue.push_back(at);
        }
    }

    /// Goes on, breadth first, to all who need what was reached, over required edges only or over all.
    pub(super) fn run(&mut self, graph: &Graph, required_only: bool, steps: &mut Steps) {
        while let Some(at) = self.queue.pop_front() {
            *steps += 1;
            for edge in graph.needed_by(at) {
                *steps += 1;
                if (edge.required || !required_only) && self.toward[edge.to].is_none() {
                    self.toward[edge.to] = Some(at);
                    self.queue.push_back(edge.to);
                }
            }
        }
    }

    pub(super) fn has(&self, at: usize) -> bool {
        self.toward[at].is_some()
    }

    /// From a reached service to where it all began.
    pub(super) fn path(&self, from: usize) -> Vec<usize> {
        let next = |&at: &usize| self.toward[at].filter(|&next| next != at);
        std::iter::successors(Some(from), next).collect()
    }
}

impl Graph {
    /// Whom it reaches when these services are down. Numbers of no service are passed over.
    pub fn impact(&self, down: &[usize]) -> Impact {
        self.impact_counted(down, &mut 0)
    }

    pub(super) fn impact_counted(&self, down: &[usize], steps: &mut Steps) -> Impact {
        let mut down: Vec<usize> = down.iter().copied().filter(|&at| at < self.len()).collect();
        down.sort_unstable();
        down.dedup();
        let mut spread = |required_only| {
            let mut spread = Spread::new(self.len());
            down.iter().for_each(|&at| spread.begin(at));
            spread.run(self, required_only, steps);
            spread
        };
        let (required, all) = (spread(true), spread(false));
        let is_down = |at: usize| down.binary_search(&at).is_ok();
        let of = |effect, service| Reached { service, effect };
        let broken = (0..self.len()).filter(|&at| required.has(at) && !is_down(at));
        let degraded = (0..self.len()).filter(|&at| all.has(at) && !required.has(at));
        let reached =
            broken.map(|at| of(Effect::Broken, at)).chain(degraded.map(|at| of(Effect::Degraded, at)));
        Impact { reached: reached.collect(), down, required, all }
    }
}
