//! Sessions: how they begin, go on and end.

use std::sync::Arc;

use konsul_types::{
    Behavior, Change, Check, CheckId, CheckStatus, KvRecord, Namespace, NodeName, Outcome, Refusal, Session,
    SessionId, SessionSpec,
};

use super::catalogue::lower;
use super::{Model, Place};

/// Longest lock delay, as in Consul: one minute.
const DELAY_MAX_MS: u64 = 60_000;

impl Model {
    pub(super) fn create(
        &mut self,
        namespace: &Namespace,
        spec: &SessionSpec,
        changes: &mut Vec<Change>,
    ) -> Outcome {
        if let Err(refusal) = self.may_begin(namespace, spec) {
            return Outcome::Refused(refusal);
        }
        let session = Arc::new(Session {
            spec: Arc::new(spec.clone()),
            create_index: self.index,
            modify_index: self.index,
            renewal: 0,
            renewed_at: self.at,
            deadline: spec.ttl_ms.map(|ttl| self.at.plus(2 * ttl)),
            grace_used: false,
        });
        self.swap(namespace, spec.id, Some(session.clone()), changes);
        Outcome::Session(session)
    }

    fn may_begin(&self, namespace: &Namespace, spec: &SessionSpec) -> Result<(), Refusal> {
        if self.sessions.contains_key(&(namespace.clone(), spec.id)) {
            return Err(Refusal::SessionExists { id: spec.id.to_string() });
        }
        if self.catalogue.node(&spec.node).is_none() {
            return Err(Refusal::MissingNode);
        }
        for (of, id) in leans_on(namespace, spec) {
            match self.catalogue.check(&spec.node, &of, &id) {
                None => return Err(Refusal::MissingCheck { id: id.to_string() }),
                Some(check) if check.status == CheckStatus::Critical => {
                    return Err(Refusal::CriticalCheck { id: id.to_string() });
                }
                Some(_) => {}
            }
        }
        let live = self.sessions.keys().filter(|(name, _)| name == namespace).count() as u64;
        if live >= self.limits.sessions {
            return Err(Refusal::TooManySessions {
                namespace: namespace.to_string(),
                limit: self.limits.sessions,
            });
        }
        Ok(())
    }

    /// A renewal is seen by no client, so it is no change.
    pub(super) fn renew(&mut self, namespace: &Namespace, id: SessionId) -> Outcome {
        let place = (namespace.clone(), id);
        let Some(old) = self.sessions.get(&place) else {
            return Outcome::Refused(Refusal::UnknownSession { id: id.to_string() });
        };
        let session = Arc::new(Session {
            renewal: old.renewal + 1,
            renewed_at: self.at,
            deadline: old.spec.ttl_ms.map(|ttl| self.at.plus(2 * ttl)),
            grace_used: false,
            ..(**old).clone()
        });
        self.sessions.insert(place, session.clone());
        Outcome::Session(session)
    }

    pub(super) fn expire_sessions(
        &mut self,
        term: u64,
        seen: &[(Namespace, SessionId, u64)],
        changes: &mut Vec<Change>,
    ) -> Outcome {
        if term != self.term {
            return Outcome::Refused(Refusal::Superseded);
        }
        let mut count = 0;
        for (namespace, id, renewal) in seen {
            let over = self.sessions.get(&(namespace.clone(), *id)).is_some_and(|session| {
                session.renewal == *renewal && session.deadline.is_some_and(|end| end <= self.at)
            });
            if over {
                self.end(namespace, *id, changes);
                count += 1;
            }
        }
        Outcome::Counted(count)
    }

    /// While nobody led nobody could renew: each session has a whole time to live again, once until its next renewal.
    pub(super) fn leader_start(&mut self, term: u64) -> Outcome {
        if term != self.term {
            return Outcome::Refused(Refusal::Superseded);
        }
        let mut count = 0;
        let at = self.at;
        for session in self.sessions.values_mut() {
            let Some((ttl, end)) = session.spec.ttl_ms.zip(session.deadline) else { continue };
            if end < at.plus(ttl) && !session.grace_used {
                *session = Arc::new(Session {
                    deadline: Some(at.plus(ttl)),
                    grace_used: true,
                    ..(**session).clone()
                });
                count += 1;
            }
        }
        Outcome::Counted(count)
    }

    /// The sessions that live with a node, in order.
    pub(super) fn sessions_on(&self, node: &NodeName) -> Vec<(Namespace, SessionId)> {
        let here = self.sessions.iter().filter(|(_, session)| lower(&session.spec.node) == lower(node));
        here.map(|(place, _)| place.clone()).collect()
    }

    /// A check is critical, or gone: the sessions that lean on it end.
    pub(super) fn end_leaning_on(&mut self, check: &Check, changes: &mut Vec<Change>) {
        for (namespace, id) in self.sessions_on(&check.node) {
            let session = self.sessions.get(&(namespace.clone(), id));
            let leans = session.is_some_and(|session| {
                leans_on(&namespace, &session.spec).contains(&(check.namespace.clone(), check.id.clone()))
            });
            if leans {
                self.end(&namespace, id, changes);
            }
        }
    }

    /// Ends a session: its keys are released or removed, in order, and their locks stay free for a while.
    pub(super) fn end(&mut self, namespace: &Namespace, id: SessionId, changes: &mut Vec<Change>) {
        let Some(session) = self.sessions.get(&(namespace.clone(), id)).cloned() else { return };
        self.swap(namespace, id, None, changes);
        if namespace.is_default() {
            self.end_queries(id, changes);
        }
        let delay = session.spec.lock_delay_ms.min(DELAY_MAX_MS);
        self.end_locks(namespace, id, delay, changes);
        let held: Vec<(Place, Arc<KvRecord>)> = self
            .keys
            .iter()
            .filter(|((name, _), record)| name == namespace && record.session == Some(id))
            .map(|(place, record)| (place.clone(), record.clone()))
            .collect();
        for (place, record) in held {
            let free = KvRecord { session: None, modify_index: self.index, ..(*record).clone() };
            let left = (session.spec.behavior == Behavior::Release).then(|| Arc::new(free));
            self.set(place.clone(), left, changes);
            if delay > 0 {
                let until = self.at.plus(delay);
                let running = self.delays.entry(place).or_insert(until);
                *running = until.max(*running);
            }
        }
    }

    fn swap(
        &mut self,
        namespace: &Namespace,
        id: SessionId,
        new: Option<Arc<Session>>,
        changes: &mut Vec<Change>,
    ) {
        let place = (namespace.clone(), id);
        let old = match &new {
            Some(session) => self.sessions.insert(place, session.clone()),
            None => self.sessions.remove(&place),
        };
        self.sessions_changed.insert(namespace.clone(), self.index);
        changes.push(Change::Session { namespace: namespace.clone(), id, old, new });
    }
}

/// The checks on its node that a session leans on: those of the node and of the default namespace by name, those of services in
/// its own namespace unless it names another one.
fn leans_on(namespace: &Namespace, spec: &SessionSpec) -> Vec<(Namespace, CheckId)> {
    let of_node = spec.node_checks.iter().map(|id| (Namespace::default_namespace(), id.clone()));
    let of_services = spec.service_checks.iter().map(|check| {
        let named = Namespace::new(check.namespace.as_str());
        (named.unwrap_or_else(|_| namespace.clone()), check.id.clone())
    });
    of_node.chain(of_services).collect()
}
