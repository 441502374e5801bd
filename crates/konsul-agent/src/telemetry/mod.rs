//! Traces on their way out: from the spans that rooms hand in to a collector that speaks OTLP.
//!
//! # The life of a span
//!
//! ```text
//! 1 a recorded request's span ends in some room, on some thread (konsul_runtime::trace)
//! 2 it waits in a bounded queue ([`queue`]); one for which there is no room is dropped and counted
//! 3 a task takes up to 512 of them, or what came within a second, and turns them into OpenTelemetry's ([`convert`])
//! 4 the batch is sent over HTTP or gRPC, within a time-out; one that fails is counted and said, not tried for ever
//! ```
//!
//! Which requests are recorded is decided before anything is built, by the caller's `traceparent` or by chance
//! ([`konsul_runtime::trace::Tracer`]). Nothing is traced unless an endpoint is configured ([`Settings`]).
//!
//! # One sync, many writes
//!
//! Writes that wait for the log share one append, one sync and one apply. The work is measured once; each recorded write of
//! the batch gets spans of its own with those times, with the batch's first position and size as attributes. So each trace
//! is whole by itself, and two writes that shared a sync are found by the same `log.batch.first`.

mod convert;
mod export;
mod queue;
mod settings;

use std::sync::Arc;

use konsul_runtime::time::{Duration, timeout};
use konsul_runtime::trace::Tracer;
use konsul_runtime::{JoinHandle, spawn};

pub(crate) use settings::{Identity, Settings};

use crate::AgentError;
use crate::figures::{Figure, table};
use crate::health::Line;
use export::Exporter;
use queue::Queue;

/// Traces of this agent.
#[derive(Debug, Clone)]
pub(crate) struct Tracing {
    queue: Arc<Queue>,
}

/// The task that sends.
#[derive(Debug)]
pub(crate) struct Sending {
    queue: Arc<Queue>,
    task: JoinHandle<()>,
}

impl Tracing {
    /// Begins to send, inside the calling runtime. Answers who decides, who tells figures, and who sends.
    ///
    /// # Errors
    /// What of the settings cannot be used. A collector that does not answer is no error.
    pub(crate) fn start(settings: &Settings, health: Line) -> Result<(Tracer, Tracing, Sending), AgentError> {
        let (queue, waiting) = Queue::new();
        let exporter = Exporter::new(settings, health)?;
        let tracer = Tracer::new(queue.clone(), settings.ratio);
        let task = spawn(exporter.run(Arc::clone(&queue), waiting));
        let sending = Sending { queue: Arc::clone(&queue), task };
        Ok((tracer, Tracing { queue }, sending))
    }

    pub(crate) fn figures(&self) -> [Figure; 2] {
        let [exported, failed, dropped] = self.queue.counts();
        let results = [("exported", exported), ("failed", failed), ("dropped", dropped)];
        let results = results.map(|(result, count)| ([result.to_owned()], count as f64));
        [table::SPANS.each(results), table::SPANS_WAITING.count(self.queue.waiting() as u64)]
    }
}

impl Sending {
    /// Sends what waits, for so long at most, and ends.
    pub(crate) async fn stop(self, within: Duration) {
        self.queue.close();
        if timeout(within, self.task).await.is_err() {
            tracing::warn!("the last traces were not sent in time");
        }
    }
}
