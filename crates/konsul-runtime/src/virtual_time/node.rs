//! A node of a simulation, seen from outside.

use std::fmt;
use std::future::Future;
use std::rc::Rc;

use super::core::Core;
use super::enter;
use crate::task::JoinHandle;

/// A context to start tasks in: they share its wall clock, its generator and its fate.
#[derive(Clone)]
pub struct Node {
    core: Rc<Core>,
    id: u64,
}

impl Node {
    pub(super) fn new(core: Rc<Core>, id: u64) -> Self {
        Self { core, id }
    }

    /// Its number.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Starts a task on this node.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.enter(|| crate::spawn(future))
    }

    /// Runs `body` as if a task of this node did: its clock, its chance, its spawns.
    pub fn enter<R>(&self, body: impl FnOnce() -> R) -> R {
        enter(&self.core, || self.core.on_node(self.id, body))
    }

    /// Moves this node's wall clock by so many milliseconds, in either direction. The monotonic clock does not move.
    pub fn jump_wall_ms(&self, by: i64) {
        self.core.jump_wall(self.id, by);
    }

    /// How many tasks it has.
    pub fn task_count(&self) -> usize {
        self.core.task_count(self.id)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("id", &self.id).finish_non_exhaustive()
    }
}
