//! A simulation, seen from outside.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::rc::Rc;

use super::core::{Core, Order, SimOptions};
use super::enter;
use super::node::Node;
use crate::time::{Duration, Instant};

/// So many steps at one moment of virtual time mean that tasks wake each other for ever.
const LIVELOCK: u64 = 1_000_000;

/// Nodes, their tasks and their clock. See the module's head.
pub struct Sim {
    core: Rc<Core>,
    /// The moment of the last step, and how many steps it has seen.
    moment: Cell<(u64, u64)>,
}

impl Sim {
    /// A simulation with the usual options.
    pub fn new(seed: u64) -> Self {
        Self::with(SimOptions::new(seed))
    }

    /// A simulation with these options.
    pub fn with(options: SimOptions) -> Self {
        Self { core: Core::new(options), moment: Cell::default() }
    }

    /// The node with this number. Nodes exist as soon as they are named; a killed one can be used again.
    pub fn node(&self, id: u64) -> Node {
        Node::new(self.core.clone(), id)
    }

    /// Drops all tasks of a node, as a crash of its process does.
    pub fn kill(&self, node: u64) {
        enter(&self.core, || self.core.kill(node));
    }

    /// Stops or lets go on the tasks of a node while everything else goes on: a stopped process, a paused machine. A kill
    /// ends the pause.
    pub fn set_paused(&self, node: u64, paused: bool) {
        enter(&self.core, || self.core.set_paused(node, paused));
    }

    /// From now on half a job of a [`Worker`](crate::worker::Worker) takes between `low` and `high`.
    pub fn set_disk(&self, low: Duration, high: Duration) {
        self.core.set_disk(low, high);
    }

    /// Runs one ready task, or moves the clock to the next timer. Answers `false` if nothing is left that could happen.
    ///
    /// # Panics
    /// With the task's panic, and when tasks wake each other for ever without letting the clock move.
    pub fn step(&self) -> bool {
        let happened = enter(&self.core, || self.core.step());
        self.watch_for_livelock();
        happened
    }

    fn watch_for_livelock(&self) {
        let now = self.now().as_nanos();
        let (moment, steps) = self.moment.get();
        let steps = if moment == now { steps + 1 } else { 0 };
        assert!(steps < LIVELOCK, "tasks keep each other busy at {now} ns and the clock cannot move");
        self.moment.set((now, steps));
    }

    /// Steps until `condition` holds. Answers `false` if that did not happen within `limit` of virtual time, or if
    /// nothing was left that could happen.
    pub fn run_until(&self, limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
        let deadline = self.now() + limit;
        while !condition() {
            if self.core.next_event().is_none_or(|at| at > deadline) {
                return false;
            }
            self.step();
        }
        true
    }

    /// Steps through everything that happens within `duration`, and leaves the clock at its end.
    pub fn run_for(&self, duration: Duration) {
        let deadline = self.now() + duration;
        self.run_until(duration, || false);
        self.core.set_now(deadline);
    }

    /// Runs `future` as a task of `node` and steps until it is done.
    ///
    /// # Errors
    /// [`Stalled`] if it is not done within `limit` of virtual time, or cannot go on, or was killed.
    pub fn block_on<F>(&self, node: u64, limit: Duration, future: F) -> Result<F::Output, Stalled>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let result = Rc::new(Cell::new(None));
        let slot = result.clone();
        let task = self.node(node).enter(|| self.core.spawn(async move { slot.set(Some(future.await)) }));
        self.run_until(limit, || !self.core.has_task(task.id()));
        result.take().ok_or_else(|| Stalled { at: self.now() })
    }

    /// The virtual clock.
    pub fn now(&self) -> Instant {
        self.core.now()
    }

    /// How many times a task was run.
    pub fn steps(&self) -> u64 {
        self.core.steps()
    }

    /// The order of ready tasks that is in force.
    pub fn order(&self) -> Order {
        self.core.order()
    }

    /// Folds something that happened into the trace.
    pub fn trace(&self, what: impl Hash) {
        self.core.trace(what);
    }

    /// The hash of all that happened so far: each step with its time, node and task, and what was traced.
    pub fn trace_hash(&self) -> u64 {
        self.core.trace_hash()
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        // Futures may hold what leads back to the core; dropping them here breaks the cycle.
        enter(&self.core, || self.core.kill_all());
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").field("now", &self.now()).field("steps", &self.steps()).finish_non_exhaustive()
    }
}

/// A future did not finish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stalled {
    /// The virtual time at which the run gave up.
    pub at: Instant,
}

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the future was not done at {} ns of virtual time", self.at.as_nanos())
    }
}

impl std::error::Error for Stalled {}
