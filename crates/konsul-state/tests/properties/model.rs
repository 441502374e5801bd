//! What the state should do, as plainly as it can be said: maps, scans, and copies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use konsul_types::txn::{KvTxnOp, TxnError, TxnFailure, TxnOp, TxnResult};
use konsul_types::{
    Behavior, CatalogCommand, CheckId, CheckStatus, Command, Expiry, Index, Key, KvCommand, KvRecord, Millis,
    Namespace, NodeName, Outcome, PutMode, Refusal, Session, SessionId, SessionSpec, TtlPatch,
};

type Place = (Namespace, Key);

/// The world as a history should leave it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Model {
    pub(crate) index: u64,
    pub(crate) at: u64,
    pub(crate) term: u64,
    pub(crate) kv: BTreeMap<Place, KvRecord>,
    pub(crate) sessions: BTreeMap<(Namespace, SessionId), Session>,
    pub(crate) delays: BTreeMap<Place, u64>,
    pub(crate) nodes: BTreeSet<NodeName>,
    pub(crate) checks: BTreeMap<(NodeName, CheckId), CheckStatus>,
}

impl Model {
    /// The outcome that a command should have; `None` where the model does not say.
    pub(crate) fn apply(&mut self, command: &Command) -> Option<Outcome> {
        Some(match command {
            Command::Kv { namespace, op } => self.kv(namespace, op),
            Command::Txn { ops } => self.txn(ops),
            Command::SessionCreate { namespace, spec } => self.create(namespace, spec),
            Command::SessionDestroy { namespace, id } => {
                self.end(namespace, *id);
                Outcome::Done
            }
            Command::SessionRenew { namespace, id } => self.renew(namespace, *id),
            Command::SessionExpire { term, sessions } => self.expire(*term, sessions),
            Command::KvExpire { term, keys } => self.expire_keys(*term, keys),
            Command::LeaderStart { term } => self.leader_start(*term),
            Command::Catalog(command) => self.catalog(command),
            _ => return None,
        })
    }

    fn kv(&mut self, namespace: &Namespace, op: &KvCommand) -> Outcome {
        match op {
            KvCommand::Put { key, value, flags, mode, ttl_ms } => {
                let place = (namespace.clone(), key.clone());
                let old = self.kv.get(&place).cloned();
                let (session, lock_index) = match self.condition(&place, *mode, old.as_ref()) {
                    Ok(both) => both,
                    Err(why) => return Outcome::Refused(why),
                };
                let new = KvRecord {
                    value: value.clone(),
                    flags: *flags,
                    lock_index,
                    session,
                    create_index: old.as_ref().map_or(Index(self.index), |old| old.create_index),
                    modify_index: Index(self.index),
                    expires_at: ttl_ms.map(|ttl| Millis(self.at + ttl)).into(),
                };
                match old {
                    Some(old) if same(&old, &new) => Outcome::Kv(Arc::new(old)),
                    _ => {
                        self.kv.insert(place, new.clone());
                        Outcome::Kv(Arc::new(new))
                    }
                }
            }
            KvCommand::Delete { key, cas } => {
                let place = (namespace.clone(), key.clone());
                match self.kv.get(&place).map(|old| old.modify_index) {
                    Some(found) if cas.is_some_and(|cas| cas != found) => {
                        Outcome::Refused(Refusal::StaleIndex { found })
                    }
                    _ => {
                        self.kv.remove(&place);
                        Outcome::Done
                    }
                }
            }
            KvCommand::Patch { key, flags, ttl, cas } => {
                let at = self.at;
                let Some(record) = self.kv.get_mut(&(namespace.clone(), key.clone())) else {
                    return Outcome::Refused(Refusal::NoSuchKey { key: key.to_string() });
                };
                let found = record.modify_index;
                if cas.is_some_and(|cas| cas != found) {
                    return Outcome::Refused(Refusal::StaleIndex { found });
                }
                let before = record.clone();
                record.flags = flags.unwrap_or(record.flags);
                match ttl {
                    TtlPatch::Keep => {}
                    TtlPatch::Clear => record.expires_at = Expiry::NEVER,
                    TtlPatch::Set(ttl) => record.expires_at = Some(Millis(at + ttl)).into(),
                }
                if *record != before {
                    record.modify_index = Index(self.index);
                }
                Outcome::Kv(Arc::new(record.clone()))
            }
            KvCommand::DeleteTree { prefix } => {
                let before = self.kv.len();
                self.kv.retain(|(name, key), _| name != namespace || !key.as_str().starts_with(prefix));
                Outcome::Counted((before - self.kv.len()) as u64)
            }
        }
    }

