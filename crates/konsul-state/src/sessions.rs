//! Sessions of all namespaces, and their end.
//!
//! Time to live is log time. [`Session::deadline`] lies two times to live after the last renewal that entered the log, and
//! renewals enter it at least once per time to live (see [`Session::renewal_is_due`]), so a renewal that was acknowledged
//! without an entry still has one whole time to live before it.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use konsul_types::session::ServiceCheckRef;
use konsul_types::{
    Behavior, Change, Check, CheckStatus, Index, Millis, Namespace, NodeName, Outcome, Refusal, Session,
    SessionId, SessionSpec,
};

use crate::hash::{RecordHash, Table};
use crate::mutants;
use crate::state::State;

/// Longest lock delay, in milliseconds, as in Consul.
pub const LOCK_DELAY_MAX_MS: u64 = 60_000;

/// The live sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sessions {
    pub(crate) by_id: OrdMap<(Namespace, SessionId), Arc<Session>>,
    pub(crate) deadlines: OrdSet<(Millis, Namespace, SessionId)>,
    pub(crate) by_node: OrdSet<(NodeName, Namespace, SessionId)>,
    /// Index of the last change in each namespace, deletions included.
    pub(crate) changed: OrdMap<Namespace, Index>,
    pub(crate) counts: OrdMap<Namespace, u64>,
}

impl Sessions {
    /// One session.
    pub fn get(&self, namespace: &Namespace, id: SessionId) -> Option<&Arc<Session>> {
        self.by_id.get(&(namespace.clone(), id))
    }

    /// The sessions of a namespace, by id.
    pub fn of<'a>(&'a self, namespace: &'a Namespace) -> impl Iterator<Item = &'a Arc<Session>> {
        let from = (namespace.clone(), SessionId(uuid_zero()));
        self.by_id
            .range(from..)
            .take_while(move |((name, _), _)| name == namespace)
            .map(|(_, session)| session)
    }

    /// Every session of every namespace.
    pub fn all(&self) -> impl Iterator<Item = (&Namespace, &Arc<Session>)> {
        self.by_id.iter().map(|((namespace, _), session)| (namespace, session))
    }

    /// When the sessions of a namespace last changed.
    pub fn changed(&self, namespace: &Namespace) -> Index {
        self.changed.get(namespace).copied().unwrap_or(Index::ZERO)
    }

    /// How many there are in a namespace.
    pub fn count(&self, namespace: &Namespace) -> u64 {
        self.counts.get(namespace).copied().unwrap_or(0)
    }

    /// Deadlines, soonest first.
    pub fn deadlines(&self) -> impl Iterator<Item = (Millis, &Namespace, SessionId)> {
        self.deadlines.iter().map(|(at, namespace, id)| (*at, namespace, *id))
    }

    /// Puts a session in or takes it out, and keeps everything derived true.
    pub(crate) fn replace(
        &mut self,
        namespace: &Namespace,
        id: SessionId,
        new: Option<&Arc<Session>>,
    ) -> Option<Arc<Session>> {
        let key = (namespace.clone(), id);
        let old = match new {
            Some(session) => self.by_id.insert(key, Arc::clone(session)),
            None => self.by_id.remove(&key),
        };
        if let Some(old) = &old {
            self.unindex(namespace, id, old);
        }
        if let Some(new) = new {
            self.index(namespace, id, new);
        }
        old
    }

    fn index(&mut self, namespace: &Namespace, id: SessionId, session: &Session) {
        if let Some(at) = session.deadline {
            self.deadlines.insert((at, namespace.clone(), id));
        }
        self.by_node.insert((listed_under(&session.spec.node), namespace.clone(), id));
        *self.counts.entry(namespace.clone()).or_default() += 1;
    }

    fn unindex(&mut self, namespace: &Namespace, id: SessionId, session: &Session) {
        if let Some(at) = session.deadline {
            self.deadlines.remove(&(at, namespace.clone(), id));
        }
        self.by_node.remove(&(listed_under(&session.spec.node), namespace.clone(), id));
        match self.count(namespace) {
            // No trace is left, as in a state that was read from a snapshot.
            0 | 1 => drop(self.counts.remove(namespace)),
            count => drop(self.counts.insert(namespace.clone(), count - 1)),
        }
    }

    fn on_node(&self, node: &NodeName) -> Vec<(Namespace, SessionId)> {
        let lowest = Namespace::new("0").expect("a digit is a namespace");
        let node = listed_under(node);
        let from = (node.clone(), lowest, SessionId(uuid_zero()));
        let here = self.by_node.range(from..).take_while(|(name, ..)| *name == node);
        here.map(|(_, namespace, id)| (namespace.clone(), *id)).collect()
    }
}

/// The names of nodes are compared without regard to case, and a session says its node's as its holder wrote it.
pub(crate) fn listed_under(node: &NodeName) -> NodeName {
    if mutants::active(mutants::NODES_AS_SPELLED) { node.clone() } else { node.folded() }
}

