//! I-24 LockFence: at each index a lock has at most one holder, and each grant has a higher fencing number than all before it.
//!
//! Source: the fencing tokens of distributed locks; Consul's `Session` and `ModifyIndex` of a locked key (the sequencer).

use std::collections::BTreeMap;
use std::sync::Arc;

use konsul_types::{Change, LockName, Namespace, SessionId};

use crate::broken::{Held, hold};
use crate::check::Log;
use crate::model::Place;

/// The invariant's name.
pub const NAME: &str = "I-24 LockFence";

/// A lock as its changes tell it.
#[derive(Debug, Clone, Copy, Default)]
struct Lock {
    holder: Option<SessionId>,
    fence: u64,
}

/// All locks, in log order.
pub fn held(log: &Log) -> Held {
    let mut locks: BTreeMap<Place, Lock> = BTreeMap::new();
    let mut named: BTreeMap<(Namespace, LockName), Lock> = BTreeMap::new();
    for (index, entry) in log {
        for change in entry.changes.iter().flat_map(|set| &set.changes) {
            match change {
                Change::Reset => {
                    locks.values_mut().chain(named.values_mut()).for_each(|lock| lock.holder = None);
                }
                Change::Lock { namespace, name, old, new } => {
                    let holder = |lock: &Option<Arc<konsul_types::Lock>>| lock.as_ref()?.holder.clone();
                    let lock = named.entry((namespace.clone(), name.clone())).or_default();
                    let (from, to) = (holder(old).map(|was| was.session), holder(new).map(|is| is.session));
                    change_hands(lock, *index, from, to, holder(new).map_or(0, |is| is.fencing.0))?;
                }
                Change::Kv { namespace, key, old, new } => {
                    let lock = locks.entry((namespace.clone(), key.clone())).or_default();
                    let from = old.as_ref().and_then(|record| record.session);
                    let to = new.as_ref().and_then(|record| record.session);
                    let fence = new.as_ref().map_or(0, |record| record.modify_index.0);
                    change_hands(lock, *index, from, to, fence)?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn change_hands(
    lock: &mut Lock,
    index: u64,
    from: Option<SessionId>,
    to: Option<SessionId>,
    fence: u64,
) -> Held {
    hold(NAME, lock.holder == from, || {
        format!("at {index} the holder was {from:?}, before it was {:?}", lock.holder)
    })?;
    if to.is_some() && to != from {
        hold(NAME, from.is_none(), || {
            format!("at {index} the lock goes from {from:?} to {to:?}, never free")
        })?;
        hold(NAME, fence > lock.fence, || {
            format!("at {index} the lock is granted with {fence}, after {}", lock.fence)
        })?;
        lock.fence = fence;
    }
    lock.holder = to;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fabricated::id;
    use super::*;

    #[test]
    fn fires_on_two_holders_and_on_a_number_that_does_not_rise() {
        let mut lock = Lock::default();
        change_hands(&mut lock, 1, None, Some(id(1)), 1).unwrap();
        assert!(change_hands(&mut lock.clone(), 2, Some(id(1)), Some(id(2)), 2).is_err());
        assert!(change_hands(&mut lock.clone(), 2, None, Some(id(2)), 2).is_err());
        change_hands(&mut lock, 2, Some(id(1)), None, 2).unwrap();
        assert!(change_hands(&mut lock.clone(), 3, None, Some(id(2)), 1).is_err());
        assert!(change_hands(&mut lock, 3, None, Some(id(2)), 3).is_ok());
    }
}
