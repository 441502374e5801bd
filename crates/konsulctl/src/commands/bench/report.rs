//! What was measured.

use std::rc::Rc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use konsul_client::Error;
use serde::Serialize;

use crate::output::{Column, Row};

/// The slowest call that is told apart from slower ones.
const SLOWEST: u64 = 600_000_000;

/// What was measured so far, or in all. Latencies are in microseconds.
#[derive(Clone)]
pub(crate) struct Report {
    begun: Instant,
    pub(crate) elapsed: Duration,
    latencies: Histogram<u64>,
    operations: u64,
    pub(crate) calls: u64,
    pub(crate) failed: u64,
    pub(crate) failure: Option<Rc<Error>>,
}

impl Report {
    pub(crate) fn new() -> Report {
        Report {
            begun: Instant::now(),
            elapsed: Duration::ZERO,
            latencies: Histogram::new_with_bounds(1, SLOWEST, 3).expect("the bounds are in order"),
            operations: 0,
            calls: 0,
            failed: 0,
            failure: None,
        }
    }

    pub(crate) fn succeeded(&mut self, took: Duration, operations: u64) {
        self.latencies.saturating_record(u64::try_from(took.as_micros()).unwrap_or(SLOWEST).max(1));
        self.operations += operations;
        self.calls += 1;
    }

    pub(crate) fn failed(&mut self, error: Error) {
        self.calls += 1;
        self.failed += 1;
        self.failure.get_or_insert_with(|| Rc::new(error));
    }

    pub(crate) fn end(&mut self) {
        self.elapsed = self.begun.elapsed();
    }

    fn rate(&self) -> f64 {
        self.operations as f64 / self.elapsed.as_secs_f64().max(0.001)
    }

    fn at(&self, quantile: f64) -> f64 {
        self.latencies.value_at_quantile(quantile) as f64 / 1000.0
    }

    /// The line of the live display.
    pub(crate) fn line(&mut self) -> String {
        self.end();
        let errors = if self.failed > 0 { format!(" {} failed", self.failed) } else { String::new() };
        format!("{:.0}/s p50 {} p99 {}{errors}", self.rate(), millis(self.at(0.5)), millis(self.at(0.99)))
    }

    pub(crate) fn summary(&self, operation: &'static str, clients: u32) -> Summary {
        Summary {
            operation,
            clients,
            seconds: self.elapsed.as_secs_f64(),
            operations: self.operations,
            per_second: self.rate(),
            failed: self.failed,
            latency_ms: Latency {
                min: self.latencies.min() as f64 / 1000.0,
                p50: self.at(0.5),
                p90: self.at(0.9),
                p99: self.at(0.99),
                p999: self.at(0.999),
                max: self.latencies.max() as f64 / 1000.0,
            },
        }
    }

    /// The latencies as bars: buckets that double, from the fastest call to the slowest.
    pub(crate) fn histogram(&self, columns: usize) -> Vec<String> {
        let counts: Vec<(u64, u64)> = self
            .latencies
            .iter_log(1, 2.0)
            .map(|step| (step.value_iterated_to() + 1, step.count_since_last_iteration()))
            .collect();
        let first = counts.iter().position(|(_, count)| *count > 0).unwrap_or(0);
        let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
        let room = columns.saturating_sub(20).clamp(4, 60);
        counts[first.min(counts.len())..]
            .iter()
            .map(|(below, count)| {
                let length = (*count as f64 / most as f64 * room as f64).ceil() as usize;
                let bar = "█".repeat(length);
                format!("< {:>8}  {count:>6} {bar}", millis(*below as f64 / 1000.0))
            })
            .collect()
    }
}

/// Milliseconds with the digits that matter.
fn millis(ms: f64) -> String {
    if ms < 10.0 {
        format!("{ms:.2}ms")
    } else if ms < 1000.0 {
        format!("{ms:.0}ms")
    } else {
        format!("{:.1}s", ms / 1000.0)
    }
}

/// The figures.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    operation: &'static str,
    clients: u32,
    seconds: f64,
    operations: u64,
    per_second: f64,
    failed: u64,
    latency_ms: Latency,
}

#[derive(Debug, Serialize)]
struct Latency {
    min: f64,
    p50: f64,
    p90: f64,
    p99: f64,
    p999: f64,
    max: f64,
}

impl Row for Summary {
    const COLUMNS: &'static [Column] = &[
        Column::text("OPERATION", 9),
        Column::number("CLIENTS", 5),
        Column::text("TIME", 5),
        Column::number("OPERATIONS", 7),
        Column::number("PER SECOND", 9),
        Column::number("FAILED", 8),
        Column::number("MIN", 4),
        Column::number("P50", 7),
        Column::number("P90", 5),
        Column::number("P99", 7),
        Column::number("P99.9", 4),
        Column::number("MAX", 4),
    ];

    fn cells(&self) -> Vec<String> {
        let Latency { min, p50, p90, p99, p999, max } = self.latency_ms;
        let mut cells = vec![
            self.operation.to_owned(),
            self.clients.to_string(),
            format!("{:.1}s", self.seconds),
            self.operations.to_string(),
            format!("{:.0}", self.per_second),
            self.failed.to_string(),
        ];
        cells.extend([min, p50, p90, p99, p999, max].map(millis));
        cells
    }
}
