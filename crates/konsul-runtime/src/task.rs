//! Tasks: [`spawn`], and the handle that waits for one.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

#[cfg(feature = "sim")]
use crate::virtual_time;

/// Runs `future` as a task of its own.
///
/// Inside a simulation it becomes a task of the current node. Elsewhere it goes to the tokio runtime of the calling
/// thread, and the call panics if there is none, as tokio's does.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    #[cfg(feature = "sim")]
    if let Some(core) = virtual_time::current() {
        return JoinHandle(Inner::Virtual(core.spawn(future)));
    }
    JoinHandle(Inner::Tokio(tokio::spawn(future)))
}

/// Runs `future` to its end on a fresh single-threaded executor with timers. For the rim and for tests: inside a task
/// it panics, because it would block the executor that runs the task.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("an executor without I/O asks the system for nothing").block_on(future)
}

/// Lets every other ready task run before the caller goes on.
pub async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Waits for a task. Dropping the handle detaches the task, which goes on.
#[derive(Debug)]
pub struct JoinHandle<T>(Inner<T>);

#[derive(Debug)]
enum Inner<T> {
    Tokio(tokio::task::JoinHandle<T>),
    #[cfg(feature = "sim")]
    Virtual(virtual_time::TaskHandle<T>),
}

impl<T> JoinHandle<T> {
    /// Stops the task at the point where it waits. It is not run again; its handle answers [`JoinError::Cancelled`]
    /// unless it had finished.
    pub fn abort(&self) {
        match &self.0 {
            Inner::Tokio(handle) => handle.abort(),
            #[cfg(feature = "sim")]
            Inner::Virtual(handle) => handle.abort(),
        }
    }

    /// Whether the task is over, by return, abort or panic.
    pub fn is_finished(&self) -> bool {
        match &self.0 {
            Inner::Tokio(handle) => handle.is_finished(),
            #[cfg(feature = "sim")]
            Inner::Virtual(handle) => handle.is_finished(),
        }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.get_mut().0 {
            Inner::Tokio(handle) => Pin::new(handle).poll(cx).map_err(JoinError::from_tokio),
            #[cfg(feature = "sim")]
            Inner::Virtual(handle) => Pin::new(handle).poll(cx),
        }
    }
}

/// Why a task has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JoinError {
    /// It was aborted, or its node was killed, or its runtime ended.
    Cancelled,
    /// It panicked, with this message.
    Panicked(String),
}

impl JoinError {
    /// Whether the task panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self, Self::Panicked(_))
    }

    fn from_tokio(error: tokio::task::JoinError) -> Self {
        match error.try_into_panic() {
            Ok(payload) => Self::Panicked(panic_text(payload.as_ref())),
            Err(_) => Self::Cancelled,
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("the task was cancelled"),
            Self::Panicked(what) => write!(f, "the task panicked: {what}"),
        }
    }
}

impl std::error::Error for JoinError {}

/// The text of a panic, where it has one.
pub(crate) fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
