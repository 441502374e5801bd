//! Where else to look when nothing is left here.

use konsul_types::query::{QueryFailover, QueryTarget};

/// The places to try, in order: the nearest datacentres, then those that are listed, without the ones that are unknown or
/// come a second time by nearness; targets likewise, peers as they are. `nearest` are the other datacentres that are known,
/// the nearest first. Each place that is tried counts as one failover, whether it can be reached or not.
pub fn failover(query: &QueryFailover, nearest: &[&str]) -> Vec<QueryTarget> {
    let of = |datacenter: &str| QueryTarget { datacenter: datacenter.into(), ..QueryTarget::default() };
    let first: Vec<&str> = nearest.iter().take(query.nearest_n as usize).copied().collect();
    let listed =
        query.datacenters.iter().map(|datacenter| of(datacenter)).chain(query.targets.iter().cloned());
    let worth_it = |target: &QueryTarget| {
        let datacenter = target.datacenter.as_str();
        !target.peer.is_empty() || nearest.contains(&datacenter) && !first.contains(&datacenter)
    };
    first.iter().map(|datacenter| of(datacenter)).chain(listed.filter(worth_it)).collect()
}
