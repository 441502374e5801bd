//! Where nodes stand by round-trip times.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a node stands. Distances between coordinates are round-trip times in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Coordinate {
    /// The node.
    pub node: String,
    /// The segment of the network; empty for the default one.
    pub segment: String,
    /// The place in the plane part, in seconds.
    pub vec: Vec<f64>,
    /// Confidence: lower is better.
    pub error: f64,
    /// An offset in seconds from further measurements.
    pub adjustment: f64,
    /// The access link's part in seconds.
    pub height: f64,
    /// The index at which it last changed.
    pub modify_index: u64,
}

/// A page of coordinates, by node and segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CoordinatePage {
    /// The items, in order.
    pub items: Vec<Coordinate>,
    /// What to send as `cursor` for the next page; `null` on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
    /// The index of the answer.
    pub index: u64,
}

/// The estimated round-trip time between two nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Distance {
    /// One node.
    pub from: String,
    /// The other.
    pub to: String,
    /// The time in seconds; absent where the two have no coordinates that can be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rtt_seconds: Option<f64>,
    /// The nodes of the two that have no coordinate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// The index of the answer.
    pub index: u64,
}
