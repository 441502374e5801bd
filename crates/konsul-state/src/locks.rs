//! Locks as resources of their own, each with a queue of sessions.
//!
//! A lock that is simply free has no record; fencing numbers rise all the same, because they are indexes of the log. A
//! session holds a lock or waits for it, and waits once. Whoever gives a lock back, or loses it with its session, leaves it
//! in the same entry to who waits first, and only that session hears of it. If the lost session had a lock delay the lock
//! stays free until that is over, and the leader proposes the grant then.
//!
//! Sessions may end in numbers in one entry: the grants are made when all of them are gone, so that an entry grants a lock
//! once and to a session that lives.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use konsul_types::{
    Change, Index, Lock, LockCommand, LockHolder, LockName, LockWaiter, Millis, Namespace, Outcome, Refusal,
    SessionId, Value,
};

use crate::hash::{RecordHash, Table};
use crate::state::State;

mod table;

pub use table::Locks;

/// An acquisition, taken apart.
struct Acquire<'a> {
    name: &'a LockName,
    session: SessionId,
    value: &'a Value,
    queue: bool,
}

pub(crate) fn lock_hash(namespace: &Namespace, name: &LockName, lock: &Lock) -> u64 {
    hash_of(10, namespace, name).value(lock).finish()
}

pub(crate) fn waiter_hash(namespace: &Namespace, name: &LockName, waiter: &LockWaiter) -> u64 {
    hash_of(11, namespace, name).value(waiter).finish()
}

fn hash_of(seed: u64, namespace: &Namespace, name: &LockName) -> RecordHash {
    RecordHash::new(seed).bytes(namespace.as_str().as_bytes()).bytes(name.as_str().as_bytes())
}

impl State {
    pub(crate) fn lock_command(
        &mut self,
        namespace: &Namespace,
        op: &LockCommand,
        changes: &mut Vec<Change>,
    ) -> Outcome {
        self.settle(namespace, op.name(), changes);
        let done = match op {
            LockCommand::Acquire { name, session, value, queue } => {
                let wanted = Acquire { name, session: *session, value, queue: *queue };
                self.lock_acquire(namespace, &wanted, changes)
            }
            LockCommand::Release { name, session, fencing } => {
                self.lock_release(namespace, name, *session, *fencing, changes)
            }
            LockCommand::Cancel { name, session, claim, give_back } => {
                self.lock_cancel(namespace, name, *session, *claim, *give_back, changes)
            }
        };
        done.unwrap_or_else(Outcome::Refused)
    }

    fn lock_acquire(
        &mut self,
        namespace: &Namespace,
        wanted: &Acquire<'_>,
        changes: &mut Vec<Change>,
    ) -> Result<Outcome, Refusal> {
        self.session_must_live(namespace, wanted.session)?;
        let Some(lock) = self.locks.get(namespace, wanted.name).cloned() else {
            return self.grant_free(namespace, wanted, changes);
        };
        if let Some(holder) = lock.holder.as_ref().filter(|holder| holder.session == wanted.session) {
            return Ok(self.claim_again(namespace, wanted.name, &lock, holder));
        }
        if !wanted.queue {
            return Err(lock.delayed_until.map_or(Refusal::LockHeld, |until| Refusal::LockDelay { until }));
        }
        self.enqueue(namespace, wanted, changes)
    }

    fn grant_free(
        &mut self,
        namespace: &Namespace,
        wanted: &Acquire<'_>,
        changes: &mut Vec<Change>,
    ) -> Result<Outcome, Refusal> {
        if self.locks.count(namespace) >= self.limits.locks {
            return Err(Refusal::TooManyLocks { namespace: namespace.to_string(), limit: self.limits.locks });
        }
        let (session, value, claim) = (wanted.session, wanted.value.clone(), self.index);
        let lock = self.granted(session, value, claim, self.index);
        self.put_lock(namespace, wanted.name, Some(Arc::clone(&lock)), changes);
        Ok(Outcome::Lock(lock))
    }

    fn granted(&self, session: SessionId, value: Value, claim: Index, create_index: Index) -> Arc<Lock> {
        let holder = LockHolder { session, fencing: self.index, claim, value, since: self.at };
        Arc::new(Lock { holder: Some(holder), delayed_until: None, create_index, modify_index: self.index })
    }

    /// The holder asks again: nothing changes but which request a cancellation must have seen.
    fn claim_again(
        &mut self,
        namespace: &Namespace,
        name: &LockName,
        lock: &Lock,
        holder: &LockHolder,
    ) -> Outcome {
        let holder = LockHolder { claim: self.index, ..holder.clone() };
        let lock = Arc::new(Lock { holder: Some(holder), ..lock.clone() });
        self.swap_lock(namespace, name, Some(&lock));
        Outcome::Lock(lock)
    }

