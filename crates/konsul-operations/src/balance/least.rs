//! Least by a reported figure: the better of two drawn at random, again and again.
//!
//! Reported figures are some seconds old. If every caller took the exact minimum, all of them would run to the same
//! instance until the next report. Two random choices keep nearly all of the benefit without that herd (Mitzenmacher,
//! 2001). Among n instances with different figures the one of rank r (0 the best) is first with probability
//! `2(n - 1 - r) / (n(n - 1))`: the best twice as often as the average, the worst never.

use super::Candidate;
use super::chance::below;

/// Draws two of those left and takes the one with less figure per weight, until none is left. Who reports nothing counts as
/// the mean of those who do, so that silence neither attracts nor repels.
pub(super) fn of_two(
    candidates: &[Candidate<'_>],
    among: Vec<usize>,
    figure: impl Fn(&Candidate<'_>) -> Option<f64>,
    chance: &mut dyn FnMut() -> u64,
) -> Vec<usize> {
    let mut left = rated(candidates, among, figure);
    let mut order = Vec::with_capacity(left.len());
    while left.len() > 1 {
        let better = better_of_two(&left, chance);
        order.push(left.swap_remove(better).1);
    }
    order.extend(left.pop().map(|(_, at)| at));
    order
}

fn better_of_two(left: &[(f64, usize)], chance: &mut dyn FnMut() -> u64) -> usize {
    let first = below(left.len(), chance);
    let other = below(left.len() - 1, chance);
    let second = other + usize::from(other >= first);
    if left[second].0 < left[first].0 { second } else { first }
}

fn rated(
    candidates: &[Candidate<'_>],
    among: Vec<usize>,
    figure: impl Fn(&Candidate<'_>) -> Option<f64>,
) -> Vec<(f64, usize)> {
    let rate = |at: usize| {
        let candidate = &candidates[at];
        figure(candidate).filter(|f| f.is_finite()).map(|f| f / candidate.weight_among() as f64)
    };
    let rates: Vec<(Option<f64>, usize)> = among.into_iter().map(|at| (rate(at), at)).collect();
    let known: Vec<f64> = rates.iter().filter_map(|(rate, _)| *rate).collect();
    let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
    rates.into_iter().map(|(rate, at)| (rate.unwrap_or(mean), at)).collect()
}
