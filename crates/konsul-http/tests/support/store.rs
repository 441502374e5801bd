//! What the stand-in stores: keys, sessions, events, and the rules that the tests look at.

use std::collections::BTreeMap;
use std::sync::Arc;

use konsul_operations::Error;
use konsul_operations::arguments::KvPut;
use konsul_types::txn::TxnFailure;
use konsul_types::*;

pub type Place = (String, String);

#[derive(Default, Clone)]
pub struct State {
    pub index: u64,
    pub drawn: u128,
    pub kv: BTreeMap<Place, Arc<KvRecord>>,
    pub sessions: BTreeMap<SessionId, (String, Arc<Session>)>,
    pub events: Vec<Arc<Event>>,
    /// Index of the last removal.
    pub removed: u64,
    /// What the agent keeps.
    pub registry: super::registry::Registry,
}

pub fn unmet(refusal: Refusal) -> Error {
    Error::Refused(refusal)
}

impl State {
    pub fn next(&mut self) -> Index {
        self.index = self.index.max(10) + 1;
        Index(self.index)
    }

    pub fn draw(&mut self) -> uuid::Uuid {
        self.drawn += 1;
        uuid::Uuid::from_u128(0xaaaa_0000_0000_4000_8000_0000_0000_0000 + self.drawn)
    }

    pub fn put(&mut self, namespace: &Namespace, args: KvPut) -> Result<Arc<KvRecord>, Error> {
        let place = (namespace.to_string(), args.key.to_string());
        let old = self.kv.get(&place).cloned();
        let holder = old.as_ref().and_then(|old| old.session);
        let found = old.as_ref().map_or(Index::ZERO, |old| old.modify_index);
        let (mut session, mut lock_index) = (holder, 0);
        match args.mode {
            PutMode::Set => {}
            PutMode::Cas(wanted) if wanted == found => {}
            PutMode::Cas(_) => return Err(unmet(Refusal::StaleIndex { found })),
            PutMode::Acquire(id) => {
                if !self.sessions.contains_key(&id) {
                    return Err(unmet(Refusal::UnknownSession { id: id.to_string() }));
                }
                lock_index = old.as_ref().map_or(0, |old| old.lock_index);
                match holder {
                    Some(other) if other != id => return Err(unmet(Refusal::LockHeld)),
                    Some(_) => {}
                    None => lock_index += 1,
                }
                session = Some(id);
            }
            PutMode::Release(id) => {
                if holder != Some(id) {
                    return Err(unmet(Refusal::NotHolder));
                }
                lock_index = old.as_ref().map_or(0, |old| old.lock_index);
                session = None;
            }
        }
        let same = old.as_ref().is_some_and(|old| {
            (&old.value, old.flags, old.session, old.lock_index)
                == (&args.value, args.flags, session, lock_index)
        });
        if let (true, Some(old)) = (same, &old) {
            return Ok(Arc::clone(old));
        }
        let index = self.next();
        let record = Arc::new(KvRecord {
            value: args.value,
            flags: args.flags,
            lock_index,
            session,
            create_index: old.map_or(index, |old| old.create_index),
            modify_index: index,
            expires_at: args.ttl_ms.map(Millis).into(),
        });
        self.kv.insert(place, Arc::clone(&record));
        Ok(record)
    }

    pub fn delete(&mut self, namespace: &Namespace, key: &str, cas: Option<Index>) -> Result<(), Error> {
        let place = (namespace.to_string(), key.to_owned());
        let Some(old) = self.kv.get(&place) else { return Ok(()) };
        if cas.is_some_and(|wanted| wanted != old.modify_index) {
            return Err(unmet(Refusal::StaleIndex { found: old.modify_index }));
        }
        self.kv.remove(&place);
        self.removed = self.next().0;
        Ok(())
    }

    pub fn delete_tree(&mut self, namespace: &Namespace, prefix: &str) -> u64 {
        let doomed: Vec<Place> = self.under(namespace, prefix).map(|(place, _)| place.clone()).collect();
        for place in &doomed {
            self.kv.remove(place);
        }
        if !doomed.is_empty() {
            self.removed = self.next().0;
        }
        doomed.len() as u64
    }