    fn enqueue(
        &mut self,
        namespace: &Namespace,
        wanted: &Acquire<'_>,
        changes: &mut Vec<Change>,
    ) -> Result<Outcome, Refusal> {
        let old = self.locks.waiter(namespace, wanted.name, wanted.session).cloned();
        let waiting = self.locks.waiting(namespace, wanted.name);
        if old.is_none() && waiting >= self.limits.lock_queue {
            return Err(Refusal::LockQueueFull { limit: self.limits.lock_queue });
        }
        let waiter = Arc::new(LockWaiter {
            session: wanted.session,
            place: old.as_ref().map_or(self.index, |old| old.place),
            claim: self.index,
            value: wanted.value.clone(),
            since: old.as_ref().map_or(self.at, |old| old.since),
        });
        let ahead = match &old {
            Some(old) => self.locks.ahead(namespace, wanted.name, old.place),
            None => waiting,
        };
        match old {
            // Its place does not change, so nobody needs to hear of it.
            Some(_) => drop(self.swap_waiter(namespace, wanted.name, wanted.session, Some(&waiter))),
            None => {
                self.put_waiter(namespace, wanted.name, wanted.session, Some(Arc::clone(&waiter)), changes);
            }
        }
        Ok(Outcome::Queued { ahead, waiter })
    }

    fn lock_release(
        &mut self,
        namespace: &Namespace,
        name: &LockName,
        session: SessionId,
        fencing: Option<Index>,
        changes: &mut Vec<Change>,
    ) -> Result<Outcome, Refusal> {
        let lock = self.locks.get(namespace, name).cloned().ok_or(Refusal::NotHolder)?;
        let holder = lock.holder.as_ref().filter(|holder| holder.session == session);
        let found = holder.ok_or(Refusal::NotHolder)?.fencing;
        if fencing.is_some_and(|wanted| wanted != found) {
            return Err(Refusal::StaleFencing { found });
        }
        self.free_lock(namespace, name, &lock, None, changes);
        Ok(Outcome::Done)
    }

    fn lock_cancel(
        &mut self,
        namespace: &Namespace,
        name: &LockName,
        session: SessionId,
        claim: Index,
        give_back: bool,
        changes: &mut Vec<Change>,
    ) -> Result<Outcome, Refusal> {
        if let Some(waiter) = self.locks.waiter(namespace, name, session) {
            if waiter.claim != claim {
                return Err(Refusal::Superseded);
            }
            self.put_waiter(namespace, name, session, None, changes);
            return Ok(Outcome::Done);
        }
        let Some(lock) = self.locks.get(namespace, name).cloned() else {
            return Ok(Outcome::Done);
        };
        match &lock.holder {
            Some(holder) if holder.session == session && holder.claim == claim => {
                if !give_back {
                    return Ok(Outcome::Lock(lock));
                }
                self.free_lock(namespace, name, &lock, None, changes);
                Ok(Outcome::Done)
            }
            Some(holder) if holder.session == session => Err(Refusal::Superseded),
            _ => Ok(Outcome::Done),
        }
    }

    /// Takes the holder away; the lock goes to the next when the entry is through, or after the delay.
    fn free_lock(
        &mut self,
        namespace: &Namespace,
        name: &LockName,
        lock: &Lock,
        delayed_until: Option<Millis>,
        changes: &mut Vec<Change>,
    ) {
        let free = Lock { holder: None, delayed_until, modify_index: self.index, ..lock.clone() };
        self.put_lock(namespace, name, Some(Arc::new(free)), changes);
        self.locks.unsettled.push((namespace.clone(), name.clone()));
    }

    /// Grants the locks that this entry left without a holder.
    pub(crate) fn settle_locks(&mut self, changes: &mut Vec<Change>) {
        for (namespace, name) in std::mem::take(&mut self.locks.unsettled) {
            self.settle(&namespace, &name, changes);
        }
    }

    /// A lock without a holder, whose delay is over, goes to who waits first, or is simply free.
    fn settle(&mut self, namespace: &Namespace, name: &LockName, changes: &mut Vec<Change>) {
        let Some(lock) = self.locks.get(namespace, name) else { return };
        if lock.holder.is_some() || lock.delayed_until.is_some_and(|until| until > self.at) {
            return;
        }
        let create_index = lock.create_index;
        let Some(next) = self.locks.first_waiter(namespace, name).cloned() else {
            self.put_lock(namespace, name, None, changes);
            return;
        };
        self.put_waiter(namespace, name, next.session, None, changes);
        let lock = self.granted(next.session, next.value.clone(), next.claim, create_index);
        self.put_lock(namespace, name, Some(lock), changes);
    }