    fn condition(
        &self,
        place: &Place,
        mode: PutMode,
        old: Option<&KvRecord>,
    ) -> Result<(Option<SessionId>, u64), Refusal> {
        let holder = old.and_then(|old| old.session);
        let unknown = |id: SessionId| !self.sessions.contains_key(&(place.0.clone(), id));
        match mode {
            PutMode::Set => Ok((holder, 0)),
            PutMode::Cas(wanted) => match old.map_or(Index(0), |old| old.modify_index) {
                found if found == wanted => Ok((holder, 0)),
                found => Err(Refusal::StaleIndex { found }),
            },
            PutMode::Acquire(id) => {
                let until = self.delays.get(place).copied().unwrap_or(0);
                let count = old.map_or(0, |old| old.lock_index);
                match holder {
                    _ if until > self.at => Err(Refusal::LockDelay { until: Millis(until) }),
                    _ if unknown(id) => Err(Refusal::UnknownSession { id: id.to_string() }),
                    None => Ok((Some(id), count + 1)),
                    Some(other) if other != id => Err(Refusal::LockHeld),
                    Some(_) => Ok((Some(id), count)),
                }
            }
            PutMode::Release(id) if holder == Some(id) => Ok((None, old.map_or(0, |old| old.lock_index))),
            PutMode::Release(_) => Err(Refusal::NotHolder),
        }
    }

    fn txn(&mut self, ops: &[TxnOp]) -> Outcome {
        let mut trial = self.clone();
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for (number, op) in (0..).zip(ops) {
            let TxnOp::Kv { namespace, op } = op else { unreachable!("members are on keys alone") };
            match trial.member(namespace, op) {
                Ok(part) => results.extend(part),
                Err(why) => errors.push(TxnError { op: number, why }),
            }
        }
        if !errors.is_empty() {
            return Outcome::TxnRolledBack(errors);
        }
        *self = trial;
        Outcome::Txn(results)
    }

    fn member(&mut self, namespace: &Namespace, op: &KvTxnOp) -> Result<Option<TxnResult>, TxnFailure> {
        let read = |model: &Model, key: &Key| model.kv.get(&(namespace.clone(), key.clone())).cloned();
        let told = |key: &Key, record: Option<KvRecord>, with_value| {
            Some(TxnResult::Kv {
                namespace: namespace.clone(),
                key: key.clone(),
                record: record.map(Arc::new),
                with_value,
            })
        };
        let text = |key: &Key| key.to_string();
        match op {
            KvTxnOp::Write(write) => match (self.kv(namespace, write), write) {
                (Outcome::Kv(record), KvCommand::Put { key, .. }) => {
                    Ok(told(key, Some((*record).clone()), false))
                }
                (Outcome::Refused(refusal), KvCommand::Put { key, .. }) => {
                    Err(TxnFailure::Refused { key: text(key), delete: false, refusal })
                }
                (Outcome::Refused(refusal), KvCommand::Delete { key, .. }) => {
                    Err(TxnFailure::Refused { key: text(key), delete: true, refusal })
                }
                _ => Ok(None),
            },
            KvTxnOp::Get { key } => match read(self, key) {
                None => Err(TxnFailure::Missing { key: text(key) }),
                found => Ok(told(key, found, true)),
            },
            KvTxnOp::GetOrEmpty { key } => Ok(told(key, read(self, key), true)),
            KvTxnOp::GetTree { .. } => Ok(None),
            KvTxnOp::CheckIndex { key, index } => match read(self, key) {
                None => Err(TxnFailure::IndexOfMissing { key: text(key) }),
                Some(found) if found.modify_index != *index => Err(TxnFailure::IndexDiffers {
                    key: text(key),
                    found: found.modify_index,
                    wanted: *index,
                }),
                found => Ok(told(key, found, false)),
            },
            KvTxnOp::CheckSession { key, session, text: wanted } => match read(self, key) {
                None => Err(TxnFailure::SessionOfMissing { key: text(key) }),
                Some(found) if found.session != *session => Err(TxnFailure::SessionDiffers {
                    key: text(key),
                    found: found.session.map(|id| id.to_string()).unwrap_or_default(),
                    wanted: wanted.clone(),
                }),
                found => Ok(told(key, found, false)),
            },
            KvTxnOp::CheckNotExists { key } => match read(self, key) {
                Some(_) => Err(TxnFailure::Exists { key: text(key) }),
                None => Ok(None),
            },
        }
    }

