//! I-32 QuotaNeverExceeded: no namespace ever holds more than the bounds in force, and no node or instance more checks than one
//! may have, at any index.
//!
//! Source: Konsul's limits; etcd's issues 9992 and 16779 show what a bound that is noticed too late costs.

use konsul_state::State;
use konsul_state::usage::Usage;
use konsul_types::Limits;

use crate::broken::{Held, hold};
use crate::model::CHECKS_OF_ONE;

/// The invariant's name.
pub const NAME: &str = "I-32 QuotaNeverExceeded";

/// Every namespace within its bounds.
pub fn held(state: &State) -> Held {
    state.usage().iter().try_for_each(|usage| within(usage, &state.limits()))
}

/// No node and no instance has more checks than one may have.
pub fn checks_of_one(state: &State) -> Held {
    let catalog = state.catalog();
    let of_nodes =
        catalog.nodes().map(|node| (node.name.as_str(), catalog.checks_of_node(&node.name).count()));
    let of_services = catalog.services().map(|one| (one.id.as_str(), catalog.checks_of(one).count()));
    of_nodes.chain(of_services).try_for_each(|(owner, found)| few_enough(owner, found))
}

fn few_enough(owner: &str, found: usize) -> Held {
    hold(NAME, found <= CHECKS_OF_ONE, || format!("{owner} has {found} checks; {CHECKS_OF_ONE} are allowed"))
}

fn within(usage: &Usage, limits: &Limits) -> Held {
    let rows = [
        ("keys", usage.keys, limits.kv.keys),
        ("bytes", usage.bytes, limits.kv.bytes),
        ("sessions", usage.sessions, limits.sessions),
    ];
    rows.into_iter().try_for_each(|(what, found, limit)| {
        hold(NAME, found <= limit, || {
            format!("namespace {} holds {found} {what}; {limit} are allowed", usage.namespace)
        })
    })
}

#[cfg(test)]
mod tests {
    use konsul_types::{KvQuota, Namespace};

    use super::*;

    #[test]
    fn fires_on_each_bound() {
        let limits = Limits { kv: KvQuota { keys: 2, bytes: 20 }, sessions: 1, ..Limits::default() };
        let usage = |keys, bytes, sessions| {
            let empty = Usage::empty(Namespace::default_namespace());
            Usage { keys, bytes, sessions, ..empty }
        };
        assert!(within(&usage(2, 20, 1), &limits).is_ok());
        assert!(few_enough("web", 256).is_ok() && few_enough("web", 257).is_err());
        for over in [usage(3, 20, 1), usage(2, 21, 1), usage(2, 20, 2)] {
            assert!(within(&over, &limits).is_err());
        }
    }
}
