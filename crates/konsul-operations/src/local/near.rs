//! Order by distance.

use std::net::IpAddr;

use konsul_state::State;
use konsul_types::{Coordinate, NodeCoordinate, NodeName};

use super::Inner;
use crate::arguments::Near;
use crate::ports::Replica;

/// Where a question is asked from: the coordinates of one node, one for each segment of the network.
pub(super) struct Place<'a> {
    state: &'a State,
    from: Vec<&'a NodeCoordinate>,
}

impl<'a> Place<'a> {
    /// The place of a node. Without coordinates everything is equally far from it.
    pub(super) fn of(state: &'a State, node: &NodeName) -> Place<'a> {
        let from = state.catalog().coordinates_of(node).map(|coordinate| &**coordinate).collect();
        Place { state, from }
    }

    /// Whether nothing is known of it.
    pub(super) fn is_unknown(&self) -> bool {
        self.from.is_empty()
    }

    /// The round-trip time to a node in seconds; `None` if it is not known.
    ///
    /// Coordinates are compared within one segment. It is the default one, unless one of the two nodes is in a single
    /// other one.
    pub(super) fn distance(&self, node: &NodeName) -> Option<f64> {
        if self.from.is_empty() {
            return None;
        }
        let to: Vec<&NodeCoordinate> =
            self.state.catalog().coordinates_of(node).map(|coordinate| &**coordinate).collect();
        let segment = match (self.from.as_slice(), to.as_slice()) {
            (_, [only]) | ([only], _) => only.segment.as_str(),
            _ => "",
        };
        within(&self.from, segment)?.distance(within(&to, segment)?)
    }

    /// Sorts by distance. Unknown ones come last, and equal ones keep their order.
    pub(super) fn sort<T>(&self, items: &mut [T], node: impl Fn(&T) -> &NodeName) {
        if !self.is_unknown() {
            items.sort_by_cached_key(|item| Distance(self.distance(node(item)).unwrap_or(f64::INFINITY)));
        }
    }
}

fn within<'a>(coordinates: &[&'a NodeCoordinate], segment: &str) -> Option<&'a Coordinate> {
    coordinates.iter().find(|found| found.segment == segment).map(|found| &found.coordinate)
}

/// A distance that can be sorted by.
#[derive(PartialEq)]
struct Distance(f64);

impl Eq for Distance {}

impl PartialOrd for Distance {
    fn partial_cmp(&self, other: &Distance) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Distance {
    fn cmp(&self, other: &Distance) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl<R: Replica> Inner<R> {
    /// The place that is meant; `None` if none is asked for, or no node has the client's address.
    pub(super) fn place<'a>(&self, state: &'a State, near: Option<&Near>) -> Option<Place<'a>> {
        let node = match near? {
            Near::Agent => self.agent.node_name(),
            Near::Node(name) => name.clone(),
            Near::Client(address) => node_at(state, *address)?,
        };
        Some(Place::of(state, &node))
    }

    /// Sorts by distance, if that is asked for.
    pub(super) fn sort_near<T>(
        &self,
        state: &State,
        near: Option<&Near>,
        items: &mut [T],
        node: impl Fn(&T) -> &NodeName,
    ) {
        if let Some(place) = self.place(state, near) {
            place.sort(items, node);
        }
    }
}

fn node_at(state: &State, address: IpAddr) -> Option<NodeName> {
    let address = address.to_canonical().to_string();
    state.catalog().nodes().find(|node| node.address == address).map(|node| node.name.clone())
}
