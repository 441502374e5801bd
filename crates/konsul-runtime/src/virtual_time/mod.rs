//! The virtual executor: many nodes, one thread, one seed.
//!
//! A [`Sim`] owns the tasks of every node, a clock and a generator. It runs one ready task at a time; which one is
//! decided by order of waking or drawn from the seed. The clock stands still while a task is ready and then jumps to
//! the next timer: an hour of quiet costs nothing. Everything that happens is folded into a trace hash, so a run and
//! its replay can be compared by one number.
//!
//! # The life of a run
//!
//! [`Sim::new`] draws the mode from the seed. [`Sim::node`] gives a context to spawn in; tasks spawn more tasks on
//! their own node. [`Sim::run_until`], [`Sim::run_for`] and [`Sim::block_on`] step until a condition, a time or a
//! result. [`Sim::kill`] drops all tasks of a node at once, as a crash does. Their destructors do run, because their
//! channels must close for those who wait at the other end; so crash a simulated disk *before* the kill, and no
//! destructor can reach it.
//!
//! # What repeats
//!
//! The same seed, the same binary and the same calls give the same trace, as long as the code under test takes time,
//! tasks, channels and chance from this crate, and iterates over nothing with a random order. A `Sim` knows nothing of
//! threads: work on another thread is invisible to it.

mod core;
mod node;
mod rng;
mod sim;
mod task;
mod timer;

pub(crate) use core::Core;
pub use core::{Order, SimOptions};
pub use node::Node;
pub use sim::{Sim, Stalled};
pub(crate) use task::TaskHandle;
pub(crate) use timer::Timer;

use std::cell::RefCell;
use std::hash::Hash;
use std::rc::Rc;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Core>>> = const { RefCell::new(None) };
}

/// The simulation that runs on this thread at the moment.
pub(crate) fn current() -> Option<Rc<Core>> {
    // At the end of a thread the slot may be gone: then nothing is simulated.
    CURRENT.try_with(|slot| slot.borrow().clone()).ok().flatten()
}

/// Makes `core` the current simulation while `body` runs.
fn enter<R>(core: &Rc<Core>, body: impl FnOnce() -> R) -> R {
    struct Restore(Option<Rc<Core>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0.take());
        }
    }
    let _restore = Restore(CURRENT.replace(Some(core.clone())));
    body()
}

/// Whether the caller runs inside a simulation.
pub fn is_virtual() -> bool {
    current().is_some()
}

/// The node whose task is running, if any.
pub fn current_node() -> Option<u64> {
    current().map(|core| core.node())
}

/// Folds something that happened into the trace of the current simulation; does nothing outside of one.
pub fn trace(what: impl Hash) {
    if let Some(core) = current() {
        core.trace(what);
    }
}

/// A wait as long as a disk might take, drawn from the seed.
pub(crate) async fn disk_delay() {
    let Some(core) = current() else { return };
    let delay = core.disk_delay();
    drop(core);
    crate::time::sleep(delay).await;
}
