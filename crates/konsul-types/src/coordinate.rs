//! Network coordinates: where a node stands by round-trip times.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{Index, NodeName};

/// A finite number, compared by its bits, so that records with it can be compared at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Real(u64);

impl Real {
    /// Of a number; infinities and what is no number become zero.
    pub fn new(number: f64) -> Real {
        Real(if number.is_finite() { number.to_bits() } else { 0 })
    }

    /// The number.
    pub fn get(self) -> f64 {
        f64::from_bits(self.0)
    }
}

/// Most dimensions of a coordinate.
pub const DIMENSIONS_MAX: usize = 64;

/// A coordinate, in seconds of round-trip time, as in Vivaldi (Dabek et al., 2004) with a height and an adjustment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coordinate {
    /// The place in the Euclidean part; Consul uses 8 dimensions.
    pub vec: Vec<Real>,
    /// Confidence: lower is better.
    pub error: Real,
    /// An offset in seconds from further measurements.
    pub adjustment: Real,
    /// The access link's part in seconds.
    pub height: Real,
}

impl Coordinate {
    /// The estimated round-trip time to another one in seconds; `None` if their dimensions differ.
    pub fn distance(&self, other: &Coordinate) -> Option<f64> {
        if self.vec.len() != other.vec.len() {
            return None;
        }
        let square = |(a, b): (&Real, &Real)| (a.get() - b.get()).powi(2);
        let plain = self.vec.iter().zip(&other.vec).map(square).sum::<f64>().sqrt();
        let raw = plain + self.height.get() + other.height.get();
        let adjusted = raw + self.adjustment.get() + other.adjustment.get();
        Some(if adjusted > 0.0 { adjusted } else { raw })
    }
}

/// The coordinate of a node in one segment of the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCoordinate {
    /// The node.
    pub node: NodeName,
    /// The segment; empty for the default one.
    pub segment: SmolStr,
    /// Where it stands.
    pub coordinate: Coordinate,
    /// Index of the entry that last changed it. Ignored in a command.
    pub modify_index: Index,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x: f64, height: f64, adjustment: f64) -> Coordinate {
        let [error, height, adjustment] = [1.5, height, adjustment].map(Real::new);
        Coordinate { vec: vec![Real::new(x), Real::new(0.0)], error, adjustment, height }
    }

    #[test]
    fn distance_is_plane_and_heights_and_adjusts_unless_that_makes_it_negative() {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(near(at(1.0, 0.1, 0.0).distance(&at(4.0, 0.2, 0.0)).unwrap(), 3.3));
        assert!(near(at(1.0, 0.0, 0.5).distance(&at(4.0, 0.0, 0.0)).unwrap(), 3.5));
        assert!(near(at(1.0, 0.0, -9.0).distance(&at(4.0, 0.0, 0.0)).unwrap(), 3.0));
        let other = Coordinate { vec: vec![], ..at(0.0, 0.0, 0.0) };
        assert_eq!(at(0.0, 0.0, 0.0).distance(&other), None);
        assert_eq!(Real::new(f64::NAN).get().to_bits(), 0);
    }
}