    /// Grants locks whose delay is over, as a leader of this term saw them. What moved on since stays.
    pub(crate) fn lock_due(
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
            let lock = self.locks.get(namespace, name);
            if lock.is_some_and(|lock| lock.delayed_until == Some(*until) && *until <= self.at) {
                self.settle(namespace, name, changes);
                count += 1;
            }
        }
        Outcome::Counted(count)
    }

    /// A session is gone: it leaves the queues in which it waits, and its locks stay free for its delay.
    pub(crate) fn end_locks_of(
        &mut self,
        namespace: &Namespace,
        session: SessionId,
        delay_ms: u64,
        changes: &mut Vec<Change>,
    ) {
        for name in self.locks.names_of(namespace, session) {
            if self.locks.waiter(namespace, &name, session).is_some() {
                self.put_waiter(namespace, &name, session, None, changes);
            } else if let Some(lock) = self.locks.get(namespace, &name).cloned() {
                let until = (delay_ms > 0).then(|| self.at.plus(delay_ms));
                self.free_lock(namespace, &name, &lock, until.max(lock.delayed_until), changes);
            }
        }
    }

    fn put_lock(
        &mut self,
        namespace: &Namespace,
        name: &LockName,
        new: Option<Arc<Lock>>,
        changes: &mut Vec<Change>,
    ) {
        self.locks.changed.insert(namespace.clone(), self.index);
        let old = self.swap_lock(namespace, name, new.as_ref());
        changes.push(Change::Lock { namespace: namespace.clone(), name: name.clone(), old, new });
    }

    fn put_waiter(
        &mut self,
        namespace: &Namespace,
        name: &LockName,
        session: SessionId,
        new: Option<Arc<LockWaiter>>,
        changes: &mut Vec<Change>,
    ) {
        self.locks.changed.insert(namespace.clone(), self.index);
        let old = self.swap_waiter(namespace, name, session, new.as_ref());
        let (namespace, name) = (namespace.clone(), name.clone());
        changes.push(Change::LockWaiter { namespace, name, session, old, new });
    }

    pub(crate) fn swap_lock(
        &mut self,
        namespace: &Namespace,
        name: &LockName,
        new: Option<&Arc<Lock>>,
    ) -> Option<Arc<Lock>> {
        let old = self.locks.replace(namespace, name, new);
        let hash = |lock: Option<&Arc<Lock>>| lock.map(|lock| lock_hash(namespace, name, lock));
        self.hashes.replace(Table::Locks, hash(old.as_ref()), hash(new));
        old
    }

    pub(crate) fn swap_waiter(
        &mut self,
        namespace: &Namespace,
        name: &LockName,
        session: SessionId,
        new: Option<&Arc<LockWaiter>>,
    ) -> Option<Arc<LockWaiter>> {
        let old = self.locks.replace_waiter(namespace, name, session, new);
        let hash = |waiter: Option<&Arc<LockWaiter>>| waiter.map(|w| waiter_hash(namespace, name, w));
        self.hashes.replace(Table::Locks, hash(old.as_ref()), hash(new));
        old
    }

    /// Takes the delays that still run over into a state that was restored: whoever lost those locks may not have noticed.
    pub(crate) fn carry_lock_delays(&mut self, running: OrdMap<(Namespace, LockName), Millis>) {
        let stale: Vec<_> = self.locks.delayed.iter().cloned().collect();
        for (_, namespace, name) in stale {
            // A delay of the backup is that of another time.
            if let Some(lock) = self.locks.get(&namespace, &name) {
                let free = Arc::new(Lock { delayed_until: None, ..(**lock).clone() });
                self.swap_lock(&namespace, &name, Some(&free));
                self.locks.unsettled.push((namespace, name));
            }
        }
        for ((namespace, name), until) in running {
            let lock = match self.locks.get(&namespace, &name) {
                Some(lock) => Lock { delayed_until: Some(until), ..(**lock).clone() },
                None => {
                    let (create_index, modify_index) = (self.index, self.index);
                    Lock { holder: None, delayed_until: Some(until), create_index, modify_index }
                }
            };
            self.locks.changed.insert(namespace.clone(), self.index);
            self.swap_lock(&namespace, &name, Some(&Arc::new(lock)));
        }
    }
}

/// The delays that run, by lock.
pub(crate) fn running_delays(locks: &Locks, at: Millis) -> OrdMap<(Namespace, LockName), Millis> {
    let running = locks.delayed.iter().filter(|(until, ..)| *until > at);
    running.map(|(until, namespace, name)| ((namespace.clone(), name.clone()), *until)).collect()
}

/// Names in order of time.
pub(crate) type Delayed = OrdSet<(Millis, Namespace, LockName)>;
