//! I-28 StaleExpiryHarmless: an expiry that was decided on an older term, renewal or record changes nothing.
//!
//! Source: etcd issue 15247 (a leader that had stalled revoked every lease when it woke).

use std::collections::BTreeMap;

use konsul_types::{Change, Command, Namespace, SessionId};

use crate::broken::{Held, hold};
use crate::check::Log;

/// The invariant's name.
pub const NAME: &str = "I-28 StaleExpiryHarmless";

/// Every expiry in the log, against renewals counted anew.
pub fn held(log: &Log) -> Held {
    let mut renewals: BTreeMap<(Namespace, SessionId), u64> = BTreeMap::new();
    for (index, entry) in log {
        let Some(proposal) = &entry.proposal else { continue };
        let changed = entry.changes.iter().flat_map(|set| &set.changes);
        match &proposal.command {
            Command::SessionCreate { namespace, spec } => {
                renewals.insert((namespace.clone(), spec.id), 0);
            }
            Command::SessionRenew { namespace, id } => {
                renewals.entry((namespace.clone(), *id)).and_modify(|count| *count += 1);
            }
            Command::SessionExpire { term, sessions } => {
                let seen: BTreeMap<_, _> = sessions
                    .iter()
                    .map(|(namespace, id, renewal)| ((namespace.clone(), *id), *renewal))
                    .collect();
                for change in changed {
                    let Change::Session { namespace, id, .. } = change else { continue };
                    let place = (namespace.clone(), *id);
                    let (believed, counted) = (seen.get(&place), renewals.get(&place));
                    hold(NAME, *term == entry.term && believed == counted, || {
                        format!(
                            "at {index}, in term {}, session {id} with {counted:?} renewals was ended by an expiry of \
                             term {term} that had seen {believed:?}",
                            entry.term
                        )
                    })?;
                }
            }
            Command::KvExpire { term, keys } => {
                for change in changed {
                    let Change::Kv { key, old: Some(old), .. } = change else { continue };
                    let seen = keys.iter().any(|(_, name, index)| name == key && *index == old.modify_index);
                    hold(NAME, *term == entry.term && seen, || {
                        format!(
                            "at {index} {key} of {old:?} was ended by an expiry of term {term} that had not seen it"
                        )
                    })?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fabricated::{entry, id, key, kv, ns, record, session, session_change};
    use super::*;
    use konsul_types::Index;

    #[test]
    fn fires_on_an_old_renewal_an_old_term_and_an_old_record() {
        let session_ended = |renewal, term| {
            let mut log = Log::new();
            let session = session(1, Some(100), 0);
            let create = Command::SessionCreate { namespace: ns(), spec: (*session.spec).clone() };
            entry(&mut log, 1, 0, create, vec![session_change(1, None, Some(session.clone()))]);
            entry(&mut log, 2, 50, Command::SessionRenew { namespace: ns(), id: id(1) }, vec![]);
            let expire = Command::SessionExpire { term, sessions: vec![(ns(), id(1), renewal)] };
            entry(&mut log, 3, 300, expire, vec![session_change(1, Some(session), None)]);
            held(&log)
        };
        assert!(session_ended(1, 1).is_ok());
        assert!(session_ended(0, 1).is_err() && session_ended(1, 2).is_err());
        let key_ended = |index| {
            let mut log = Log::new();
            let expire = Command::KvExpire { term: 1, keys: vec![(ns(), key("k"), Index(index))] };
            entry(&mut log, 9, 0, expire, vec![kv("k", Some(record(5, "v", None)), None)]);
            held(&log)
        };
        assert!(key_ended(5).is_ok() && key_ended(4).is_err());
    }
}
