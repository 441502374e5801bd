//! The seam between Konsul and the machine: time, tasks, channels and chance.
//!
//! Code above this crate never names the executor, the clock or the random generator. It calls the free functions
//! here, which look at a thread-local: inside a virtual executor (feature `sim`, module [`virtual_time`]) they are
//! virtual, everywhere else they are tokio, the monotonic clock and the operating system's entropy. So the code that
//! a seed drives through a thousand crashes is the code that is shipped, not a copy with other parameters.
//!
//! # The life of a task
//!
//! [`spawn`] puts a future on the executor of the calling thread: tokio's in production, the current *node* of the
//! simulation otherwise. It waits through [`time::sleep`], [`sync`] channels or a [`JoinHandle`]; all of them wake in
//! an order that depends on nothing but the order of events. Work that must have a thread of its own has two forms:
//! [`dedicated`] gives a future and everything it spawns one thread, and [`worker::Worker`] gives a blocking object
//! one. In a simulation both become ordinary tasks of the node, and the worker's time is drawn from the seed.
//!
//! Two more things have to be the same everywhere and lie here for it: [`trace`], by which a request's work is followed
//! through the rooms, and [`measure`], into which engines count.
//!
//! # What this is not
//!
//! Not an executor for production (tokio is), not a place for sockets yet (connections arrive with the transport
//! between servers), and not a place for unbounded channels: there are none, so that no queue can grow unseen.

pub mod measure;
pub mod random;
pub mod sync;
pub mod time;
pub mod trace;
pub mod worker;

#[cfg(feature = "sim")]
pub mod virtual_time;

mod dedicated;
mod task;

pub use dedicated::{Dedicated, dedicated};
pub use task::{JoinError, JoinHandle, block_on, spawn, yield_now};
/// Waits for the first of several futures. Begin with `biased;`, else the order of polling is random.
pub use tokio::select;
