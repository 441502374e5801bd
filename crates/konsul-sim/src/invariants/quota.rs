//! I-32 QuotaNeverExceeded: no namespace ever holds more than the bounds in force, at any index.
//!
//! Source: Konsul's limits; etcd's issues 9992 and 16779 show what a bound that is noticed too late costs.

use konsul_state::State;
use konsul_state::usage::Usage;
use konsul_types::Limits;

use crate::broken::{Held, hold};

/// The invariant's name.
pub const NAME: &str = "I-32 QuotaNeverExceeded";

/// Every namespace within its bounds.
pub fn held(state: &State) -> Held {
    state.usage().iter().try_for_each(|usage| within(usage, &state.limits()))
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
        for over in [usage(3, 20, 1), usage(2, 21, 1), usage(2, 20, 2)] {
            assert!(within(&over, &limits).is_err());
        }
    }
}
