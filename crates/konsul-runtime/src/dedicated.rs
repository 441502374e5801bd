//! A thread of its own for a future and everything it spawns.

use std::future::Future;

use crate::task::{JoinError, panic_text};

/// Runs the future that `start` makes on a thread of its own, on a single-threaded executor: tasks that it spawns stay
/// on that thread and end with it. In a simulation it is a task of the current node.
///
/// The future is made on its thread, so it need not be [`Send`].
pub fn dedicated<S, F>(name: &str, start: S) -> Dedicated
where
    S: FnOnce() -> F + Send + 'static,
    F: Future<Output = ()> + 'static,
{
    #[cfg(feature = "sim")]
    if let Some(core) = crate::virtual_time::current() {
        return Dedicated(Inner::Virtual(core.spawn(start())));
    }
    let (done, finished) = tokio::sync::oneshot::channel();
    let body = move || {
        run_here(start);
        // Sent after the executor is gone, so whoever joins knows that no task of it is left.
        let _ = done.send(());
    };
    match std::thread::Builder::new().name(name.to_owned()).spawn(body) {
        Ok(thread) => Dedicated(Inner::Thread { thread, finished }),
        Err(error) => Dedicated(Inner::Failed(format!("cannot start thread {name}: {error}"))),
    }
}

fn run_here<F: Future<Output = ()>>(start: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("an executor without I/O asks the system for nothing").block_on(async { start().await });
}

/// See [`dedicated`]. Dropping it detaches the thread.
#[derive(Debug)]
#[must_use = "join it, or say that it is detached by dropping it"]
pub struct Dedicated(Inner);

#[derive(Debug)]
enum Inner {
    Thread {
        thread: std::thread::JoinHandle<()>,
        finished: tokio::sync::oneshot::Receiver<()>,
    },
    Failed(String),
    #[cfg(feature = "sim")]
    Virtual(crate::virtual_time::TaskHandle<()>),
}

impl Dedicated {
    /// Waits until the future has ended and its thread with it.
    pub async fn join(self) -> Result<(), JoinError> {
        match self.0 {
            Inner::Thread { thread, finished } => {
                // Either way the thread is in its last lines, so the blocking join below is short.
                let _ = finished.await;
                thread.join().map_err(|payload| JoinError::Panicked(panic_text(payload.as_ref())))
            }
            Inner::Failed(what) => Err(JoinError::Panicked(what)),
            #[cfg(feature = "sim")]
            Inner::Virtual(handle) => handle.await,
        }
    }
}
