//! Which instances a query answers with, and in which order.

use std::collections::BTreeMap;

use konsul_types::{Check, CheckStatus, Node, QueryService, Service};

use crate::balance::shuffle;

/// An instance with its node and all checks that count for it.
pub trait Candidate {
    /// The node that it runs on.
    fn node(&self) -> &Node;
    /// The instance.
    fn service(&self) -> &Service;
    /// Its own checks and its node's.
    fn checks(&self) -> impl Iterator<Item = &Check>;
    /// Whether whoever asks may see it.
    fn is_permitted(&self) -> bool;
}

/// A step that leaves instances out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Critical ones; with `OnlyPassing` all that do not pass.
    Health,
    /// Those whose node lacks a pair.
    NodeMeta,
    /// Those that lack a pair.
    ServiceMeta,
    /// Those that lack a tag, or have one that they must not.
    Tags,
    /// Those that whoever asks may not see.
    Permission,
    /// Those beyond the limit.
    Limit,
}

impl Step {
    /// `health`, `node_meta`, `service_meta`, `tags`, `permission` or `limit`.
    pub fn name(self) -> &'static str {
        match self {
            Step::Health => "health",
            Step::NodeMeta => "node_meta",
            Step::ServiceMeta => "service_meta",
            Step::Tags => "tags",
            Step::Permission => "permission",
            Step::Limit => "limit",
        }
    }
}

/// What is near.
#[derive(Clone, Copy)]
pub struct Nearness<'a> {
    /// The node that answers should be near to.
    pub node: &'a str,
    /// The round-trip time in seconds from it to a node; `None` if either has no coordinate.
    pub distance: &'a dyn Fn(&Node) -> Option<f64>,
}

impl std::fmt::Debug for Nearness<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nearness").field("node", &self.node).finish_non_exhaustive()
    }
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// Indices into the candidates, in the order of the answer.
    pub order: Vec<usize>,
    /// At which step each candidate that is not in the answer fell out.
    pub left_out: BTreeMap<usize, Step>,
}

/// How far from the front the near node is looked for.
const NEAR_DEPTH: usize = 10;

/// Takes a service's instances through Consul's steps. `limit` of zero is none.
///
/// The order is one of chance. With `near`, it is by round trip, unknown ones last in an order of chance (all of them, if
/// the near node has no coordinate); then, if the near node itself is among the first ten, it changes places with the
/// first one.
pub fn select<C: Candidate>(
    query: &QueryService,
    candidates: &[C],
    near: Option<Nearness<'_>>,
    limit: usize,
    chance: &mut dyn FnMut() -> u64,
) -> Selected {
    let mut left_out = BTreeMap::new();
    let mut order = Vec::with_capacity(candidates.len());
    for (at, candidate) in candidates.iter().enumerate() {
        match falls_out(query, candidate) {
            Some(step) => drop(left_out.insert(at, step)),
            None => order.push(at),
        }
    }
    shuffle(&mut order, chance);
    if let Some(near) = near {
        sort_near(&mut order, candidates, near);
    }
    if limit > 0 && order.len() > limit {
        left_out.extend(order.split_off(limit).into_iter().map(|at| (at, Step::Limit)));
    }
    Selected { order, left_out }
}

fn falls_out(query: &QueryService, candidate: &impl Candidate) -> Option<Step> {
    let node = candidate.node();
    let node_has = |(key, value): (&str, &str)| node.meta.get(key).is_some_and(|found| found == value);
    let steps: [(Step, &dyn Fn() -> bool); 5] = [
        (Step::Health, &|| is_healthy(query, candidate)),
        (Step::NodeMeta, &|| query.node_meta.iter().all(node_has)),
        (Step::ServiceMeta, &|| candidate.service().meta.contains_all(&query.service_meta)),
        (Step::Tags, &|| has_tags(query, candidate.service())),
        (Step::Permission, &|| candidate.is_permitted()),
    ];
    steps.into_iter().find(|(_, passes)| !passes()).map(|(step, _)| step)
}

fn is_healthy(query: &QueryService, candidate: &impl Candidate) -> bool {
    let counts = |check: &&Check| !query.ignore_check_ids.iter().any(|id| id == check.id.as_str());
    let fine = |check: &Check| match check.status {
        CheckStatus::Passing => true,
        CheckStatus::Warning => !query.only_passing,
        CheckStatus::Critical => false,
    };
    candidate.checks().filter(counts).all(fine)
}

fn has_tags(query: &QueryService, service: &Service) -> bool {
    query.tags.iter().all(|tag| match tag.strip_prefix('!') {
        Some(forbidden) => !service.tags.has(forbidden),
        None => service.tags.has(tag),
    })
}

fn sort_near<C: Candidate>(order: &mut [usize], candidates: &[C], near: Nearness<'_>) {
    let distance = |at: usize| {
        let known = (near.distance)(candidates[at].node()).filter(|distance| distance.is_finite());
        known.unwrap_or(f64::INFINITY)
    };
    let mut by_distance: Vec<(f64, usize)> = order.iter().map(|&at| (distance(at), at)).collect();
    by_distance.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (place, (_, at)) in order.iter_mut().zip(by_distance) {
        *place = at;
    }
    let is_near = |&at: &usize| candidates[at].node().name.as_str() == near.node;
    if let Some(found) = order.iter().take(NEAR_DEPTH).position(is_near) {
        order.swap(0, found);
    }
}