/// Whether a session leans on a check of its node. Node checks may name checks of instances in the default namespace too, as
/// in Consul.
fn leans_on(namespace: &Namespace, spec: &SessionSpec, check: &Check) -> bool {
    let by_node = check.namespace.is_default() && spec.node_checks.contains(&check.id);
    let of_service = |named: &ServiceCheckRef| {
        named.id == check.id && check_namespace(namespace, named).is_some_and(|ns| ns == check.namespace)
    };
    by_node || spec.service_checks.iter().any(of_service)
}

/// The namespace that a session's service check is of: the session's own unless it names one.
fn check_namespace(session: &Namespace, check: &ServiceCheckRef) -> Option<Namespace> {
    if check.namespace.is_empty() {
        Some(session.clone())
    } else {
        Namespace::new(check.namespace.as_str()).ok()
    }
}

fn uuid_zero() -> uuid::Uuid {
    uuid::Uuid::nil()
}

pub(crate) fn session_hash(namespace: &Namespace, session: &Session) -> u64 {
    RecordHash::new(2).bytes(namespace.as_str().as_bytes()).value(session).finish()
}

impl State {
    pub(crate) fn session_create(
        &mut self,
        namespace: &Namespace,
        spec: &SessionSpec,
        changes: &mut Vec<Change>,
    ) -> Outcome {
        if let Err(refusal) = self.session_may_begin(namespace, spec) {
            return Outcome::Refused(refusal);
        }
        let session = Arc::new(Session {
            spec: Arc::new(spec.clone()),
            create_index: self.index,
            modify_index: self.index,
            renewal: 0,
            renewed_at: self.at,
            deadline: spec.ttl_ms.map(|ttl| self.at.plus(ttl.saturating_mul(2))),
            grace_used: false,
        });
        self.put_session(namespace, Some(Arc::clone(&session)), spec.id, changes);
        Outcome::Session(session)
    }

    fn session_may_begin(&self, namespace: &Namespace, spec: &SessionSpec) -> Result<(), Refusal> {
        if self.sessions.get(namespace, spec.id).is_some() {
            return Err(Refusal::SessionExists { id: spec.id.to_string() });
        }
        if self.catalog.node(&spec.node).is_none() {
            return Err(Refusal::MissingNode);
        }
        for id in &spec.node_checks {
            match self.catalog.check(&spec.node, id).map(|check| check.status) {
                None => return Err(Refusal::MissingCheck { id: id.to_string() }),
                Some(CheckStatus::Critical) => return Err(Refusal::CriticalCheck { id: id.to_string() }),
                Some(_) => {}
            }
        }
        for check in &spec.service_checks {
            let namespace = check_namespace(namespace, check);
            let found =
                namespace.and_then(|namespace| self.catalog.check_of(&spec.node, &namespace, &check.id));
            match found.map(|check| check.status) {
                None => return Err(Refusal::MissingCheck { id: check.id.to_string() }),
                Some(CheckStatus::Critical) => {
                    return Err(Refusal::CriticalCheck { id: check.id.to_string() });
                }
                Some(_) => {}
            }
        }
        if self.sessions.count(namespace) >= self.limits.sessions {
            return Err(Refusal::TooManySessions {
                namespace: namespace.to_string(),
                limit: self.limits.sessions,
            });
        }
        Ok(())
    }

    pub(crate) fn session_renew(&mut self, namespace: &Namespace, id: SessionId) -> Outcome {
        let Some(old) = self.sessions.get(namespace, id).cloned() else {
            return Outcome::Refused(Refusal::UnknownSession { id: id.to_string() });
        };
        let renewed = Arc::new(Session {
            renewal: old.renewal + 1,
            renewed_at: self.at,
            deadline: old.spec.ttl_ms.map(|ttl| self.at.plus(ttl.saturating_mul(2))),
            grace_used: false,
            ..(*old).clone()
        });
        // No client sees a renewal, so it is no change to anybody.
        self.swap_session(namespace, id, Some(&renewed));
        Outcome::Session(renewed)
    }

    pub(crate) fn session_destroy(
        &mut self,
        namespace: &Namespace,
        id: SessionId,
        changes: &mut Vec<Change>,
    ) -> Outcome {
        self.end_session(namespace, id, changes);
        Outcome::Done
    }

    /// Ends those whose time ran out, as a leader of this term saw them. What moved on since stays.
    pub(crate) fn sessions_expire(
        &mut self,
        term: u64,
        seen: &[(Namespace, SessionId, u64)],
        changes: &mut Vec<Change>,
    ) -> Outcome {
        if term != self.term {
            return Outcome::Refused(Refusal::Superseded);
        }
        let mut ended = 0;
        for (namespace, id, renewal) in seen {
            let over = self.sessions.get(namespace, *id).is_some_and(|session| {
                let ripe = session.renewal == *renewal && session.deadline.is_some_and(|at| at <= self.at);
                ripe || mutants::active(mutants::EXPIRY_WITHOUT_RENEWAL)
            });
            if over {
                self.end_session(namespace, *id, changes);
                ended += 1;
            }
        }
        Outcome::Counted(ended)
    }