    fn create(&mut self, namespace: &Namespace, spec: &SessionSpec) -> Outcome {
        if self.sessions.contains_key(&(namespace.clone(), spec.id)) {
            return Outcome::Refused(Refusal::SessionExists { id: spec.id.to_string() });
        }
        if !self.nodes.contains(&spec.node) {
            return Outcome::Refused(Refusal::MissingNode);
        }
        for id in &spec.node_checks {
            match self.checks.get(&(spec.node.clone(), id.clone())) {
                None => return Outcome::Refused(Refusal::MissingCheck { id: id.to_string() }),
                Some(CheckStatus::Critical) => {
                    return Outcome::Refused(Refusal::CriticalCheck { id: id.to_string() });
                }
                Some(_) => {}
            }
        }
        let session = Session {
            spec: Arc::new(spec.clone()),
            create_index: Index(self.index),
            modify_index: Index(self.index),
            renewal: 0,
            renewed_at: Millis(self.at),
            deadline: spec.ttl_ms.map(|ttl| Millis(self.at + 2 * ttl)),
            grace_used: false,
        };
        self.sessions.insert((namespace.clone(), spec.id), session.clone());
        Outcome::Session(Arc::new(session))
    }

    fn renew(&mut self, namespace: &Namespace, id: SessionId) -> Outcome {
        let at = self.at;
        let Some(session) = self.sessions.get_mut(&(namespace.clone(), id)) else {
            return Outcome::Refused(Refusal::UnknownSession { id: id.to_string() });
        };
        session.renewal += 1;
        session.renewed_at = Millis(at);
        session.deadline = session.spec.ttl_ms.map(|ttl| Millis(at + 2 * ttl));
        session.grace_used = false;
        Outcome::Session(Arc::new(session.clone()))
    }

    fn expire(&mut self, term: u64, seen: &[(Namespace, SessionId, u64)]) -> Outcome {
        if term != self.term {
            return Outcome::Refused(Refusal::Superseded);
        }
        let mut ended = 0;
        for (namespace, id, renewal) in seen {
            let Some(session) = self.sessions.get(&(namespace.clone(), *id)) else { continue };
            if session.renewal == *renewal && session.deadline.is_some_and(|at| at.0 <= self.at) {
                self.end(namespace, *id);
                ended += 1;
            }
        }
        Outcome::Counted(ended)
    }

