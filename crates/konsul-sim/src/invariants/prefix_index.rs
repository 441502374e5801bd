//! I-15 PrefixIndex: any change below a prefix, removals included, raises the index of its reads; and no index runs ahead of
//! the log.
//!
//! Source: Consul's tombstones (the index over a prefix must rise when its last key goes).

use konsul_types::Index;

use crate::broken::{Held, hold};
use crate::history::Query;

/// The invariant's name.
pub const NAME: &str = "I-15 PrefixIndex";

/// An answer given by a state at `state` says `reported`; what it is about last changed at `changed`. `exact` answers are about
/// one record that exists, and say its own index.
pub fn held(query: &Query, reported: Index, changed: Index, state: Index, exact: bool) -> Held {
    let least = changed.max(Index(1));
    let fits = if exact { reported == least } else { reported >= least };
    hold(NAME, fits && reported <= state, || {
        format!("{query:?} at {state} reports {reported}, but its content last changed at {changed}")
    })
}

#[cfg(test)]
mod tests {
    use super::super::fabricated::ns;
    use super::*;

    #[test]
    fn fires_below_the_change_and_beyond_the_state() {
        let query = Query::List(ns(), "a/".into());
        let at = |reported, exact| held(&query, Index(reported), Index(7), Index(9), exact);
        assert!(at(7, true).is_ok() && at(8, false).is_ok());
        assert!(at(6, false).is_err() && at(10, false).is_err() && at(8, true).is_err());
    }
}
