//! The agent's figures: what is counted, what is read when somebody asks, and the two forms in which it is told.
//!
//! Requests are counted as they end ([`requests`]). Everything else (log, disk, feed, state, process) is read from where
//! it lives at the moment of the question ([`Sources::gauges`]), so that no figure can lag behind what it describes. The
//! same list becomes Prometheus' text ([`prometheus`]) and Consul's JSON ([`consul_json`]).
//!
//! Labels are operation ids, status classes and namespaces: nothing that a client can make up without bound.

pub(crate) mod consul_json;
pub(crate) mod prometheus;
pub(crate) mod requests;
mod sources;

pub(crate) use requests::Requests;
pub(crate) use sources::Sources;

/// What kind of number a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As of now.
    Gauge,
    /// Since the start; only rises.
    Counter,
}

/// A value with the labels that tell it from others of its name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) labels: Vec<(&'static str, String)>,
    pub(crate) value: f64,
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
}

impl Figure {
    pub(crate) fn gauge(name: &'static str, help: &'static str, value: f64) -> Figure {
        Figure::of(Kind::Gauge, name, help, vec![Sample { labels: Vec::new(), value }])
    }

    pub(crate) fn counter(name: &'static str, help: &'static str, value: f64) -> Figure {
        Figure::of(Kind::Counter, name, help, vec![Sample { labels: Vec::new(), value }])
    }

    pub(crate) fn of(kind: Kind, name: &'static str, help: &'static str, samples: Vec<Sample>) -> Figure {
        Figure { name, consul: None, help, kind, samples }
    }

    /// The same under the name that Consul's readers know.
    #[must_use]
    pub(crate) fn known_as(mut self, consul: &'static str) -> Figure {
        self.consul = Some(consul);
        self
    }
}
