//! The one place that decides in which order a caller should try the instances of a service.
//!
//! What it is not: it does not look up instances, does not filter them by tag or permission, and knows no clock and no
//! socket. Chance comes in as a function that yields 64 random bits, so that a seed gives the same order again. It keeps
//! nothing: what must be remembered between two questions ([`Counters`]) is held by the caller.
//!
//! # The life of an order
//!
//! 1. The caller makes a [`Candidate`] of each instance, **in a stable order** (the catalogue's), critical ones included:
//!    they never are in the answer, but a zone's share is measured against them.
//! 2. It makes an [`Ask`]: the [`Strategy`] (the caller's wish, else what the service advises: [`Strategy::inherited`]),
//!    a key to hash, a turn, where the caller stands.
//! 3. [`order`] answers indices into the candidates, best first. The first is the choice; the rest is for retries.
//!
//! # What holds for every strategy
//!
//! - A critical instance is never in the order, every other one is exactly once.
//! - An instance whose weight is zero now (a warning weight of zero) is drained: it stands behind all others.
//! - Without ties that chance has to break, equal input gives equal output.
//!
//! # Which strategy promises what
//!
//! | strategy | the first of the order |
//! | --- | --- |
//! | `random` | each with probability 1/n |
//! | `round_robin` | by turn: any n turns in a row give each once |
//! | `weighted` | each with probability weight / sum of weights; the rest likewise among those left |
//! | `smooth_weighted` | by turn: a period of turns gives each exactly its weight, spread evenly in between |
//! | `least_connections`, `least_load` | the better of two drawn at random, by figure per weight (power of two choices) |
//! | `nearest` | the smallest round trip; unknown last |
//! | `consistent_hash` | by key: weighted rendezvous; who leaves moves its own keys and no others |
//! | `zone_aware` | own zone, while enough of it is healthy; what it cannot carry spills to the region, then elsewhere |

mod chance;
mod counters;
mod hashing;
mod least;
mod strategy;
#[cfg(test)]
mod tests;
mod turns;
mod zones;

use konsul_types::{CheckStatus, Service, Weights};

pub use chance::{Seeded, below, shuffle};
pub use counters::{COUNTED_MAX, Counters};
pub use hashing::stable_hash;
pub use strategy::{Strategy, UnknownStrategy};
pub use zones::{Level, SPILL_BELOW_PERCENT, Shares, shares};

/// An instance that may be chosen, by what the decision needs of it.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Its node. Together with `id` what consistent hashing knows it by.
    pub node: &'a str,
    /// Its id on the node.
    pub id: &'a str,
    /// The worst of its checks and its node's.
    pub status: CheckStatus,
    /// Its weights; which one counts follows from the status.
    pub weights: Weights,
    /// Its region; empty if unknown.
    pub region: &'a str,
    /// Its zone within the region; empty if unknown.
    pub zone: &'a str,
    /// Round-trip time from the caller in seconds, if known.
    pub distance: Option<f64>,
    /// Connections that it reports, if it does.
    pub connections: Option<f64>,
    /// Load that it reports, in a unit that its siblings share, if it does.
    pub load: Option<f64>,
}

