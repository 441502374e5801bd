//! The main figures over the last hour, kept by the agent itself: a look back without a Prometheus.
//!
//! Every ten seconds one row is taken from the same figures that `/metrics` tells. Counters become rates over the step. The
//! ring is of fixed size, whatever happens.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use konsul_operations::ports::{HistorySeries, MetricsHistory};
use konsul_runtime::time::{Duration, Instant, now, wall_ms};

use super::table::{self, Metric};
use super::{Figure, Shape};

/// From one row to the next.
pub(crate) const STEP: Duration = Duration::from_secs(10);

/// Rows kept: an hour.
pub(crate) const ROWS: usize = 360;

/// How a series comes from a figure.
#[derive(Debug, Clone, Copy)]
enum Take {
    /// The sum of its samples.
    Now,
    /// How much the sum rose in a second.
    Rate,
    /// The same of the samples that have this label.
    RateWith(&'static str, &'static str),
    /// How many values of the distribution came in a second.
    Arrivals,
    /// Under which value this part of the step's values lies, of the distribution, in seconds.
    Quantile(f64),
}

struct Series {
    name: &'static str,
    unit: &'static str,
    help: &'static str,
    metric: &'static Metric,
    take: Take,
}

macro_rules! series {
    ($($name:ident $unit:literal $metric:ident $take:expr, $help:literal;)*) => {
        const SERIES: &[Series] = &[$(Series {
            name: stringify!($name), unit: $unit, help: $help, metric: &table::$metric, take: $take,
        }),*];
    };
}

use Take::{Arrivals, Now, Quantile, Rate, RateWith};

series! {
    requests "requests per second" HTTP_REQUESTS Rate, "Answers of the HTTP API";
    errors "requests per second" HTTP_REQUESTS RateWith("status", "5xx"), "Answers that say the server failed";
    latency_p50 "seconds" HTTP_DURATION Quantile(0.5), "Half of the answers took less, waiting included";
    latency_p99 "seconds" HTTP_DURATION Quantile(0.99), "All but one in a hundred took less, waiting included";
    in_flight "requests" HTTP_IN_FLIGHT Now, "Requests whose answer has not begun";
    connections "connections" HTTP_CONNECTIONS Now, "Open HTTP connections";
    keys "keys" KV_KEYS Now, "Keys of all namespaces";
    key_bytes "bytes" KV_BYTES Now, "Bytes of keys and values";
    sessions "sessions" SESSIONS Now, "Live sessions";
    entries "entries per second" APPLIED Rate, "Entries of the log that were applied";
    syncs "syncs per second" SYNC Arrivals, "Syncs of the log";
    sync_p99 "seconds" SYNC Quantile(0.99), "All but one in a hundred syncs of the log took less";
    apply_lag "entries" LAG Now, "Entries in the log that are not applied yet";
    log_bytes "bytes" LOG_BYTES Now, "Bytes of the log's files";
    parked_readers "readers" FEED_PARKED Now, "Blocking queries that wait";
    subscribers "subscribers" FEED_SUBSCRIBERS Now, "Subscribers of the change feed";
    cpu "cores" CPU Rate, "Processor time";
    memory "bytes" RSS Now, "Resident memory";
    open_fds "descriptors" OPEN_FDS Now, "Open descriptors";
    ready "0 or 1" READY Now, "Whether the agent serves";
}

/// The figures that one row is made of, as they were told.
#[derive(Debug, Default)]
struct Seen {
    at: Instant,
    values: Vec<(f64, Vec<(f64, u64)>)>,
}

/// See the module's head.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<Ring>);

#[derive(Debug, Default)]
struct Ring {
    rows: VecDeque<Vec<Option<f64>>>,
    until_ms: u64,
    before: Option<Seen>,
}

impl History {
    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a row from what is told now.
    pub(crate) fn take(&self, figures: &[Figure]) {
        self.take_at(figures, now(), wall_ms());
    }

    fn take_at(&self, figures: &[Figure], at: Instant, wall_ms: u64) {
        let seen = Seen { at, values: SERIES.iter().map(|series| series.see(figures)).collect() };
        let mut ring = self.lock();
        let row = SERIES.iter().enumerate().map(|(place, series)| {
            let before = ring.before.as_ref().map(|before| (&before.values[place], at - before.at));
            series.value(&seen.values[place], before)
        });
        let row = row.collect();
        if ring.rows.len() == ROWS {
            ring.rows.pop_front();
        }
        ring.rows.push_back(row);
        ring.until_ms = wall_ms;
        ring.before = Some(seen);
    }

    /// Everything that is kept.
    pub(crate) fn read(&self) -> MetricsHistory {
        let ring = self.lock();
        let series = SERIES.iter().enumerate().map(|(place, series)| HistorySeries {
            name: series.name,
            unit: series.unit,
            help: series.help,
            values: ring.rows.iter().map(|row| row[place]).collect(),
        });
        MetricsHistory {
            step_ms: u64::try_from(STEP.as_millis()).unwrap_or(u64::MAX),
            until_ms: ring.until_ms,
            series: series.collect(),
        }
    }
}

type Value = (f64, Vec<(f64, u64)>);

