//! A thread of its own for a blocking object, such as a disk.
//!
//! # The life of a job
//!
//! [`Worker::submit`] puts a closure in a bounded queue. The worker takes *everything that is queued* at once, runs the
//! closures in order, and then calls the `finish` function once for the whole batch. That is what makes group commit:
//! closures append to a log, `finish` syncs it, and whatever was submitted while that sync ran is the next batch.
//!
//! In a simulation the worker is a task of its node: it waits for a time drawn from the seed, runs the closures, waits
//! again, and calls `finish`. A kill of the node between the two leaves a batch that was written and never synced.

use std::fmt;

use tokio::sync::{mpsc, oneshot};

type Job<T> = Box<dyn FnOnce(&mut T) + Send>;

enum Message<T> {
    Run(Job<T>),
    Stop(oneshot::Sender<()>),
}

/// A handle on the thread that owns a `T`. When the last clone is dropped, the thread finishes what is queued and
/// drops the object.
pub struct Worker<T> {
    queue: mpsc::Sender<Message<T>>,
}

/// At most so many jobs share one `finish`, so that the first of them does not wait for ever.
const BATCH: usize = 4096;

impl<T: Send + 'static> Worker<T> {
    /// Moves `object` to a thread called `name`. At most `bound` jobs wait; whoever submits more waits for room.
    /// `finish` is called after each batch.
    ///
    /// # Errors
    /// The system's, if it gives no thread.
    pub fn start<F>(name: &str, object: T, bound: usize, finish: F) -> std::io::Result<Self>
    where
        F: FnMut(&mut T) + Send + 'static,
    {
        Self::begin(name, object, bound, finish, || ())
    }

    /// As [`Worker::start`], for work that nobody waits for: the thread takes what processor time others leave. Where the
    /// system does not lower the priority of one thread, it runs as any other.
    ///
    /// # Errors
    /// The system's, if it gives no thread.
    pub fn start_in_background<F>(name: &str, object: T, bound: usize, finish: F) -> std::io::Result<Self>
    where
        F: FnMut(&mut T) + Send + 'static,
    {
        Self::begin(name, object, bound, finish, step_back)
    }

    fn begin<F>(
        name: &str,
        object: T,
        bound: usize,
        finish: F,
        prepare: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<Self>
    where
        F: FnMut(&mut T) + Send + 'static,
    {
        let (queue, jobs) = mpsc::channel(bound.max(1));
        let crew = Crew { object, jobs, finish };
        #[cfg(feature = "sim")]
        if let Some(core) = crate::virtual_time::current() {
            drop(core.spawn(crew.run_virtually()));
            return Ok(Self { queue });
        }
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            prepare();
            crew.run();
        })?;
        Ok(Self { queue })
    }

    /// Queues a job; waits while the queue is full. Jobs of one caller run in the order in which it submitted them.
    ///
    /// # Errors
    /// [`Stopped`] if the worker has ended: the job is dropped, not run.
    pub async fn submit(&self, job: impl FnOnce(&mut T) + Send + 'static) -> Result<(), Stopped> {
        self.queue.send(Message::Run(Box::new(job))).await.map_err(|_| Stopped)
    }

    /// Runs `job` in its turn and waits for what it returns. The batch's `finish` may not have run by then.
    ///
    /// # Errors
    /// [`Stopped`] if the worker ended before the job ran.
    pub async fn call<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> Result<R, Stopped> {
        let (tx, rx) = oneshot::channel();
        let run = move |object: &mut T| {
            // The caller may have gone; then nobody wants the answer.
            let _ = tx.send(job(object));
        };
        self.submit(run).await?;
        rx.await.map_err(|_| Stopped)
    }

    /// Finishes what was queued before this call, drops the object and waits for that. Later jobs answer [`Stopped`].
    pub async fn stop(&self) {
        let (tx, rx) = oneshot::channel();
        if self.queue.send(Message::Stop(tx)).await.is_ok() {
            // An error means that the object is gone already: what we wait for.
            let _ = rx.await;
        }
    }
}

/// Lowers the priority of the calling thread. On Linux a niceness belongs to a thread, elsewhere to the process, which must not
/// lose by it.
#[cfg(target_os = "linux")]
fn step_back() {
    /// A thread of this niceness gets about a tenth of what a usual one gets, when both want to run.
    const BACKGROUND: i32 = 10;
    // A system that refuses it lets the work compete; it is done all the same.
    let _ = rustix::process::setpriority_process(None, BACKGROUND);
}

#[cfg(not(target_os = "linux"))]
fn step_back() {}

impl<T> Worker<T> {
    /// How many jobs wait.
    pub fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }
}

impl<T> Clone for Worker<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

impl<T> fmt::Debug for Worker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("waiting", &self.waiting()).finish()
    }
}

/// The worker has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the worker has stopped")
    }
}

impl std::error::Error for Stopped {}

/// What lives on the thread.
struct Crew<T, F> {
    object: T,
    jobs: mpsc::Receiver<Message<T>>,
    finish: F,
}

impl<T: Send + 'static, F: FnMut(&mut T) + Send + 'static> Crew<T, F> {
    fn run(mut self) {
        while let Some(first) = self.jobs.blocking_recv() {
            let stop = self.run_batch(first);
            (self.finish)(&mut self.object);
            if let Some(told) = stop {
                return self.end(told);
            }
        }
    }

    #[cfg(feature = "sim")]
    async fn run_virtually(mut self) {
        while let Some(first) = self.jobs.recv().await {
            crate::virtual_time::disk_delay().await;
            let stop = self.run_batch(first);
            crate::virtual_time::disk_delay().await;
            (self.finish)(&mut self.object);
            if let Some(told) = stop {
                return self.end(told);
            }
        }
    }

    /// Runs `first` and what waits behind it, up to a stop.
    fn run_batch(&mut self, first: Message<T>) -> Option<oneshot::Sender<()>> {
        let mut next = Some(first);
        let mut left = BATCH;
        while let Some(message) = next {
            match message {
                Message::Run(job) => job(&mut self.object),
                Message::Stop(told) => return Some(told),
            }
            left -= 1;
            next = if left > 0 { self.jobs.try_recv().ok() } else { None };
        }
        None
    }

    fn end(self, told: oneshot::Sender<()>) {
        let Self { object, jobs, finish } = self;
        drop((jobs, finish, object));
        let _ = told.send(());
    }
}
