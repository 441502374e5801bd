//! Checks the old values of one namespace.

use konsul_types::{Index, Namespace};

use crate::history::PastRow;
use crate::keyspace::Keyspace;
use crate::state::State;

/// The first thing that does not hold.
pub(super) fn verify(state: &State, name: &Namespace, keys: &Keyspace) -> Option<String> {
    let history = &keys.history;
    let bytes: u64 = history.past.iter().map(crate::history::Past::cost).sum();
    if bytes != history.bytes {
        return Some(format!(
            "namespace {name} counts {} bytes of old values, but has {bytes}",
            history.bytes
        ));
    }
    if bytes > state.limits.history_bytes {
        return Some(format!("namespace {name} has {bytes} bytes of old values, over its budget"));
    }
    let mut last = Index::ZERO;
    for past in &history.past {
        if past.since >= past.until || past.until < last || past.until > state.index {
            return Some(format!("namespace {name} has an old value out of order after {last}: {past:?}"));
        }
        if past.record.as_ref().is_some_and(|record| record.modify_index != past.since) {
            return Some(format!("namespace {name} has an old value of another time: {past:?}"));
        }
        if PastRow::of(past).past(name).hash != past.hash {
            return Some(format!("namespace {name} has an old value with another hash: {past:?}"));
        }
        last = past.until;
    }
    None
}