impl<'a> Candidate<'a> {
    /// Of an instance in the catalogue, with the worst status among its checks and its node's. Distance and reported
    /// figures are unknown until they are set.
    pub fn of(service: &'a Service, status: CheckStatus) -> Candidate<'a> {
        let (region, zone) =
            service.locality.as_ref().map_or(("", ""), |place| (place.region.as_str(), place.zone.as_str()));
        Candidate {
            node: service.node.as_str(),
            id: service.id.as_str(),
            status,
            weights: service.weights,
            region,
            zone,
            distance: None,
            connections: None,
            load: None,
        }
    }

    /// Its weight now: that of its status, zero if critical.
    pub fn weight(&self) -> u64 {
        u64::from(match self.status {
            CheckStatus::Passing => self.weights.passing,
            CheckStatus::Warning => self.weights.warning,
            CheckStatus::Critical => 0,
        })
    }

    /// The weight that it has when all is well.
    pub fn full_weight(&self) -> u64 {
        u64::from(self.weights.passing)
    }

    /// Its weight among its equals: drained ones are compared among themselves, where each counts the same.
    fn weight_among(&self) -> u64 {
        self.weight().max(1)
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ask<'a> {
    /// How to choose.
    pub strategy: Strategy,
    /// What consistent hashing hashes. Without one the key is drawn, and the strategy is as good as `weighted`.
    pub key: Option<&'a [u8]>,
    /// The turn, for strategies that [take turns](Strategy::takes_turns): a counter that goes up by one each time.
    pub turn: u64,
    /// The caller's region; empty if unknown.
    pub region: &'a str,
    /// The caller's zone; empty if unknown.
    pub zone: &'a str,
    /// Percentage of a zone's weight that must be healthy for it to keep all of its traffic, 1 to 100;
    /// zero for [`SPILL_BELOW_PERCENT`].
    pub spill_below_percent: u8,
}

impl<'a> Ask<'a> {
    /// By a strategy, with nothing else known.
    pub fn by(strategy: Strategy) -> Ask<'a> {
        Ask { strategy, ..Ask::default() }
    }
}

/// The candidates that are not critical, as indices, in the order in which they should be tried.
pub fn order(candidates: &[Candidate<'_>], ask: &Ask<'_>, chance: &mut dyn FnMut() -> u64) -> Vec<usize> {
    let usable = |&at: &usize| candidates[at].status != CheckStatus::Critical;
    let (live, drained): (Vec<usize>, Vec<usize>) =
        (0..candidates.len()).filter(usable).partition(|&at| candidates[at].weight() > 0);
    let mut order = arrange(candidates, live, ask, chance);
    if !drained.is_empty() {
        order.extend(arrange(candidates, drained, ask, chance));
    }
    order
}

fn arrange(
    candidates: &[Candidate<'_>],
    mut among: Vec<usize>,
    ask: &Ask<'_>,
    chance: &mut dyn FnMut() -> u64,
) -> Vec<usize> {
    match ask.strategy {
        Strategy::Random => {
            shuffle(&mut among, chance);
            among
        }
        Strategy::RoundRobin => turns::rotated(among, ask.turn),
        Strategy::Weighted => weighted(candidates, among, chance),
        Strategy::SmoothWeighted => turns::smooth(candidates, among, ask.turn, chance),
        Strategy::LeastConnections => least::of_two(candidates, among, |c| c.connections, chance),
        Strategy::LeastLoad => least::of_two(candidates, among, |c| c.load, chance),
        Strategy::Nearest => nearest(candidates, among, chance),
        Strategy::ConsistentHash => hashing::by_key(candidates, among, ask.key, chance),
        Strategy::ZoneAware => zones::own_first(candidates, among, ask, chance),
    }
}

/// Drawn without putting back, each draw by weight (Efraimidis and Spirakis, 2006: sort by an exponential time each).
fn weighted(candidates: &[Candidate<'_>], among: Vec<usize>, chance: &mut dyn FnMut() -> u64) -> Vec<usize> {
    by_arrival(among, |at| chance::exponential(chance()) / candidates[at].weight_among() as f64)
}

/// Sorts by a number computed once for each, the smallest first.
fn by_arrival(among: Vec<usize>, mut time: impl FnMut(usize) -> f64) -> Vec<usize> {
    let mut timed: Vec<(f64, usize)> = among.into_iter().map(|at| (time(at), at)).collect();
    timed.sort_by(|a, b| a.0.total_cmp(&b.0));
    timed.into_iter().map(|(_, at)| at).collect()
}

/// By distance; shuffled before, so that equal and unknown ones share the traffic. A distance that is no finite,
/// non-negative number is unknown.
fn nearest(
    candidates: &[Candidate<'_>],
    mut among: Vec<usize>,
    chance: &mut dyn FnMut() -> u64,
) -> Vec<usize> {
    shuffle(&mut among, chance);
    let known = |distance: f64| distance.is_finite() && distance >= 0.0;
    by_arrival(among, |at| candidates[at].distance.filter(|&d| known(d)).unwrap_or(f64::INFINITY))
}
