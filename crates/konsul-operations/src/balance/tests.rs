//! Each strategy's distribution, within a stated bound; every draw comes from a seed.

use konsul_types::{CheckStatus, Weights};

use super::*;

const DRAWS: usize = 20_000;

fn instance(id: &'static str, passing: u16) -> Candidate<'static> {
    Candidate {
        node: "node",
        id,
        status: CheckStatus::Passing,
        weights: Weights { passing, warning: 1 },
        region: "",
        zone: "",
        distance: None,
        connections: None,
        load: None,
    }
}

const IDS: [&str; 10] = ["i0", "i1", "i2", "i3", "i4", "i5", "i6", "i7", "i8", "i9"];

fn instances(weights: &[u16]) -> Vec<Candidate<'static>> {
    weights.iter().zip(IDS).map(|(&weight, id)| instance(id, weight)).collect()
}

/// How often each was first in `DRAWS` orders, with a turn and a key for each.
fn firsts(candidates: &[Candidate<'_>], ask: &Ask<'_>) -> Vec<usize> {
    let mut seeded = Seeded::new(7);
    let mut counts = vec![0; candidates.len()];
    for turn in 0..DRAWS {
        let key = format!("key-{turn}");
        let ask = Ask { turn: turn as u64, key: Some(key.as_bytes()), ..*ask };
        counts[order(candidates, &ask, &mut || seeded.draw())[0]] += 1;
    }
    counts
}

/// Pearson's statistic against expected probabilities is within mean + 4 standard deviations of its distribution
/// (degrees of freedom d: mean d, variance 2d), which a true hypothesis exceeds about once in a thousand seeds.
#[track_caller]
fn fits(counts: &[usize], expected: &[f64]) {
    let total = counts.iter().sum::<usize>() as f64;
    let parts = counts.iter().zip(expected).filter(|(_, p)| **p > 0.0);
    let chi: f64 = parts.map(|(&n, p)| (n as f64 - total * p).powi(2) / (total * p)).sum();
    let freedom = expected.iter().filter(|p| **p > 0.0).count() as f64 - 1.0;
    assert!(chi <= freedom + 4.0 * (2.0 * freedom).sqrt(), "chi-square {chi} of {counts:?} for {expected:?}");
    let impossible = counts.iter().zip(expected).filter(|(_, p)| **p == 0.0);
    assert!(impossible.map(|(n, _)| n).sum::<usize>() == 0, "{counts:?} for {expected:?}");
}

#[test]
#[should_panic(expected = "chi-square")]
fn the_bound_catches_a_slight_bias() {
    fits(&[5_300, 4_900, 4_900, 4_900], &[0.25; 4]);
}

fn by_weight(weights: &[u16]) -> Vec<f64> {
    let sum: f64 = weights.iter().map(|w| f64::from(*w)).sum();
    weights.iter().map(|w| f64::from(*w) / sum).collect()
}

#[test]
fn random_gives_each_alike_in_each_place() {
    let candidates = instances(&[1, 50, 3, 1, 7]);
    fits(&firsts(&candidates, &Ask::by(Strategy::Random)), &[0.2; 5]);
    let mut seeded = Seeded::new(1);
    let mut orders = std::collections::BTreeMap::new();
    for _ in 0..DRAWS {
        let ask = Ask::by(Strategy::Random);
        *orders.entry(order(&candidates[..3], &ask, &mut || seeded.draw())).or_insert(0) += 1;
    }
    fits(&orders.into_values().collect::<Vec<usize>>(), &[1.0 / 6.0; 6]);
}

#[test]
fn round_robin_gives_each_once_in_any_n_turns() {
    let candidates = instances(&[1, 9, 1, 1, 1]);
    let first = |turn| {
        let ask = Ask { turn, ..Ask::by(Strategy::RoundRobin) };
        order(&candidates, &ask, &mut || unreachable!("turns need no chance"))
    };
    for start in [0, 3, 1_000_001] {
        let mut seen: Vec<usize> = (start..start + 5).map(|turn| first(turn)[0]).collect();
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3, 4]);
    }
    assert_eq!(first(3), [3, 4, 0, 1, 2]);
}

