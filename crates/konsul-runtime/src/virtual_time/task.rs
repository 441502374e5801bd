//! Ready tasks, their wakers, and the handle that waits for one.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake};

use crate::task::JoinError;

/// Ids of tasks that are ready to run. Behind a lock only because a waker must be [`Send`].
#[derive(Debug, Default)]
pub(super) struct Queue(Mutex<VecDeque<u64>>);

impl Queue {
    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Queues a task that was taken and not run.
    pub(super) fn put(&self, id: u64) {
        self.lock().push_back(id);
    }

    pub(super) fn take_first(&self) -> Option<u64> {
        self.lock().pop_front()
    }

    /// Takes the one that `choose` names among as many as it is told.
    pub(super) fn take_nth(&self, choose: impl FnOnce(u64) -> u64) -> Option<u64> {
        let mut ready = self.lock();
        if ready.is_empty() {
            return None;
        }
        let nth = choose(ready.len() as u64) as usize;
        ready.swap_remove_back(nth)
    }
}

#[derive(Debug)]
pub(super) struct TaskWaker {
    id: u64,
    queue: Arc<Queue>,
    queued: AtomicBool,
}

impl TaskWaker {
    pub(super) fn new(id: u64, queue: Arc<Queue>) -> Arc<Self> {
        Arc::new(Self { id, queue, queued: AtomicBool::new(false) })
    }

    /// Queues the task unless it is queued. The id of a task that is gone is skipped later, and never used again.
    pub(super) fn schedule(&self) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.queue.lock().push_back(self.id);
        }
    }

    /// The task runs now; a wake from here on queues it again.
    pub(super) fn started(&self) {
        self.queued.store(false, Ordering::Release);
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.schedule();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.schedule();
    }
}

/// Waits for a virtual task.
#[derive(Debug)]
pub(crate) struct TaskHandle<T> {
    id: u64,
    finished: tokio::sync::oneshot::Receiver<T>,
}

impl<T> TaskHandle<T> {
    pub(super) fn new(id: u64, finished: tokio::sync::oneshot::Receiver<T>) -> Self {
        Self { id, finished }
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn abort(&self) {
        if let Some(core) = super::current() {
            core.abort(self.id);
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        super::current().is_none_or(|core| !core.has_task(self.id))
    }
}

impl<T> Future for TaskHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // The sender goes with the task, so a closed channel means that the task was dropped. A panic does not come
        // here: it unwinds through the whole simulation, because a run in which something panicked has failed.
        Pin::new(&mut self.finished).poll(cx).map_err(|_| JoinError::Cancelled)
    }
}
