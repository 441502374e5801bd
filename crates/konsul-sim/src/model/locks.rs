//! Locks as resources: who holds one, who waits in line, and whose turn it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use konsul_types::{
    Change, Index, Lock, LockCommand, LockHolder, LockName, LockWaiter, Millis, Namespace, Outcome, Refusal,
    SessionId, Value,
};

use super::Model;

type Place = (Namespace, LockName);

/// The locks, and the lines before them.
#[derive(Debug, Clone, Default)]
pub(super) struct Locks {
    locks: BTreeMap<Place, Arc<Lock>>,
    lines: BTreeMap<Place, Vec<Arc<LockWaiter>>>,
    /// Those that the entry in hand has freed.
    freed: Vec<Place>,
}

impl Model {
    pub(super) fn lock(
        &mut self,
        namespace: &Namespace,
        op: &LockCommand,
        changes: &mut Vec<Change>,
    ) -> Outcome {
        let place = (namespace.clone(), op.name().clone());
        self.next_turn(&place, changes);
        let done = match op {
            LockCommand::Acquire { session, value, queue, .. } => {
                self.take(place, *session, value, *queue, changes)
            }
            LockCommand::Release { session, fencing, .. } => {
                self.give_back(&place, *session, *fencing, changes)
            }
            LockCommand::Cancel { session, claim, give_back, .. } => {
                self.cancel(&place, *session, *claim, *give_back, changes)
            }
        };
        done.unwrap_or_else(Outcome::Refused)
    }

    fn take(
        &mut self,
        place: Place,
        session: SessionId,
        value: &Value,
        queue: bool,
        changes: &mut Vec<Change>,
    ) -> Result<Outcome, Refusal> {
        if !self.sessions.contains_key(&(place.0.clone(), session)) {
            return Err(Refusal::UnknownSession { id: session.to_string() });
        }
        let Some(lock) = self.locks.locks.get(&place).cloned() else {
            let used = self.locks.locks.keys().filter(|(name, _)| *name == place.0).count() as u64;
            if used >= self.limits.locks {
                return Err(Refusal::TooManyLocks {
                    namespace: place.0.to_string(),
                    limit: self.limits.locks,
                });
            }
            let lock = self.grant(session, value, self.index, self.index);
            self.set_lock(&place, Some(lock.clone()), changes);
            return Ok(Outcome::Lock(lock));
        };
        match &lock.holder {
            Some(holder) if holder.session == session => {
                let holder = LockHolder { claim: self.index, ..holder.clone() };
                let lock = Arc::new(Lock { holder: Some(holder), ..(*lock).clone() });
                self.locks.locks.insert(place, lock.clone());
                Ok(Outcome::Lock(lock))
            }
            _ if queue => self.stand_in_line(place, session, value, changes),
            Some(_) => Err(Refusal::LockHeld),
            None => Err(Refusal::LockDelay { until: lock.delayed_until.unwrap_or_default() }),
        }
    }

    fn grant(&self, session: SessionId, value: &Value, claim: Index, create_index: Index) -> Arc<Lock> {
        let (fencing, value, since) = (self.index, value.clone(), self.at);
        let holder = Some(LockHolder { session, fencing, claim, value, since });
        Arc::new(Lock { holder, delayed_until: None, create_index, modify_index: self.index })
    }

    fn stand_in_line(
        &mut self,
        place: Place,
        session: SessionId,
        value: &Value,
        changes: &mut Vec<Change>,
    ) -> Result<Outcome, Refusal> {
        let (index, at, limit) = (self.index, self.at, self.limits.lock_queue);
        let line = self.locks.lines.entry(place.clone()).or_default();
        let new = LockWaiter { session, place: index, claim: index, value: value.clone(), since: at };
        if let Some(ahead) = line.iter().position(|waiter| waiter.session == session) {
            let old = &line[ahead];
            let waiter = Arc::new(LockWaiter { place: old.place, since: old.since, ..new });
            line[ahead] = waiter.clone();
            return Ok(Outcome::Queued { ahead: ahead as u64, waiter });
        }
        let ahead = line.len() as u64;
        if ahead >= limit {
            return Err(Refusal::LockQueueFull { limit });
        }
        let waiter = Arc::new(new);
        line.push(waiter.clone());
        let (namespace, name) = place;
        changes.push(Change::LockWaiter { namespace, name, session, old: None, new: Some(waiter.clone()) });
        Ok(Outcome::Queued { ahead, waiter })
    }

    fn give_back(
        &mut self,
        place: &Place,
        session: SessionId,
        fencing: Option<Index>,
        changes: &mut Vec<Change>,
    ) -> Result<Outcome, Refusal> {
        let holder = self.locks.locks.get(place).and_then(|lock| lock.holder.clone());
        match holder.filter(|holder| holder.session == session) {
            None => Err(Refusal::NotHolder),
            Some(holder) if fencing.is_some_and(|meant| meant != holder.fencing) => {
                Err(Refusal::StaleFencing { found: holder.fencing })
            }
            Some(_) => {
                self.free(place, None, changes);
                Ok(Outcome::Done)
            }
        }
    }

