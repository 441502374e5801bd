//! The tables of locks and waiters, with everything derived from them.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use konsul_types::{Index, Lock, LockName, LockWaiter, Millis, Namespace, SessionId};

use super::Delayed;

/// The locks that are not simply free, and who waits for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Locks {
    pub(crate) by_name: OrdMap<(Namespace, LockName), Arc<Lock>>,
    /// The queues, one behind the other, each by place.
    pub(crate) waiters: OrdMap<(Namespace, LockName, Index), Arc<LockWaiter>>,
    /// The place of each waiting session.
    pub(crate) places: OrdMap<(Namespace, LockName, SessionId), Index>,
    /// What each session holds or waits for.
    pub(crate) of_session: OrdSet<(Namespace, SessionId, LockName)>,
    /// Locks that stay free for a while, by when that is over.
    pub(crate) delayed: Delayed,
    /// Locks in each namespace.
    pub(crate) counts: OrdMap<Namespace, u64>,
    /// Waiters of each lock.
    pub(crate) queues: OrdMap<(Namespace, LockName), u64>,
    /// Index of the last change in each namespace, queues included.
    pub(crate) changed: OrdMap<Namespace, Index>,
    /// Locks that the entry in hand has freed. Empty between entries.
    pub(crate) unsettled: Vec<(Namespace, LockName)>,
}

impl Locks {
    /// The name that comes before all others.
    pub fn lowest_name() -> LockName {
        LockName::new(" ").expect("a space, the lowest character of names, is a name")
    }

    /// One lock; `None` if it is free.
    pub fn get(&self, namespace: &Namespace, name: &LockName) -> Option<&Arc<Lock>> {
        self.by_name.get(&(namespace.clone(), name.clone()))
    }

