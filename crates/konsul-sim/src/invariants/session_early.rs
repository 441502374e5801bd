//! I-25 SessionEarly: no session is ended for its time before one time to live has passed since its last acknowledged renewal.
//!
//! Source: Consul's documentation of sessions (the time to live is a lower bound); etcd issues 9395 and 13294.

use std::collections::{BTreeMap, BTreeSet};

use konsul_types::{Change, CheckId, CheckStatus, Command, Namespace, NodeName, SessionId, SessionSpec};

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

/// A session that ends otherwise than by its holder or its time ends with something that it leans on: in the same entry its
/// node went, or a check that it named became critical or went. Source: Consul's documentation of sessions.
pub fn explained(log: &Log) -> Held {
    for (index, entry) in log {
        let (Some(set), Some(proposal)) = (&entry.changes, &entry.proposal) else { continue };
        if matches!(proposal.command, Command::SessionExpire { .. } | Command::SessionDestroy { .. }) {
            continue;
        }
        let ended = set.changes.iter().filter_map(|change| match change {
            Change::Session { namespace, old: Some(old), new: None, .. } => Some((namespace, old)),
            _ => None,
        });
        for (namespace, session) in ended {
            let why = set.changes.iter().any(|change| takes_away(change, namespace, &session.spec));
            hold(NAME, why, || {
                format!(
                    "session {} ended at {index} with nothing that it leans on: {session:?}",
                    session.spec.id
                )
            })?;
        }
    }
    Ok(())
}

/// Whether a change takes away what a session leans on.
fn takes_away(change: &Change, namespace: &Namespace, spec: &SessionSpec) -> bool {
    let same_node = |name: &NodeName| name.as_str().eq_ignore_ascii_case(spec.node.as_str());
    match change {
        Change::Node { name, new: None, .. } => same_node(name),
        Change::Check { node, id, old, new } => {
            let bad = new.as_ref().is_none_or(|check| check.status == CheckStatus::Critical);
            let of = new.as_ref().or(old.as_ref()).map(|check| &check.namespace);
            let named = |of: &Namespace| leans_on(namespace, spec).contains(&(of.clone(), id.clone()));
            bad && same_node(node) && of.is_some_and(named)
        }
        _ => false,
    }
}

/// The checks that a session leans on: of its node and of the default namespace by name, of services in its own namespace
/// unless it names another one.
pub(super) fn leans_on(session: &Namespace, spec: &SessionSpec) -> BTreeSet<(Namespace, CheckId)> {
    let of_node = spec.node_checks.iter().map(|id| (Namespace::default_namespace(), id.clone()));
    let of_services = spec.service_checks.iter().map(|check| {
        let named = Namespace::new(check.namespace.as_str());
        (named.unwrap_or_else(|_| session.clone()), check.id.clone())
    });
    of_node.chain(of_services).collect()
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
    use super::super::fabricated::{any, entry, id, ns, session, session_change};
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

    #[test]
    fn fires_on_an_end_that_nothing_explains() {
        let with = |what: Option<Change>, command| {
            let mut log = Log::new();
            let ended = session_change(1, Some(session(1, None, 0)), None);
            entry(&mut log, 3, 1, command, what.into_iter().chain([ended]).collect());
            explained(&log)
        };
        let gone = |name| Change::Node { name: NodeName::new(name).unwrap(), old: None, new: None };
        assert!(with(Some(gone("N")), any()).is_ok());
        assert!(with(None, Command::SessionDestroy { namespace: ns(), id: id(1) }).is_ok());
        assert!(with(Some(gone("m")), any()).is_err());
        assert!(with(None, any()).is_err());
    }
}
