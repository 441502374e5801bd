//! I-34 UsageCounters: what is counted is what there is.
//!
//! Source: Consul's issue 9577 (a counter that would become negative stopped deregistration for ever).

use std::collections::BTreeMap;

use konsul_state::State;
use konsul_state::usage::Usage;

use crate::broken::{Broken, Held, hold};

/// The invariant's name.
pub const NAME: &str = "I-34 UsageCounters";

/// Counters equal a recount, and everything else that is derived equals its derivation.
pub fn held(state: &State) -> Held {
    for usage in state.usage() {
        let keys: Vec<u64> = state
            .keyspace(&usage.namespace)
            .into_iter()
            .flat_map(|keys| keys.under(""))
            .map(|(key, record)| (key.as_str().len() + record.value.len()) as u64)
            .collect();
        let sessions = state.sessions().of(&usage.namespace).count() as u64;
        equal(&usage, keys.len() as u64, keys.iter().sum(), sessions)?;
    }
    services(state)?;
    state.verify().map_or(Ok(()), |what| Err(Broken::new(NAME, what)))
}

/// What is counted of each service equals its instances, and no instance is of a service that is not counted.
fn services(state: &State) -> Held {
    let mut recounted: BTreeMap<(String, String), u64> = BTreeMap::new();
    for service in state.catalog().services() {
        let named = (service.namespace.to_string(), service.name.as_str().to_ascii_lowercase());
        *recounted.entry(named).or_default() += 1;
    }
    let groups = state.catalog().groups();
    let counted =
        groups.map(|(namespace, name, group)| ((namespace.to_string(), name.to_string()), group.instances));
    equal_services(&counted.collect(), &recounted)
}

fn equal_services(
    counted: &BTreeMap<(String, String), u64>,
    recounted: &BTreeMap<(String, String), u64>,
) -> Held {
    hold(NAME, counted == recounted, || {
        format!("the instances of services are counted {counted:?}; there are {recounted:?}")
    })
}

fn equal(usage: &Usage, keys: u64, bytes: u64, sessions: u64) -> Held {
    let counted = (usage.keys, usage.bytes, usage.sessions);
    hold(NAME, counted == (keys, bytes, sessions), || {
        format!("{usage:?} is counted; there are {keys} keys, {bytes} bytes, {sessions} sessions")
    })
}

#[cfg(test)]
mod tests {
    use konsul_types::Namespace;

    use super::*;

    #[test]
    fn fires_on_each_counter() {
        let usage = Usage { keys: 1, bytes: 2, sessions: 3, ..Usage::empty(Namespace::default_namespace()) };
        assert!(equal(&usage, 1, 2, 3).is_ok());
        let one = |count: u64| BTreeMap::from([(("default".to_owned(), "web".to_owned()), count)]);
        assert!(equal_services(&one(2), &one(2)).is_ok());
        assert!(equal_services(&one(2), &one(1)).is_err());
        assert!(equal_services(&one(1), &BTreeMap::new()).is_err());
        for (keys, bytes, sessions) in [(0, 2, 3), (1, 1, 3), (1, 2, 2)] {
            assert!(equal(&usage, keys, bytes, sessions).is_err());
        }
    }
}