    fn cancel(
        &mut self,
        place: &Place,
        session: SessionId,
        claim: Index,
        give_back: bool,
        changes: &mut Vec<Change>,
    ) -> Result<Outcome, Refusal> {
        let line = self.locks.lines.get(place).into_iter().flatten();
        if let Some(waiter) = line.into_iter().find(|waiter| waiter.session == session) {
            if waiter.claim != claim {
                return Err(Refusal::Superseded);
            }
            self.step_out(place, session, changes);
            return Ok(Outcome::Done);
        }
        let lock = self.locks.locks.get(place).cloned();
        let held = lock.filter(|lock| lock.holder.as_ref().is_some_and(|holder| holder.session == session));
        match held {
            None => Ok(Outcome::Done),
            Some(lock) if lock.holder.as_ref().is_some_and(|holder| holder.claim != claim) => {
                drop(lock);
                Err(Refusal::Superseded)
            }
            Some(lock) if !give_back => Ok(Outcome::Lock(lock)),
            Some(_) => {
                self.free(place, None, changes);
                Ok(Outcome::Done)
            }
        }
    }

    fn step_out(&mut self, place: &Place, session: SessionId, changes: &mut Vec<Change>) {
        let Some(line) = self.locks.lines.get_mut(place) else { return };
        let Some(at) = line.iter().position(|waiter| waiter.session == session) else { return };
        let old = Some(line.remove(at));
        let (namespace, name) = place.clone();
        changes.push(Change::LockWaiter { namespace, name, session, old, new: None });
    }

    fn free(&mut self, place: &Place, delayed_until: Option<Millis>, changes: &mut Vec<Change>) {
        let Some(lock) = self.locks.locks.get(place).cloned() else { return };
        let free = Lock { holder: None, delayed_until, modify_index: self.index, ..(*lock).clone() };
        self.set_lock(place, Some(Arc::new(free)), changes);
        self.locks.freed.push(place.clone());
    }

    fn set_lock(&mut self, place: &Place, new: Option<Arc<Lock>>, changes: &mut Vec<Change>) {
        let old = match &new {
            Some(lock) => self.locks.locks.insert(place.clone(), lock.clone()),
            None => self.locks.locks.remove(place),
        };
        let (namespace, name) = place.clone();
        changes.push(Change::Lock { namespace, name, old, new });
    }

    /// A lock that nobody holds and that need not stay free goes to the first in line.
    fn next_turn(&mut self, place: &Place, changes: &mut Vec<Change>) {
        let Some(lock) = self.locks.locks.get(place).cloned() else { return };
        if lock.holder.is_some() || lock.delayed_until.is_some_and(|until| until > self.at) {
            return;
        }
        let first = self.locks.lines.get(place).and_then(|line| line.first().cloned());
        let new = first.map(|first| {
            self.step_out(place, first.session, changes);
            self.grant(first.session, &first.value, first.claim, lock.create_index)
        });
        self.set_lock(place, new, changes);
    }

    /// At the end of an entry the locks that it freed go on.
    pub(super) fn settle_locks(&mut self, changes: &mut Vec<Change>) {
        for place in std::mem::take(&mut self.locks.freed) {
            self.next_turn(&place, changes);
        }
    }

    pub(super) fn locks_due(
        &mut self,
        term: u64,
        seen: &[(Namespace, LockName, Millis)],
        changes: &mut Vec<Change>,
    ) -> Outcome {
        if term != self.term {
            return Outcome::Refused(Refusal::Superseded);
        }
        let mut count = 0;
        for (namespace, name, until) in seen {
            let place = (namespace.clone(), name.clone());
            let delay = self.locks.locks.get(&place).and_then(|lock| lock.delayed_until);
            if delay == Some(*until) && *until <= self.at {
                self.next_turn(&place, changes);
                count += 1;
            }
        }
        Outcome::Counted(count)
    }

    /// A session ends: it steps out of every line, and what it held stays free for its delay.
    pub(super) fn end_locks(
        &mut self,
        namespace: &Namespace,
        id: SessionId,
        delay: u64,
        changes: &mut Vec<Change>,
    ) {
        let places: Vec<Place> =
            self.locks.locks.keys().filter(|(name, _)| name == namespace).cloned().collect();
        for place in places {
            self.step_out(&place, id, changes);
            let lock = self.locks.locks.get(&place);
            if lock.is_some_and(|lock| lock.holder.as_ref().is_some_and(|holder| holder.session == id)) {
                let until = (delay > 0).then(|| self.at.plus(delay));
                self.free(&place, until.max(lock.and_then(|lock| lock.delayed_until)), changes);
            }
        }
    }

    /// Locks of a restored backup: nobody holds or waits any more, and the delays that run now go on.
    pub(super) fn restore_locks(&mut self, backup: Locks) {
        let at = self.at;
        let now = std::mem::replace(&mut self.locks, backup);
        // In the order in which their delays would have ended.
        let mut stale: Vec<(Option<Millis>, Place)> =
            self.locks.locks.iter().map(|(place, lock)| (lock.delayed_until, place.clone())).collect();
        stale.sort_unstable();
        for (_, place) in stale {
            if let Some(lock) = self.locks.locks.get_mut(&place).filter(|lock| lock.holder.is_none()) {
                *lock = Arc::new(Lock { delayed_until: None, ..(**lock).clone() });
                self.locks.freed.push(place);
            }
        }
        let running = now.locks.into_iter().filter_map(|(place, lock)| Some((place, lock.delayed_until?)));
        for (place, until) in running.filter(|(_, until)| *until > at) {
            let index = self.index;
            let free = Lock { holder: None, delayed_until: None, create_index: index, modify_index: index };
            let lock = self.locks.locks.entry(place).or_insert_with(|| Arc::new(free));
            *lock = Arc::new(Lock { delayed_until: Some(until), ..(**lock).clone() });
        }
    }
}
