//! The agent's figures: what is counted, what is read when somebody asks, and the forms in which it is told.
//!
//! Every metric is declared in one [`table`]. Requests are counted as they come and go ([`requests`]). Everything else (log,
//! disk, feed, state, process) is read from where it lives at the moment of the question ([`Sources::read`]), so that no
//! figure can lag behind what it describes. The same list becomes Prometheus' text and OpenMetrics' ([`prometheus`]), and
//! Consul's JSON ([`consul_json`]). The main ones are also kept for an hour ([`history`]).

pub(crate) mod consul_json;
mod discovery;
pub(crate) mod history;
#[cfg(test)]
mod moves;
pub(crate) mod page;
pub(crate) mod prometheus;
pub(crate) mod requests;
mod sources;
pub(crate) mod table;

use konsul_runtime::measure::Distribution;

pub(crate) use history::History;
pub(crate) use requests::Requests;
pub(crate) use sources::Sources;

/// What kind of number a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As of now.
    Gauge,
    /// Since the start; only rises.
    Counter,
    /// A distribution since the start.
    Histogram,
}

/// A value with the labels that tell it from others of its name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) labels: Vec<(&'static str, String)>,
    pub(crate) value: f64,
}

/// A distribution with its labels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shape {
    pub(crate) labels: Vec<(&'static str, String)>,
    /// Upper bounds, the last one without bound, and how many values are in each bucket, those below it not counted in.
    pub(crate) buckets: Vec<(f64, u64)>,
    pub(crate) sum: f64,
}

impl Shape {
    /// One that was measured in units of which `per` make one of those that are told.
    pub(crate) fn of(read: &Distribution, per: f64) -> Shape {
        let bounds = read.bounds.iter().map(|bound| *bound as f64 / per).chain([f64::INFINITY]);
        let buckets = bounds.zip(read.counts.iter().copied()).collect();
        Shape { labels: Vec::new(), buckets, sum: read.sum as f64 / per }
    }

    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }
}

/// Samples of one name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figure {
    /// Prometheus' name; a counter's without its `_total`.
    pub(crate) name: &'static str,
    /// Consul's name without its prefix, where Consul's readers know one.
    pub(crate) consul: Option<&'static str>,
    pub(crate) help: &'static str,
    pub(crate) kind: Kind,
    pub(crate) samples: Vec<Sample>,
    pub(crate) shapes: Vec<Shape>,
}
