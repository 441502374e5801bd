//! How often each operation on keys was asked for, by namespace: the one figure that no engine below knows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use konsul_types::Namespace;

/// The operations that are counted: those of one namespace's keys.
pub const COUNTED: &[&str] = &[
    "kv_get",
    "kv_list",
    "kv_keys",
    "kv_put",
    "kv_delete",
    "kv_delete_tree",
    "kv_patch",
    "kv_page",
    "kv_search",
    "kv_history",
    "kv_diff",
    "kv_undo",
];

/// Namespaces that are told apart, the default one beside them. Those that come later share [`OTHERS`], so that clients who
/// make up namespaces make up no series.
pub const NAMESPACES_MAX: usize = 63;

/// What namespaces over the bound are called together. No namespace can have this name.
pub const OTHERS: &str = "(other)";

type Counts = [AtomicU64; COUNTED.len()];

/// Counts of calls.
#[derive(Debug, Default)]
pub struct KvFigures {
    default: Counts,
    others: Counts,
    named: RwLock<BTreeMap<Namespace, Counts>>,
}

/// Where an operation stands in [`COUNTED`]. For use in constants.
pub(crate) const fn place(operation: &str) -> Option<usize> {
    let mut at = 0;
    while at < COUNTED.len() {
        if same(COUNTED[at].as_bytes(), operation.as_bytes()) {
            return Some(at);
        }
        at += 1;
    }
    None
}

const fn same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

impl KvFigures {
    /// Counts one call. `place` is of [`place`].
    pub(crate) fn count(&self, place: usize, namespace: &Namespace) {
        if namespace.is_default() {
            self.default[place].fetch_add(1, Ordering::Relaxed);
            return;
        }
        {
            let named = self.named.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(counts) = named.get(namespace) {
                counts[place].fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
        self.count_new(place, namespace);
    }

    fn count_new(&self, place: usize, namespace: &Namespace) {
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        let is_full = named.len() >= NAMESPACES_MAX && !named.contains_key(namespace);
        let counts = if is_full { &self.others } else { named.entry(namespace.clone()).or_default() };
        counts[place].fetch_add(1, Ordering::Relaxed);
    }

    /// Every count that is not zero: namespace, operation, calls.
    pub fn read(&self) -> Vec<(String, &'static str, u64)> {
        let named = self.named.read().unwrap_or_else(PoisonError::into_inner);
        let default = Namespace::default_namespace();
        let rows = [(default.as_str(), &self.default), (OTHERS, &self.others)].into_iter();
        let rows = rows.chain(named.iter().map(|(name, counts)| (name.as_str(), counts)));
        let cells = rows.flat_map(|(name, counts)| {
            let calls = counts.iter().map(|count| count.load(Ordering::Relaxed));
            COUNTED.iter().zip(calls).map(move |(operation, calls)| (name.to_owned(), *operation, calls))
        });
        cells.filter(|(_, _, calls)| *calls > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_over_the_bound_share_one_row() {
        let figures = KvFigures::default();
        let put = place("kv_put").unwrap();
        figures.count(put, &Namespace::default_namespace());
        for number in 0..1000 {
            figures.count(put, &Namespace::new(format!("ns-{number}")).unwrap());
            figures.count(put, &Namespace::new(format!("ns-{number}")).unwrap());
        }
        let read = figures.read();
        assert_eq!(read.len(), NAMESPACES_MAX + 2);
        assert_eq!(read[0], ("default".to_owned(), "kv_put", 1));
        assert_eq!(read[1], (OTHERS.to_owned(), "kv_put", 2 * (1000 - NAMESPACES_MAX as u64)));
        assert!(Namespace::new(OTHERS).is_err());
    }

    #[test]
    fn operations_have_their_places() {
        assert_eq!(place("kv_get"), Some(0));
        assert_eq!((place("kv_ge"), place("kv_gets"), place("txn")), (None, None, None));
    }
}