#[test]
fn weighted_follows_the_weights_and_the_rest_likewise() {
    let weights = [1, 2, 3, 10, 84];
    fits(&firsts(&instances(&weights), &Ask::by(Strategy::Weighted)), &by_weight(&weights));
    // The second, given the first: of 1 and 3 left when the 2 was drawn.
    let candidates = instances(&[1, 2, 3]);
    let mut seeded = Seeded::new(3);
    let mut seconds = [0, 0];
    for _ in 0..DRAWS {
        let order = order(&candidates, &Ask::by(Strategy::Weighted), &mut || seeded.draw());
        if order[0] == 1 {
            seconds[usize::from(order[1] == 2)] += 1;
        }
    }
    fits(&seconds, &[0.25, 0.75]);
}

#[test]
fn smooth_weighted_is_exact_over_a_period_and_near_within() {
    for weights in [vec![5, 1, 1], vec![300, 200, 100], vec![1; 10], vec![1, 1000], vec![6_553, 7, 3_277]] {
        let candidates = instances(&weights);
        let sum: u64 = weights.iter().map(|w| u64::from(*w)).sum();
        let mut seeded = Seeded::new(5);
        let mut counts = vec![0f64; weights.len()];
        let mut worst: f64 = 0.0;
        for turn in 0..sum {
            let ask = Ask { turn, ..Ask::by(Strategy::SmoothWeighted) };
            counts[order(&candidates, &ask, &mut || seeded.draw())[0]] += 1.0;
            for (count, share) in counts.iter().zip(by_weight(&weights)) {
                worst = worst.max((count - share * (turn + 1) as f64).abs());
            }
        }
        let exact: Vec<f64> = weights.iter().map(|w| f64::from(*w)).collect();
        assert_eq!(counts, exact);
        assert!(worst <= 3.0, "{weights:?} strayed by {worst} picks");
    }
    // 5:1:1 never comes in one block of five, not even where periods meet.
    let candidates = instances(&[5, 1, 1]);
    let first = |turn| {
        let ask = Ask { turn, ..Ask::by(Strategy::SmoothWeighted) };
        order(&candidates, &ask, &mut || 1)[0]
    };
    let longest = (0..70u64).fold((0, 0), |(run, longest), turn| {
        let run = if first(turn) == 0 { run + 1 } else { 0 };
        (run, longest.max(run))
    });
    assert!(longest.1 <= 4, "{longest:?}");
}

#[test]
fn least_follows_the_law_of_two_choices() {
    let mut candidates = instances(&[1; 6]);
    for (rank, candidate) in candidates.iter_mut().enumerate() {
        candidate.connections = Some(10.0 * rank as f64);
        candidate.load = Some(1.0 - 0.1 * rank as f64);
    }
    let law: Vec<f64> = (0..6).map(|rank| 2.0 * f64::from(5 - rank) / 30.0).collect();
    fits(&firsts(&candidates, &Ask::by(Strategy::LeastConnections)), &law);
    let reversed: Vec<f64> = law.iter().rev().copied().collect();
    fits(&firsts(&candidates, &Ask::by(Strategy::LeastLoad)), &reversed);
}

#[test]
fn least_counts_by_weight_and_silence_as_the_mean() {
    let mut candidates = instances(&[10, 1, 1]);
    // 5 per weight, 20 per weight, and one that says nothing: 12.5.
    candidates[0].connections = Some(50.0);
    candidates[1].connections = Some(20.0);
    let ask = Ask::by(Strategy::LeastConnections);
    fits(&firsts(&candidates, &ask), &[2.0 / 3.0, 0.0, 1.0 / 3.0]);
    candidates[0].connections = None;
    candidates[1].connections = Some(f64::NAN);
    fits(&firsts(&candidates, &ask), &[1.0 / 3.0; 3]);
}

