//! The order in which services can be started.

use super::graph::{Edge, Graph, Steps};

/// Services in layers: each one needs only such as stand in layers before its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartOrder {
    /// Layers, the first one first. A layer is a list of groups, by name. A group is one service, or those that require each
    /// other in a circle, which can only be started together.
    pub layers: Vec<Vec<Vec<usize>>>,
    /// Optional needs that are not waited for, because waiting would close a circle: who needs, and what.
    pub not_waited_for: Vec<(usize, usize)>,
}

impl Graph {
    /// The order of starting. An optional dependency is waited for too, unless it lies on a cycle.
    pub fn start_order(&self) -> StartOrder {
        self.start_order_counted(&mut 0)
    }

    pub(super) fn start_order_counted(&self, steps: &mut Steps) -> StartOrder {
        let mut knot_of = vec![None; self.len()];
        for (knot, members) in self.knots_over(|_, _| true, steps).iter().enumerate() {
            for &member in members {
                knot_of[member] = Some(knot);
            }
        }
        let circular =
            |from: usize, edge: &Edge| knot_of[from].is_some() && knot_of[from] == knot_of[edge.to];
        let waits = |from: usize, edge: &Edge| edge.required || !circular(from, edge);
        let parts = self.parts(waits, steps);
        StartOrder { layers: self.layered(parts, waits, steps), not_waited_for: self.edges_not(waits) }
    }

    /// Parts come after what they need, so one pass gives each its layer: one above the highest that it waits for.
    fn layered(
        &self,
        parts: Vec<Vec<usize>>,
        waits: impl Fn(usize, &Edge) -> bool,
        steps: &mut Steps,
    ) -> Vec<Vec<Vec<usize>>> {
        let mut layer_of: Vec<Option<usize>> = vec![None; self.len()];
        let mut layers: Vec<Vec<Vec<usize>>> = Vec::new();
        for part in parts {
            let mut layer = 0;
            for &member in &part {
                *steps += 1 + self.needs(member).len() as u64;
                let waited = self.needs(member).iter().filter(|edge| waits(member, edge));
                let above = waited.filter_map(|edge| layer_of[edge.to]).map(|below| below + 1);
                layer = above.fold(layer, usize::max);
            }
            for &member in &part {
                layer_of[member] = Some(layer);
            }
            layers.resize_with(layers.len().max(layer + 1), Vec::new);
            layers[layer].push(part);
        }
        for layer in &mut layers {
            layer.sort_unstable();
        }
        layers
    }

    fn edges_not(&self, waits: impl Fn(usize, &Edge) -> bool) -> Vec<(usize, usize)> {
        let all = (0..self.len()).flat_map(|from| self.needs(from).iter().map(move |edge| (from, edge)));
        // Who needs itself waits for nobody.
        all.filter(|(from, edge)| !waits(*from, edge) && edge.to != *from)
            .map(|(from, edge)| (from, edge.to))
            .collect()
    }
}