    fn expire_keys(&mut self, term: u64, seen: &[(Namespace, Key, Index)]) -> Outcome {
        if term != self.term {
            return Outcome::Refused(Refusal::Superseded);
        }
        let before = self.kv.len();
        for (namespace, key, index) in seen {
            let place = (namespace.clone(), key.clone());
            let over = |record: &KvRecord| {
                record.modify_index == *index && record.expires_at.at().is_some_and(|at| at.0 <= self.at)
            };
            if self.kv.get(&place).is_some_and(over) {
                self.kv.remove(&place);
            }
        }
        Outcome::Counted((before - self.kv.len()) as u64)
    }

    fn leader_start(&mut self, term: u64) -> Outcome {
        if term != self.term {
            return Outcome::Refused(Refusal::Superseded);
        }
        let mut count = 0;
        for session in self.sessions.values_mut() {
            let (Some(ttl), Some(deadline)) = (session.spec.ttl_ms, session.deadline) else { continue };
            if deadline.0 < self.at + ttl && !session.grace_used {
                session.deadline = Some(Millis(self.at + ttl));
                session.grace_used = true;
                count += 1;
            }
        }
        Outcome::Counted(count)
    }

    fn catalog(&mut self, command: &CatalogCommand) -> Outcome {
        match command {
            CatalogCommand::RegisterNode { node } => drop(self.nodes.insert(node.name.clone())),
            CatalogCommand::RegisterCheck { check } => {
                if !self.nodes.contains(&check.node) {
                    return Outcome::Refused(Refusal::MissingNode);
                }
                self.checks.insert((check.node.clone(), check.id.clone()), check.status);
                if check.status == CheckStatus::Critical {
                    self.end_where(|s| s.node == check.node && s.node_checks.contains(&check.id));
                }
            }
            CatalogCommand::DeregisterNode { name } => {
                self.nodes.remove(name);
                self.checks.retain(|(node, _), _| node != name);
                self.end_where(|s| s.node == *name);
            }
            CatalogCommand::DeregisterCheck { node, id } => {
                if self.checks.remove(&(node.clone(), id.clone())).is_some() {
                    self.end_where(|s| s.node == *node && s.node_checks.contains(id));
                }
            }
            other => unreachable!("histories of keys and sessions have no {other:?}"),
        }
        Outcome::Done
    }

    fn end_where(&mut self, which: impl Fn(&SessionSpec) -> bool) {
        let ending = self.sessions.iter().filter(|(_, session)| which(&session.spec));
        let ending: Vec<_> = ending.map(|(place, _)| place.clone()).collect();
        for (namespace, id) in ending {
            self.end(&namespace, id);
        }
    }

    fn end(&mut self, namespace: &Namespace, id: SessionId) {
        let Some(session) = self.sessions.remove(&(namespace.clone(), id)) else { return };
        let holds = |place: &Place, record: &KvRecord| place.0 == *namespace && record.session == Some(id);
        let held = self.kv.iter().filter(|(place, record)| holds(place, record));
        let held: Vec<Place> = held.map(|(place, _)| place.clone()).collect();
        for place in held {
            match (session.spec.behavior, self.kv.get_mut(&place)) {
                (Behavior::Release, Some(record)) => {
                    record.session = None;
                    record.modify_index = Index(self.index);
                }
                _ => drop(self.kv.remove(&place)),
            }
            let until = self.at + session.spec.lock_delay_ms.min(60_000);
            let running = self.delays.entry(place).or_insert(0);
            *running = until.max(*running);
        }
    }

    /// What a restore of that backup should leave.
    pub(crate) fn restore(&mut self, backup: &Model) {
        self.index = self.index.max(backup.index + 1);
        self.end_where(|_| true);
        self.kv.clone_from(&backup.kv);
        self.sessions.clone_from(&backup.sessions);
        self.nodes.clone_from(&backup.nodes);
        self.checks.clone_from(&backup.checks);
        self.end_where(|_| true);
    }
}

fn same(old: &KvRecord, new: &KvRecord) -> bool {
    let content = |r: &KvRecord| (r.value.clone(), r.flags, r.lock_index, r.session);
    content(old) == content(new) && old.expires_at.at().is_none() && new.expires_at.at().is_none()
}