#[test]
fn nearest_is_by_round_trip_and_unknown_last() {
    let mut candidates = instances(&[1; 6]);
    let distances = [None, Some(0.2), Some(0.01), Some(f64::NAN), Some(0.01), Some(-1.0)];
    for (candidate, distance) in candidates.iter_mut().zip(distances) {
        candidate.distance = distance;
    }
    let mut seeded = Seeded::new(11);
    let order = order(&candidates, &Ask::by(Strategy::Nearest), &mut || seeded.draw());
    assert_eq!(order[2], 1);
    let sorted = |part: &[usize]| {
        let mut part = part.to_vec();
        part.sort_unstable();
        part
    };
    assert_eq!((sorted(&order[..2]), sorted(&order[3..])), (vec![2, 4], vec![0, 3, 5]));
    fits(&firsts(&candidates, &Ask::by(Strategy::Nearest)), &[0.0, 0.0, 0.5, 0.0, 0.5, 0.0]);
}

#[test]
fn hashing_shares_keys_by_weight() {
    let weights = [1, 1, 2, 4, 12];
    fits(&firsts(&instances(&weights), &Ask::by(Strategy::ConsistentHash)), &by_weight(&weights));
    let equal = [1; 10];
    fits(&firsts(&instances(&equal), &Ask::by(Strategy::ConsistentHash)), &by_weight(&equal));
}

fn owners(candidates: &[Candidate<'_>]) -> Vec<String> {
    let owner = |n: usize| {
        let key = n.to_be_bytes();
        let ask = Ask { key: Some(&key), ..Ask::by(Strategy::ConsistentHash) };
        let first = order(candidates, &ask, &mut || unreachable!("a key needs no chance"))[0];
        candidates[first].id.to_owned()
    };
    (0..DRAWS).map(owner).collect()
}

#[test]
fn who_leaves_moves_its_own_keys_and_no_others() {
    for n in [2usize, 3, 5, 10] {
        let all = instances(&vec![1; n]);
        let before = owners(&all);
        for gone in &IDS[..n] {
            let left: Vec<Candidate<'_>> = all.iter().filter(|c| c.id != *gone).copied().collect();
            let after = owners(&left);
            let moved = before.iter().zip(&after).filter(|(was, is)| was != is).count();
            let had = before.iter().filter(|owner| *owner == gone).count();
            assert_eq!(moved, had, "only the keys of the one that left may move");
            // Epsilon: four standard deviations of a binomial share of DRAWS keys.
            let share = 1.0 / n as f64;
            let epsilon = 4.0 * (share * (1.0 - share) / DRAWS as f64).sqrt();
            assert!(moved as f64 / DRAWS as f64 <= share + epsilon, "{moved} of {DRAWS} moved for n = {n}");
        }
    }
}

#[test]
fn a_changed_weight_moves_keys_to_that_instance_only() {
    let before = owners(&instances(&[1, 1, 1, 1]));
    let after = owners(&instances(&[1, 3, 1, 1]));
    let moved = || before.iter().zip(&after).filter(|(was, is)| was != is);
    assert!(moved().count() > DRAWS / 10);
    assert!(moved().all(|(_, is)| is == IDS[1]));
}

#[test]
fn the_place_of_a_key_is_the_same_in_every_version() {
    assert_eq!(stable_hash(b""), 0xf52a_15e9_a9b5_e89b);
    let candidates = instances(&[1, 1, 1, 1, 1]);
    let ask = |key: &'static str| Ask { key: Some(key.as_bytes()), ..Ask::by(Strategy::ConsistentHash) };
    let first = |key| order(&candidates, &ask(key), &mut || 0)[0];
    assert_eq!(["alice", "bob", "carol", "dave"].map(first), [4, 0, 1, 2]);
}

/// Ten instances in each of own zone, region and elsewhere, of which so many are critical.
fn zones(critical: [usize; 3]) -> Vec<Candidate<'static>> {
    let places = [("eu", "a"), ("eu", "b"), ("us", "a")];
    let ten = |((region, zone), critical): ((&'static str, &'static str), usize)| {
        IDS.iter().enumerate().map(move |(n, id)| {
            let status = if n < critical { CheckStatus::Critical } else { CheckStatus::Passing };
            Candidate { region, zone, status, ..instance(id, 1) }
        })
    };
    places.into_iter().zip(critical).flat_map(ten).collect()
}

