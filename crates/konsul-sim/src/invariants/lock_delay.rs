//! I-27 LockDelay: a lock that was lost because its session ended stays free for the session's delay, in log time.
//!
//! Source: Consul's documentation of sessions (`LockDelay`, after Chubby).

use std::collections::BTreeMap;

use konsul_types::{Change, Millis, SessionId};

use crate::broken::{Held, hold};
use crate::check::Log;
use crate::model::Place;

/// The invariant's name.
pub const NAME: &str = "I-27 LockDelay";

/// All locks, in log order.
pub fn held(log: &Log) -> Held {
    let mut free_until: BTreeMap<Place, Millis> = BTreeMap::new();
    let mut now = Millis(0);
    for (index, entry) in log {
        let Some(set) = &entry.changes else { continue };
        now = now.max(set.at);
        let mut ended: BTreeMap<SessionId, u64> = BTreeMap::new();
        for change in &set.changes {
            match change {
                Change::Session { id, old: Some(old), new: None, .. } => {
                    ended.insert(*id, old.spec.lock_delay_ms);
                }
                Change::Kv { namespace, key, old, new } => {
                    let place = (namespace.clone(), key.clone());
                    let from = old.as_ref().and_then(|record| record.session);
                    let to = new.as_ref().and_then(|record| record.session);
                    if to.is_some() && to != from {
                        let until = free_until.get(&place).copied().unwrap_or_default();
                        hold(NAME, now >= until, || {
                            format!("{key} is granted at {index}, at {now}; free until {until}")
                        })?;
                    }
                    if let Some(delay) = from.filter(|_| to.is_none()).and_then(|id| ended.get(&id)) {
                        free_until.insert(place, now.plus(*delay));
                    }
                }
                _ => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fabricated::{any, entry, id, kv, record, session, session_change};
    use super::*;

    #[test]
    fn fires_on_a_grant_inside_the_delay() {
        let with_grant_at = |at| {
            let mut log = Log::new();
            let held_by = Some(record(1, "v", Some(id(1))));
            let free = Some(record(2, "v", None));
            let end = session_change(1, Some(session(1, None, 300)), None);
            entry(&mut log, 2, 1_000, any(), vec![end, kv("k", held_by, free.clone())]);
            entry(&mut log, 3, at, any(), vec![kv("k", free, Some(record(3, "v", Some(id(2)))))]);
            held(&log)
        };
        assert!(with_grant_at(1_300).is_ok());
        assert!(with_grant_at(1_299).is_err());
    }
}
