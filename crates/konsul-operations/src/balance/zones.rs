//! Own zone first, and what it cannot carry spills over.
//!
//! Instances stand on three levels as the caller sees them: its zone, the rest of its region, elsewhere. A level's health is
//! the weight that its instances have now, of what they would have if all were well. While that is at or above a threshold
//! (70 % unless asked otherwise: the others have that much room) a level carries everything that reaches it; below, health
//! divided by the threshold; the rest goes to the next level. If all levels together carry less than everything, their
//! parts are raised in proportion: a registry knows nothing better than to share what is left.
//!
//! So the own zone's part over its health h is the straight line `min(1, h / threshold)`: no step at which all callers of a
//! zone change over at once.

use konsul_types::CheckStatus;

use super::chance::unit;
use super::{Ask, Candidate, weighted};

/// The threshold in percent where nothing is asked.
pub const SPILL_BELOW_PERCENT: u8 = 70;

/// How far an instance stands from the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// In the caller's zone.
    Zone,
    /// In another zone of its region.
    Region,
    /// Elsewhere, or not known where.
    Elsewhere,
}

impl Level {
    /// All levels, the nearest first.
    pub const ALL: [Level; 3] = [Level::Zone, Level::Region, Level::Elsewhere];

    /// Where an instance stands for who asks. Names of zones need be unique within their region only.
    pub fn of(candidate: &Candidate<'_>, ask: &Ask<'_>) -> Level {
        let same_region = candidate.region == ask.region;
        if same_region && !ask.zone.is_empty() && candidate.zone == ask.zone {
            Level::Zone
        } else if same_region && !ask.region.is_empty() {
            Level::Region
        } else {
            Level::Elsewhere
        }
    }
}

/// The part of the traffic that each [`Level`] gets, each 0 to 1; together 1, or 0 if nothing is usable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares(pub [f64; 3]);

/// How the traffic of who asks is shared among the levels. The candidates include critical ones.
pub fn shares(candidates: &[Candidate<'_>], ask: &Ask<'_>) -> Shares {
    let threshold = match ask.spill_below_percent {
        0 => SPILL_BELOW_PERCENT,
        percent => percent.min(100),
    };
    let mut left = 1.0;
    let mut parts = Level::ALL.map(|level| {
        let carries = (health(candidates, ask, level) * 100.0 / f64::from(threshold)).min(left);
        left -= carries;
        carries
    });
    let sum: f64 = parts.iter().sum();
    if sum > 0.0 {
        parts = parts.map(|part| part / sum);
    }
    Shares(parts)
}

/// The usable part of a level's weight, 0 to 1; 0 for a level without instances.
fn health(candidates: &[Candidate<'_>], ask: &Ask<'_>, level: Level) -> f64 {
    let on_level = || candidates.iter().filter(|candidate| Level::of(candidate, ask) == level);
    let full: u64 = on_level().map(Candidate::full_weight).sum();
    let now: u64 = on_level().map(Candidate::weight).sum();
    // A warning weight may be the larger one.
    if full == 0 { 0.0 } else { (now as f64 / full as f64).min(1.0) }
}

/// Chance chooses the level by its share; within each level the order is by weight, and the other levels follow by nearness.
pub(super) fn own_first(
    candidates: &[Candidate<'_>],
    among: Vec<usize>,
    ask: &Ask<'_>,
    chance: &mut dyn FnMut() -> u64,
) -> Vec<usize> {
    debug_assert!(among.iter().all(|&at| candidates[at].status != CheckStatus::Critical));
    let chosen = drawn(shares(candidates, ask), unit(chance()));
    let mut order = weighted(candidates, among, chance);
    let rank = |at: usize| {
        let level = Level::of(&candidates[at], ask);
        (level != chosen, level)
    };
    // Stable: within a level the drawn order stays.
    order.sort_by_cached_key(|&at| rank(at));
    order
}

/// The level whose stretch of the line from 0 to 1 a point lies on.
fn drawn(Shares(parts): Shares, point: f64) -> Level {
    let mut end = 0.0;
    let hit = Level::ALL.into_iter().zip(parts).find(|(_, part)| {
        end += part;
        *part > 0.0 && point <= end
    });
    // Rounding may leave the end of the line just below 1: the last level with a part has the rest.
    let last = || Level::ALL.into_iter().zip(parts).rfind(|(_, part)| *part > 0.0);
    hit.or_else(last).map_or(Level::Zone, |(level, _)| level)
}
