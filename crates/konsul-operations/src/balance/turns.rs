//! Strategies that follow a counter instead of chance.
//!
//! Both are functions of the turn alone: whoever holds a counter needs no other memory, two servers with counters of their
//! own are each fair, and a question can be answered again for its explanation.

use super::{Candidate, weighted};

/// Begins at the turn's place and goes around.
pub(super) fn rotated(mut among: Vec<usize>, turn: u64) -> Vec<usize> {
    if let Some(start) = place(turn, among.len() as u64) {
        among.rotate_left(start as usize);
    }
    among
}

fn place(turn: u64, period: u64) -> Option<u64> {
    turn.checked_rem(period)
}

/// The turn chooses the first by weight; the rest is drawn by weight, so that what a failed instance cannot take is spread
/// over all instead of falling to its neighbour.
///
/// Let W be the sum of the weights, divided by what they have in common. The instances lie beside each other on a circle of
/// W places, each as long as its weight. The turn t stands on place `t * step mod W`, where the step is the number nearest
/// to W divided by the golden ratio that shares no divisor with W. So W turns in a row visit every place once: the counts
/// are exact over a period. In between the golden ratio keeps consecutive turns far apart and the counts near their share.
pub(super) fn smooth(
    candidates: &[Candidate<'_>],
    among: Vec<usize>,
    turn: u64,
    chance: &mut dyn FnMut() -> u64,
) -> Vec<usize> {
    let weights: Vec<u64> = among.iter().map(|&at| candidates[at].weight_among()).collect();
    let common = weights.iter().fold(0, |common, &weight| gcd(common, weight)).max(1);
    let period = weights.iter().sum::<u64>() / common;
    let Some(turn) = place(turn, period) else { return among };
    // Both factors are below the period, which is far below 2^64 squared.
    let spot = (u128::from(turn) * u128::from(step(period)) % u128::from(period)) as u64;
    let chosen = at_spot(&weights, spot * common);
    let mut rest = among;
    let first = rest.remove(chosen);
    let mut order = vec![first];
    order.extend(weighted(candidates, rest, chance));
    order
}

/// Which stretch a spot lies on.
fn at_spot(weights: &[u64], spot: u64) -> usize {
    let mut end = 0;
    let found = weights.iter().position(|weight| {
        end += weight;
        spot < end
    });
    found.expect("a spot is below the sum of the weights")
}

/// The step of a period: its golden section, moved to the nearest number without a common divisor.
fn step(period: u64) -> u64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_8;
    let ideal = (period as f64 * GOLDEN).round() as u64;
    let near = (0..=period).flat_map(|off| [ideal.saturating_sub(off), ideal + off]);
    near.into_iter().find(|&step| step > 0 && gcd(step, period) == 1).unwrap_or(1)
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}
