//! A virtual sleep.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::time::Instant;

#[derive(Debug)]
pub(crate) struct Timer {
    deadline: Instant,
    /// Breaks ties by order of creation.
    id: u64,
    registered: bool,
}

impl Timer {
    pub(super) fn new(deadline: Instant, id: u64) -> Self {
        Self { deadline, id, registered: false }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Polled outside of its simulation it can only wait: there is no clock to ask.
        let Some(core) = super::current() else {
            return Poll::Pending;
        };
        if core.now() >= self.deadline {
            return Poll::Ready(());
        }
        core.set_timer(self.deadline, self.id, cx.waker());
        self.registered = true;
        Poll::Pending
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if self.registered
            && let Some(core) = super::current()
        {
            core.clear_timer(self.deadline, self.id);
        }
    }
}
