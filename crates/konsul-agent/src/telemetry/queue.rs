//! Where spans wait to be sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use konsul_runtime::sync::Notify;
use konsul_runtime::sync::mpsc::{Receiver, Sender, channel};
use konsul_runtime::trace::{Ended, SpanSink};

/// Spans that may wait.
pub(super) const MOST: usize = 4096;

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Queue {
    spans: Sender<Ended>,
    pub(super) closing: Notify,
    pub(super) exported: AtomicU64,
    pub(super) failed: AtomicU64,
    dropped: AtomicU64,
}

impl Queue {
    pub(super) fn new() -> (Arc<Queue>, Receiver<Ended>) {
        let (spans, waiting) = channel(MOST);
        let [exported, failed, dropped] = [0; 3].map(AtomicU64::new);
        (Arc::new(Queue { spans, closing: Notify::new(), exported, failed, dropped }), waiting)
    }

    /// What became of spans: sent, not sent, not even queued.
    pub(super) fn counts(&self) -> [u64; 3] {
        [&self.exported, &self.failed, &self.dropped].map(|count| count.load(Ordering::Relaxed))
    }

    pub(super) fn waiting(&self) -> usize {
        self.spans.max_capacity() - self.spans.capacity()
    }

    /// Tells the sender to send what waits, and to end.
    pub(super) fn close(&self) {
        self.closing.notify_one();
    }
}

impl SpanSink for Queue {
    fn take(&self, span: Ended) {
        if self.spans.try_send(span).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}