    /// The locks of a namespace that are not free, by name, from one name on.
    pub fn from<'a>(
        &'a self,
        namespace: &'a Namespace,
        first: LockName,
    ) -> impl Iterator<Item = (&'a LockName, &'a Arc<Lock>)> {
        self.by_name
            .range((namespace.clone(), first)..)
            .take_while(move |((of, _), _)| of == namespace)
            .map(|((_, name), lock)| (name, lock))
    }

    /// Every lock that is not free.
    pub fn all(&self) -> impl Iterator<Item = (&Namespace, &LockName, &Arc<Lock>)> {
        self.by_name.iter().map(|((namespace, name), lock)| (namespace, name, lock))
    }

    /// Who waits for a lock, first come first.
    pub fn queue<'a>(
        &'a self,
        namespace: &Namespace,
        name: &'a LockName,
    ) -> impl Iterator<Item = &'a Arc<LockWaiter>> {
        let (from, of) = ((namespace.clone(), name.clone(), Index::ZERO), namespace.clone());
        self.waiters
            .range(from..)
            .take_while(move |((space, lock, _), _)| *space == of && lock == name)
            .map(|(_, waiter)| waiter)
    }

    /// Who waits first.
    pub fn first_waiter(&self, namespace: &Namespace, name: &LockName) -> Option<&Arc<LockWaiter>> {
        let from = (namespace.clone(), name.clone(), Index::ZERO);
        let ((space, lock, _), waiter) = self.waiters.range(from..).next()?;
        (space == namespace && lock == name).then_some(waiter)
    }

    /// A session's place in a queue.
    pub fn waiter(
        &self,
        namespace: &Namespace,
        name: &LockName,
        session: SessionId,
    ) -> Option<&Arc<LockWaiter>> {
        let place = *self.places.get(&(namespace.clone(), name.clone(), session))?;
        self.waiters.get(&(namespace.clone(), name.clone(), place))
    }

    /// How many wait for a lock.
    pub fn waiting(&self, namespace: &Namespace, name: &LockName) -> u64 {
        self.queues.get(&(namespace.clone(), name.clone())).copied().unwrap_or(0)
    }

    /// How many wait before a place.
    pub fn ahead(&self, namespace: &Namespace, name: &LockName, place: Index) -> u64 {
        self.queue(namespace, name).take_while(|waiter| waiter.place < place).count() as u64
    }

    /// How many locks of a namespace are not free.
    pub fn count(&self, namespace: &Namespace) -> u64 {
        self.counts.get(namespace).copied().unwrap_or(0)
    }

    /// How many wait for locks of a namespace.
    pub fn waiters_in(&self, namespace: &Namespace) -> u64 {
        let queues = self.queues.range((namespace.clone(), Self::lowest_name())..);
        queues.take_while(|((of, _), _)| of == namespace).map(|(_, waiting)| waiting).sum()
    }

    /// When the locks of a namespace or their queues last changed.
    pub fn changed(&self, namespace: &Namespace) -> Index {
        self.changed.get(namespace).copied().unwrap_or(Index::ZERO)
    }

    /// Locks that stay free for a while, soonest over first.
    pub fn delays(&self) -> impl Iterator<Item = (Millis, &Namespace, &LockName)> {
        self.delayed.iter().map(|(until, namespace, name)| (*until, namespace, name))
    }

    /// What a session holds or waits for.
    pub(crate) fn names_of(&self, namespace: &Namespace, session: SessionId) -> Vec<LockName> {
        let from = (namespace.clone(), session, Self::lowest_name());
        let of =
            self.of_session.range(from..).take_while(|(space, id, _)| space == namespace && *id == session);
        of.map(|(_, _, name)| name.clone()).collect()
    }

    /// Puts a lock in or takes it out, and keeps everything derived true.
    pub(crate) fn replace(
        &mut self,
        namespace: &Namespace,
        name: &LockName,
        new: Option<&Arc<Lock>>,
    ) -> Option<Arc<Lock>> {
        let key = (namespace.clone(), name.clone());
        let old = match new {
            Some(lock) => self.by_name.insert(key, Arc::clone(lock)),
            None => self.by_name.remove(&key),
        };
        if let Some(old) = &old {
            self.unindex(namespace, name, old);
        }
        if let Some(new) = new {
            self.index(namespace, name, new);
        }
        count(&mut self.counts, namespace, old.is_some(), new.is_some());
        old
    }

    fn index(&mut self, namespace: &Namespace, name: &LockName, lock: &Lock) {
        if let Some(holder) = &lock.holder {
            self.of_session.insert((namespace.clone(), holder.session, name.clone()));
        }
        if let Some(until) = lock.delayed_until {
            self.delayed.insert((until, namespace.clone(), name.clone()));
        }
    }

    fn unindex(&mut self, namespace: &Namespace, name: &LockName, lock: &Lock) {
        if let Some(holder) = &lock.holder {
            self.of_session.remove(&(namespace.clone(), holder.session, name.clone()));
        }
        if let Some(until) = lock.delayed_until {
            self.delayed.remove(&(until, namespace.clone(), name.clone()));
        }
    }

    /// Puts a waiter in its place or takes it out.
    pub(crate) fn replace_waiter(
        &mut self,
        namespace: &Namespace,
        name: &LockName,
        session: SessionId,
        new: Option<&Arc<LockWaiter>>,
    ) -> Option<Arc<LockWaiter>> {
        let (space, lock) = (namespace.clone(), name.clone());
        let key = (space.clone(), lock.clone(), session);
        let old = self
            .places
            .remove(&key)
            .and_then(|place| self.waiters.remove(&(space.clone(), lock.clone(), place)));
        let mark = (space.clone(), session, lock.clone());
        match new {
            Some(waiter) => {
                self.places.insert(key, waiter.place);
                self.waiters.insert((space.clone(), lock.clone(), waiter.place), Arc::clone(waiter));
                self.of_session.insert(mark);
            }
            None => drop(self.of_session.remove(&mark)),
        }
        count(&mut self.queues, &(space, lock), old.is_some(), new.is_some());
        old
    }
}

/// Counts one more or one less. Zero leaves no trace, as in a state that was read from a snapshot.
fn count<K: Ord + Clone>(counts: &mut OrdMap<K, u64>, key: &K, was: bool, is: bool) {
    let now = counts.get(key).copied().unwrap_or(0);
    match (was, is) {
        (false, true) => drop(counts.insert(key.clone(), now + 1)),
        (true, false) if now <= 1 => drop(counts.remove(key)),
        (true, false) => drop(counts.insert(key.clone(), now - 1)),
        _ => {}
    }
}
