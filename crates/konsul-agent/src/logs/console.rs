//! The console: a thread of its own writes, so that a reader who does not read stops nobody else.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread;

/// Lines that may wait to be written.
const QUEUE: usize = 8192;

enum Job {
    Line(String),
    Flush(SyncSender<()>),
}

pub(crate) struct Console {
    jobs: SyncSender<Job>,
    dropped: AtomicU64,
    waiting: Arc<AtomicU64>,
}

impl Console {
    pub(crate) fn start(mut out: Box<dyn Write + Send>) -> Console {
        let (jobs, queue) = sync_channel(QUEUE);
        let waiting = Arc::new(AtomicU64::new(0));
        let left = waiting.clone();
        let body = move || {
            for job in queue {
                match job {
                    // A log that cannot be written has nobody to complain to.
                    Job::Line(line) => {
                        left.fetch_sub(1, Ordering::Relaxed);
                        drop(out.write_all(line.as_bytes()));
                    }
                    Job::Flush(done) => {
                        let _ = out.flush();
                        let _ = done.send(());
                    }
                }
            }
        };
        // Without its thread the console drops every line and counts it.
        let _ = thread::Builder::new().name("log".into()).stack_size(128 * 1024).spawn(body);
        Console { jobs, dropped: AtomicU64::new(0), waiting }
    }

    pub(crate) fn write(&self, line: String) {
        // Before it is sent, so that the thread never counts below zero.
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.jobs.try_send(Job::Line(line))
        {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn flush(&self) {
        let (done, wait) = sync_channel(1);
        // A reader who does not read must not keep the process from ending either: the flush waits its turn only if
        // there is room for it.
        if self.jobs.try_send(Job::Flush(done)).is_ok() {
            let _ = wait.recv_timeout(std::time::Duration::from_secs(1));
        }
    }

    /// Lines that wait to be written.
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}