impl Series {
    /// The sum of the figure's samples, and of its distributions.
    fn see(&self, figures: &[Figure]) -> Value {
        let Some(figure) = figures.iter().find(|figure| figure.name == self.metric.name) else {
            return (0.0, Vec::new());
        };
        let wanted = |labels: &[(&'static str, String)]| match self.take {
            RateWith(label, value) => labels.iter().any(|(name, found)| *name == label && found == value),
            _ => true,
        };
        let samples = figure.samples.iter().filter(|sample| wanted(&sample.labels));
        (samples.map(|sample| sample.value).sum(), add(&figure.shapes))
    }

    fn value(&self, seen: &Value, before: Option<(&Value, Duration)>) -> Option<f64> {
        if let Now = self.take {
            return Some(seen.0);
        }
        let (before, passed) = before?;
        let seconds = passed.as_secs_f64();
        if seconds <= 0.0 {
            return None;
        }
        let arrived = || risen(&seen.1, &before.1);
        match self.take {
            Now => Some(seen.0),
            Rate | RateWith(..) => Some((seen.0 - before.0).max(0.0) / seconds),
            Arrivals => Some(arrived().iter().map(|(_, count)| *count as f64).sum::<f64>() / seconds),
            Quantile(part) => quantile(&arrived(), part),
        }
    }
}

/// Distributions of the same bounds as one.
fn add(shapes: &[Shape]) -> Vec<(f64, u64)> {
    let Some((first, rest)) = shapes.split_first() else {
        return Vec::new();
    };
    let mut sum = first.buckets.clone();
    for shape in rest {
        sum.iter_mut().zip(&shape.buckets).for_each(|(sum, more)| sum.1 += more.1);
    }
    sum
}

/// What came in addition. A distribution that is seen for the first time began at zero.
fn risen(now: &[(f64, u64)], before: &[(f64, u64)]) -> Vec<(f64, u64)> {
    let before = before.iter().map(|(_, count)| *count).chain(std::iter::repeat(0));
    now.iter().zip(before).map(|((bound, now), before)| (*bound, now.saturating_sub(before))).collect()
}

/// As Prometheus does it: within a bucket values are taken to lie evenly, and beyond the last bound nothing is known.
fn quantile(buckets: &[(f64, u64)], part: f64) -> Option<f64> {
    let total: u64 = buckets.iter().map(|(_, count)| count).sum();
    if total == 0 {
        return None;
    }
    let wanted = part * total as f64;
    let (mut below, mut lower) = (0.0, 0.0);
    for (bound, count) in buckets {
        let here = *count as f64;
        if below + here >= wanted && here > 0.0 {
            let upper = if bound.is_finite() { *bound } else { lower };
            return Some(lower + (upper - lower) * (wanted - below) / here);
        }
        below += here;
        lower = if bound.is_finite() { *bound } else { lower };
    }
    Some(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(requests: f64, failed: f64, buckets: [u64; 3]) -> Vec<Figure> {
        let bounds = [0.1, 1.0, f64::INFINITY];
        let sample = |status: &str, value| (["kv_put".to_owned(), status.to_owned()], value);
        let shape =
            Shape { labels: Vec::new(), buckets: bounds.into_iter().zip(buckets).collect(), sum: 0.0 };
        vec![
            table::HTTP_REQUESTS.each([sample("2xx", requests), sample("5xx", failed)]),
            table::HTTP_DURATION.shapes([(["kv_put".to_owned()], shape)]),
            table::KV_KEYS.each([(["a".to_owned()], 3.0), (["b".to_owned()], 4.0)]),
        ]
    }

    fn of<'a>(history: &'a MetricsHistory, name: &str) -> &'a [Option<f64>] {
        &history.series.iter().find(|series| series.name == name).unwrap().values
    }

    #[test]
    fn counters_become_rates_and_distributions_quantiles_of_their_step() {
        let history = History::default();
        let at = |seconds: u64| Instant::from_nanos(seconds * 1_000_000_000);
        history.take_at(&figures(100.0, 1.0, [100, 0, 0]), at(10), 10_000);
        history.take_at(&figures(150.0, 11.0, [150, 10, 0]), at(20), 20_000);
        history.take_at(&figures(150.0, 11.0, [150, 10, 0]), at(30), 30_000);
        let read = history.read();
        assert_eq!((read.step_ms, read.until_ms), (10_000, 30_000));
        assert_eq!(of(&read, "requests"), [None, Some(6.0), Some(0.0)]);
        assert_eq!(of(&read, "errors"), [None, Some(1.0), Some(0.0)]);
        assert_eq!(of(&read, "keys"), [Some(7.0); 3]);
        let half = of(&read, "latency_p50");
        assert_eq!((half[0], half[2]), (None, None));
        assert!((half[1].unwrap() - 0.06).abs() < 1e-9, "{half:?}");
        let tail = of(&read, "latency_p99")[1].unwrap();
        assert!((0.9..1.0).contains(&tail), "{tail}");
    }

    #[test]
    fn an_hour_is_kept_and_no_more() {
        let history = History::default();
        for row in 0..ROWS as u64 + 5 {
            history.take_at(
                &figures(row as f64, 0.0, [0; 3]),
                Instant::from_nanos(row * 10_000_000_000),
                row,
            );
        }
        let read = history.read();
        assert!(read.series.iter().all(|series| series.values.len() == ROWS));
        assert_eq!(read.until_ms, ROWS as u64 + 4);
    }

    #[test]
    fn a_quantile_beyond_the_last_bound_is_that_bound() {
        assert_eq!(quantile(&[(1.0, 0), (f64::INFINITY, 5)], 0.5), Some(1.0));
        assert_eq!(quantile(&[(1.0, 0)], 0.5), None);
    }
}
