//! QuietWrite: a registration that says what is known already writes nothing. Every change of a node, an instance, a check or a
//! prepared query is one of what it says, not only of its index.
//!
//! Source: Consul's catalogue (an equal registration is no change, or every anti-entropy would wake every watcher).

use std::sync::Arc;

use konsul_types::{Change, Check, Node, PreparedQuery, Service};

use crate::broken::{Held, hold};
use crate::check::Log;

/// The invariant's name.
pub const NAME: &str = "QuietWrite";

/// All changes of the log.
pub fn held(log: &Log) -> Held {
    for (index, entry) in log {
        for change in entry.changes.iter().flat_map(|set| &set.changes) {
            hold(NAME, !says_the_same(change), || format!("entry {index} writes for nothing: {change:?}"))?;
        }
    }
    Ok(())
}

fn says_the_same(change: &Change) -> bool {
    fn both<T>(old: &Option<Arc<T>>, new: &Option<Arc<T>>, same: impl Fn(&T, &T) -> bool) -> bool {
        old.as_deref().zip(new.as_deref()).is_some_and(|(old, new)| same(old, new))
    }
    match change {
        Change::Node { old, new, .. } => both(old, new, Node::same_as),
        Change::Service { old, new } => both(old, new, Service::same_as),
        Change::Check { old, new, .. } => both(old, new, Check::same_as),
        Change::Query { old, new, .. } => {
            both(old, new, |old, new| *new == PreparedQuery { modify_index: new.modify_index, ..old.clone() })
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use konsul_types::{CheckStatus, Index};

    use super::super::fabricated::{any, entry, instance};
    use super::*;

    #[test]
    fn fires_on_a_record_that_says_the_same() {
        let old = instance("web", CheckStatus::Passing, "").service;
        let written = |new: Service| {
            let mut log = Log::new();
            let change = Change::Service { old: Some(old.clone()), new: Some(Arc::new(new)) };
            entry(&mut log, 7, 1, any(), vec![change]);
            held(&log)
        };
        assert!(written(Service { port: 80, modify_index: Index(7), ..(*old).clone() }).is_ok());
        assert!(written(Service { modify_index: Index(7), ..(*old).clone() }).is_err());
    }
}
