//! I-25 SessionEarly: no session is ended for its time before one time to live has passed since its last acknowledged renewal.
//!
//! Source: Consul's documentation of sessions (the time to live is a lower bound); etcd issues 9395 and 13294.

use std::collections::BTreeMap;

use konsul_types::{Change, Command, Namespace, SessionId};

use crate::broken::{Held, hold};
use crate::check::Log;
use crate::history::Renewed;

/// The invariant's name.
pub const NAME: &str = "I-25 SessionEarly";

/// Log time is counted in milliseconds, and virtual time is finer.
const GRAIN: u64 = 2_000_000;

/// All promises. Where the wall clock jumps, a restart carries the jump into log time, and virtual time says nothing.
pub fn held(promises: &[Renewed], log: &Log, clock_jumps: bool) -> Held {
    if clock_jumps {
        return Ok(());
    }
    let ends = ends(log);
    promises.iter().try_for_each(|promise| {
        let id = (promise.namespace.clone(), promise.session.spec.id);
        let (Some(ttl), Some((index, end))) = (promise.session.spec.ttl_ms, ends.get(&id)) else {
            return Ok(());
        };
        hold(NAME, end + GRAIN >= promise.asked_at + ttl * 1_000_000, || {
            format!("session {} ended at {index}, at {end} ns; promised: {promise:?}", id.1)
        })
    })
}

/// Where and when sessions were ended for their time.
fn ends(log: &Log) -> BTreeMap<(Namespace, SessionId), (u64, u64)> {
    let mut ends = BTreeMap::new();
    for (index, entry) in log {
        let expires =
            entry.proposal.as_ref().is_some_and(|p| matches!(p.command, Command::SessionExpire { .. }));
        for change in entry.changes.iter().filter(|_| expires).flat_map(|set| &set.changes) {
            if let Change::Session { namespace, id, new: None, .. } = change {
                ends.insert((namespace.clone(), *id), (*index, entry.seen_at));
            }
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::super::fabricated::{entry, id, ns, session, session_change};
    use super::*;

    #[test]
    fn fires_on_an_end_before_its_time() {
        let ended_at = |at| {
            let mut log = Log::new();
            let session = session(1, Some(100), 0);
            let expire = Command::SessionExpire { term: 1, sessions: vec![(ns(), id(1), 0)] };
            entry(&mut log, 3, at, expire, vec![session_change(1, Some(session.clone()), None)]);
            let promise = Renewed { namespace: ns(), session, asked_at: 50_000_000, jumps: 0 };
            held(&[promise], &log, false)
        };
        assert!(ended_at(150).is_ok());
        assert!(ended_at(140).is_err());
    }
}