fn zone_ask() -> Ask<'static> {
    Ask { region: "eu", zone: "a", ..Ask::by(Strategy::ZoneAware) }
}

fn near(Shares(got): Shares, expected: [f64; 3]) -> bool {
    got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9)
}

#[test]
fn spill_over_is_a_straight_line_below_the_threshold() {
    for critical in 0..=10 {
        let candidates = zones([critical, 0, 0]);
        let own = ((10 - critical) as f64 / 10.0 / 0.7).min(1.0);
        assert!(near(shares(&candidates, &zone_ask()), [own, 1.0 - own, 0.0]), "{critical} critical");
        if critical % 3 != 0 {
            continue;
        }
        let counts = firsts(&candidates, &zone_ask());
        let by_zone: Vec<usize> = counts.chunks(10).map(|zone| zone.iter().sum()).collect();
        fits(&by_zone, &[own, 1.0 - own, 0.0].map(|part: f64| if part < 1e-9 { 0.0 } else { part }));
    }
}

#[test]
fn the_last_level_is_reached_and_scarcity_is_shared() {
    // Own 0.2/0.7, region 0.2/0.7, the rest elsewhere.
    let two = 0.2 / 0.7;
    assert!(near(shares(&zones([8, 8, 0]), &zone_ask()), [two, two, 1.0 - 2.0 * two]));
    assert!(near(shares(&zones([8, 8, 8]), &zone_ask()), [1.0 / 3.0; 3]));
    assert!(near(shares(&zones([10, 10, 9]), &zone_ask()), [0.0, 0.0, 1.0]));
    assert!(near(shares(&zones([10, 10, 10]), &zone_ask()), [0.0; 3]));
    let strict = Ask { spill_below_percent: 100, ..zone_ask() };
    assert!(near(shares(&zones([1, 0, 0]), &strict), [0.9, 0.1, 0.0]));
}

#[test]
fn a_caller_without_a_place_has_all_zones_alike() {
    let ask = Ask::by(Strategy::ZoneAware);
    assert!(near(shares(&zones([0, 0, 0]), &ask), [0.0, 0.0, 1.0]));
    fits(&firsts(&zones([0, 0, 0]), &ask), &[1.0 / 30.0; 30]);
    let abroad = Ask { region: "us", zone: "b", ..ask };
    assert!(near(shares(&zones([0, 0, 0]), &abroad), [0.0, 1.0, 0.0]));
}

#[test]
fn every_strategy_gives_each_usable_one_once_and_drained_ones_last() {
    let mut candidates = instances(&[1, 2, 3, 4, 5, 6, 7, 8]);
    candidates[2].status = CheckStatus::Critical;
    candidates[5].status = CheckStatus::Warning;
    candidates[5].weights.warning = 0;
    candidates[6].status = CheckStatus::Warning;
    let mut seeded = Seeded::new(13);
    for strategy in Strategy::ALL {
        for turn in 0..50 {
            let ask = Ask { turn, ..Ask::by(strategy) };
            let mut got = order(&candidates, &ask, &mut || seeded.draw());
            assert_eq!(got.last(), Some(&5), "{strategy}");
            got.sort_unstable();
            assert_eq!(got, [0, 1, 3, 4, 5, 6, 7], "{strategy}");
        }
        assert_eq!(order(&[], &Ask::by(strategy), &mut || 0), [0usize; 0], "{strategy}");
        let again = |seed| {
            let mut seeded = Seeded::new(seed);
            order(&candidates, &Ask::by(strategy), &mut || seeded.draw())
        };
        assert_eq!(again(21), again(21), "{strategy}");
    }
}
