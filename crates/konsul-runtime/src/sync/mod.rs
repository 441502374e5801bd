//! Channels and locks between tasks.
//!
//! tokio's are used where their order of waking depends on nothing but the order of waiting: [`mpsc`] (bounded only),
//! [`oneshot`], [`Notify`], [`Semaphore`], [`Mutex`]. tokio's watch channel spreads its waiters over eight lists by a
//! random number that stable tokio cannot seed, so [`watch`] is our own, in production too.

pub mod watch;

pub use tokio::sync::oneshot;
pub use tokio::sync::{AcquireError, Mutex, MutexGuard, Notify, OwnedMutexGuard};
pub use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit, TryAcquireError};

/// A queue with many senders, one receiver and a bound. There is no unbounded one.
pub mod mpsc {
    pub use tokio::sync::mpsc::error;
    pub use tokio::sync::mpsc::{OwnedPermit, Permit, Receiver, Sender, WeakSender, channel};
}
