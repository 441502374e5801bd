//! Checks the locks and their queues against each other and against the sessions.

use std::collections::{BTreeMap, BTreeSet};

use crate::state::State;

/// The first thing that does not hold.
pub(super) fn verify(state: &State) -> Option<String> {
    holders(state).or_else(|| waiters(state)).or_else(|| lists(state)).or_else(|| counts(state))
}

fn holders(state: &State) -> Option<String> {
    let locks = &state.locks;
    if !locks.unsettled.is_empty() {
        return Some(format!("{:?} are not settled between entries", locks.unsettled));
    }
    locks.all().find_map(|(namespace, name, lock)| {
        let place = format!("lock {name} of {namespace}");
        if lock.holder.is_some() == lock.delayed_until.is_some() {
            return Some(format!("{place} should be either held or delayed: {lock:?}"));
        }
        let holder = lock.holder.as_ref()?;
        if state.sessions.get(namespace, holder.session).is_none() {
            return Some(format!("{place} is held by session {}, which does not exist", holder.session));
        }
        let rises =
            lock.create_index <= holder.fencing && holder.fencing <= holder.claim.max(lock.modify_index);
        (!rises).then(|| format!("the indexes of {place} are out of order: {lock:?}"))
    })
}

fn waiters(state: &State) -> Option<String> {
    let locks = &state.locks;
    locks.waiters.iter().find_map(|((namespace, name, at), waiter)| {
        let place = format!("session {} in the queue of lock {name} of {namespace}", waiter.session);
        if waiter.place != *at || waiter.claim < waiter.place {
            return Some(format!("{place} stands at {at}: {waiter:?}"));
        }
        if state.sessions.get(namespace, waiter.session).is_none() {
            return Some(format!("{place} does not exist"));
        }
        match locks.get(namespace, name) {
            None => Some(format!("{place} waits for a lock that is free")),
            Some(lock) if lock.holder.as_ref().is_some_and(|holder| holder.session == waiter.session) => {
                Some(format!("{place} waits for what it holds"))
            }
            Some(_) => None,
        }
    })
}

/// Whether what sessions have and until when delays run is listed as it is.
fn lists(state: &State) -> Option<String> {
    let locks = &state.locks;
    let holding = locks.all().filter_map(|(namespace, name, lock)| {
        Some((namespace.clone(), lock.holder.as_ref()?.session, name.clone()))
    });
    let waiting = locks
        .waiters
        .iter()
        .map(|((namespace, name, _), waiter)| (namespace.clone(), waiter.session, name.clone()));
    let of_session: BTreeSet<_> = holding.chain(waiting).collect();
    if !of_session.iter().eq(locks.of_session.iter()) {
        return Some("sessions are listed with other locks than they have".into());
    }
    let places: BTreeMap<_, _> = locks
        .waiters
        .iter()
        .map(|((namespace, name, at), waiter)| ((namespace.clone(), name.clone(), waiter.session), *at))
        .collect();
    if places.len() != locks.waiters.len() || !places.iter().eq(locks.places.iter()) {
        return Some("sessions are listed in other places than they wait in".into());
    }
    let delayed: BTreeSet<_> = locks
        .all()
        .filter_map(|(namespace, name, lock)| Some((lock.delayed_until?, namespace.clone(), name.clone())))
        .collect();
    (!delayed.iter().eq(locks.delayed.iter())).then(|| "other delays are listed than locks have".into())
}

fn counts(state: &State) -> Option<String> {
    let locks = &state.locks;
    let mut counts = BTreeMap::new();
    for (namespace, _, lock) in locks.all() {
        *counts.entry(namespace.clone()).or_insert(0u64) += 1;
        if lock.modify_index > locks.changed(namespace) {
            return Some(format!("a lock of {namespace} changed after its table"));
        }
    }
    let mut queues = BTreeMap::new();
    for (namespace, name, _) in locks.waiters.keys() {
        *queues.entry((namespace.clone(), name.clone())).or_insert(0u64) += 1;
    }
    (!counts.iter().eq(locks.counts.iter()) || !queues.iter().eq(locks.queues.iter()))
        .then(|| format!("locks and queues are counted {:?} {:?}", locks.counts, locks.queues))
}