    pub fn under<'a>(
        &'a self,
        namespace: &Namespace,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a Place, &'a Arc<KvRecord>)> {
        let start = (namespace.to_string(), prefix.to_owned());
        let name = namespace.to_string();
        self.kv.range(start..).take_while(move |((ns, key), _)| *ns == name && key.starts_with(prefix))
    }

    pub fn prefix_index(&self, namespace: &Namespace, prefix: &str) -> Index {
        let most = self.under(namespace, prefix).map(|(_, record)| record.modify_index.0).max().unwrap_or(0);
        Index(if prefix.is_empty() || most == 0 { self.index } else { most.max(self.removed) })
    }

    pub fn member(&mut self, namespace: &Namespace, op: KvTxnOp) -> Result<Vec<TxnResult>, TxnFailure> {
        let found =
            |state: &State, key: &str| state.kv.get(&(namespace.to_string(), key.to_owned())).cloned();
        let result = |key: Key, record: Option<Arc<KvRecord>>, with_value| TxnResult::Kv {
            namespace: namespace.clone(),
            key,
            record,
            with_value,
        };
        Ok(match op {
            KvTxnOp::Write(KvCommand::Put { key, value, flags, mode, ttl_ms }) => {
                let args = KvPut { key: key.clone(), value, flags, mode, ttl_ms };
                let record = self.put(namespace, args).map_err(|why| refused(&key, false, why))?;
                vec![result(key, Some(record), false)]
            }
            KvTxnOp::Write(KvCommand::Delete { key, cas }) => {
                self.delete(namespace, key.as_str(), cas).map_err(|why| refused(&key, true, why))?;
                vec![]
            }
            KvTxnOp::Write(KvCommand::DeleteTree { prefix }) => {
                self.delete_tree(namespace, &prefix);
                vec![]
            }
            KvTxnOp::Write(KvCommand::Patch { .. }) => unreachable!("no transaction of v1 patches"),
            KvTxnOp::Get { key } => {
                let record = found(self, key.as_str()).ok_or(TxnFailure::Missing { key: key.to_string() })?;
                vec![result(key, Some(record), true)]
            }
            KvTxnOp::GetOrEmpty { key } => {
                let record = found(self, key.as_str());
                vec![result(key, record, true)]
            }
            KvTxnOp::GetTree { prefix } => {
                let under = self.under(namespace, &prefix);
                under
                    .map(|((_, key), record)| {
                        result(Key::new(key.as_str()).unwrap(), Some(record.clone()), true)
                    })
                    .collect()
            }
            KvTxnOp::CheckIndex { key, index } => {
                let record =
                    found(self, key.as_str()).ok_or(TxnFailure::IndexOfMissing { key: key.to_string() })?;
                if record.modify_index != index {
                    return Err(TxnFailure::IndexDiffers {
                        key: key.to_string(),
                        found: record.modify_index,
                        wanted: index,
                    });
                }
                vec![result(key, Some(record), false)]
            }
            KvTxnOp::CheckSession { key, session, text } => {
                let record =
                    found(self, key.as_str()).ok_or(TxnFailure::SessionOfMissing { key: key.to_string() })?;
                if record.session != session || session.is_none() {
                    let held = record.session.map(|id| id.to_string()).unwrap_or_default();
                    return Err(TxnFailure::SessionDiffers {
                        key: key.to_string(),
                        found: held,
                        wanted: text,
                    });
                }
                vec![result(key, Some(record), false)]
            }
            KvTxnOp::CheckNotExists { key } => match found(self, key.as_str()) {
                Some(_) => return Err(TxnFailure::Exists { key: key.to_string() }),
                None => vec![],
            },
        })
    }
}

pub fn refused(key: &Key, delete: bool, why: Error) -> TxnFailure {
    let Error::Refused(refusal) = why else { panic!("{why}") };
    TxnFailure::Refused { key: key.to_string(), delete, refusal }
}