    /// A new leader: sessions whose time ran out while nobody led could not be renewed, so each gets one more time to
    /// live, once until its next renewal.
    pub(crate) fn leader_start(&mut self, term: u64) -> Outcome {
        if term != self.term {
            return Outcome::Refused(Refusal::Superseded);
        }
        if mutants::active(mutants::NO_GRACE) {
            return Outcome::Counted(0);
        }
        let at = self.at;
        let needs = |session: &Session| {
            let ttl = session.spec.ttl_ms?;
            let short = session.deadline.is_some_and(|deadline| deadline < at.plus(ttl));
            (short && !session.grace_used).then(|| at.plus(ttl))
        };
        let extended: Vec<_> = self
            .sessions
            .all()
            .filter_map(|(namespace, session)| {
                Some((namespace.clone(), Arc::clone(session), needs(session)?))
            })
            .collect();
        let count = extended.len() as u64;
        for (namespace, session, deadline) in extended {
            let longer = Session { deadline: Some(deadline), grace_used: true, ..(*session).clone() };
            self.swap_session(&namespace, session.spec.id, Some(&Arc::new(longer)));
        }
        Outcome::Counted(count)
    }

    /// Ends the sessions that lean on a check of a node.
    pub(crate) fn end_sessions_of_check(&mut self, check: &Check, changes: &mut Vec<Change>) {
        for (namespace, id) in self.sessions.on_node(&check.node) {
            let leans = |session: &Arc<Session>| leans_on(&namespace, &session.spec, check);
            if self.sessions.get(&namespace, id).is_some_and(leans) {
                self.end_session(&namespace, id, changes);
            }
        }
    }

    /// Ends every session of a node.
    pub(crate) fn end_sessions_of_node(&mut self, node: &NodeName, changes: &mut Vec<Change>) {
        for (namespace, id) in self.sessions.on_node(node) {
            self.end_session(&namespace, id, changes);
        }
    }

    /// Ends every session: those of a restored backup.
    pub(crate) fn end_all_sessions(&mut self, changes: &mut Vec<Change>) {
        let all: Vec<_> = self.sessions.by_id.keys().cloned().collect();
        for (namespace, id) in all {
            self.end_session(&namespace, id, changes);
        }
    }

    /// Removes a session; its keys are released or removed, and their locks delayed.
    fn end_session(&mut self, namespace: &Namespace, id: SessionId, changes: &mut Vec<Change>) {
        let Some(session) = self.sessions.get(namespace, id).cloned() else {
            return;
        };
        self.put_session(namespace, None, id, changes);
        if namespace.is_default() {
            self.end_queries_of(id, changes);
        }
        let delay = session.spec.lock_delay_ms.min(LOCK_DELAY_MAX_MS);
        self.end_locks_of(namespace, id, delay, changes);
        let mut keys: Vec<_> =
            self.keyspace(namespace).into_iter().flat_map(|ks| ks.held_by(id)).cloned().collect();
        if mutants::active(mutants::HASH_ORDER) {
            // tidy: hash-order-free because this is the bug that mutant 17 puts in.
            keys = keys.into_iter().collect::<std::collections::HashSet<_>>().into_iter().collect();
        }
        for key in keys {
            match session.spec.behavior {
                Behavior::Release => self.release_key(namespace, &key, changes),
                Behavior::Delete => self.remove_key(namespace, &key, changes),
            }
            if delay > 0 && !mutants::active(mutants::NO_LOCK_DELAY) {
                let until = self.at.plus(delay);
                self.keyspace_mut(namespace).delay_lock(&key, until);
            }
        }
    }

    fn put_session(
        &mut self,
        namespace: &Namespace,
        new: Option<Arc<Session>>,
        id: SessionId,
        changes: &mut Vec<Change>,
    ) {
        self.sessions.changed.insert(namespace.clone(), self.index);
        let old = self.swap_session(namespace, id, new.as_ref());
        changes.push(Change::Session { namespace: namespace.clone(), id, old, new });
    }

    fn swap_session(
        &mut self,
        namespace: &Namespace,
        id: SessionId,
        new: Option<&Arc<Session>>,
    ) -> Option<Arc<Session>> {
        let old = self.sessions.replace(namespace, id, new);
        let hash = |session: Option<&Arc<Session>>| session.map(|s| session_hash(namespace, s));
        self.hashes.replace(Table::Sessions, hash(old.as_ref()), hash(new));
        old
    }
}
