//! The port through which the edge tells what it served.

use konsul_runtime::time::Duration;

/// Hears of every answer. Called on the path of each request: it must not block.
pub trait Observer: Send + Sync + 'static {
    /// An answer's head is ready. `operation` is the id of the operation, or `other` where none was reached; `took` runs
    /// from the request's head to the answer's, waiting included; `bytes` is the body's size, zero if it is streamed.
    fn observe(&self, operation: &'static str, status: u16, took: Duration, bytes: usize);
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn observe(&self, _: &'static str, _: u16, _: Duration, _: usize) {}
}
