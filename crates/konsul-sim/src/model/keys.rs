//! Keys: what a put, a removal and an expiry do.

use std::sync::Arc;

use konsul_types::{
    Change, Index, Key, KvCommand, KvRecord, Millis, Namespace, Outcome, PutMode, Refusal, SessionId,
    TtlPatch, Value,
};

use super::{Model, Place};

impl Model {
    pub(super) fn kv(&mut self, namespace: &Namespace, op: &KvCommand, changes: &mut Vec<Change>) -> Outcome {
        match op {
            KvCommand::Put { key, value, flags, mode, ttl_ms } => {
                let place = (namespace.clone(), key.clone());
                let expires_at = ttl_ms.map(|ttl| self.at.plus(ttl));
                match self.next_record(&place, value, *flags, *mode, expires_at) {
                    Ok(record) => self.put(place, record, changes),
                    Err(refusal) => Outcome::Refused(refusal),
                }
            }
            KvCommand::Delete { key, cas } => self.delete((namespace.clone(), key.clone()), *cas, changes),
            KvCommand::Patch { key, flags, ttl, cas } => {
                let place = (namespace.clone(), key.clone());
                match self.patched(&place, *flags, *ttl, *cas) {
                    Ok(record) => self.put_patched(place, record, changes),
                    Err(refusal) => Outcome::Refused(refusal),
                }
            }
            KvCommand::DeleteTree { prefix } => {
                let doomed = self.under(namespace, prefix);
                let count = doomed.len() as u64;
                doomed.into_iter().for_each(|(key, _)| self.set((namespace.clone(), key), None, changes));
                Outcome::Counted(count)
            }
        }
    }

    fn patched(
        &self,
        place: &Place,
        flags: Option<u64>,
        ttl: TtlPatch,
        cas: Option<Index>,
    ) -> Result<KvRecord, Refusal> {
        let old = self.keys.get(place).ok_or_else(|| Refusal::NoSuchKey { key: place.1.to_string() })?;
        if cas.is_some_and(|wanted| wanted != old.modify_index) {
            return Err(Refusal::StaleIndex { found: old.modify_index });
        }
        let expires_at = match ttl {
            TtlPatch::Keep => old.expires_at,
            TtlPatch::Clear => None.into(),
            TtlPatch::Set(ttl) => Some(self.at.plus(ttl)).into(),
        };
        Ok(KvRecord { flags: flags.unwrap_or(old.flags), expires_at, ..(**old).clone() })
    }

    fn put_patched(&mut self, place: Place, record: KvRecord, changes: &mut Vec<Change>) -> Outcome {
        if self.keys.get(&place).is_some_and(|old| **old == record) {
            return Outcome::Kv(Arc::new(record));
        }
        let record = Arc::new(KvRecord { modify_index: self.index, ..record });
        self.set(place, Some(record.clone()), changes);
        Outcome::Kv(record)
    }

    /// The keys under a prefix, in order.
    pub(super) fn under(&self, namespace: &Namespace, prefix: &str) -> Vec<(Key, Arc<KvRecord>)> {
        let here =
            self.keys.iter().filter(|((name, key), _)| name == namespace && key.as_str().starts_with(prefix));
        here.map(|((_, key), record)| (key.clone(), record.clone())).collect()
    }

    fn put(&mut self, place: Place, record: KvRecord, changes: &mut Vec<Change>) -> Outcome {
        if let Some(old) = self.keys.get(&place) {
            let (create_index, modify_index) = (old.create_index, old.modify_index);
            let as_old = KvRecord { create_index, modify_index, ..record.clone() };
            // The same again is a success and no change, unless a time to live moves.
            if old.expires_at.at().is_none() && as_old == **old {
                return Outcome::Kv(old.clone());
            }
        }
        let record = Arc::new(record);
        self.set(place, Some(record.clone()), changes);
        Outcome::Kv(record)
    }

    fn next_record(
        &self,
        place: &Place,
        value: &Value,
        flags: u64,
        mode: PutMode,
        expires_at: Option<Millis>,
    ) -> Result<KvRecord, Refusal> {
        let old = self.keys.get(place);
        let holder = old.and_then(|old| old.session);
        let found = old.map_or(Index::ZERO, |old| old.modify_index);
        let (session, lock_index) = match mode {
            PutMode::Cas(wanted) if wanted != found => return Err(Refusal::StaleIndex { found }),
            PutMode::Set | PutMode::Cas(_) => (holder, 0),
            PutMode::Acquire(id) => (Some(id), self.acquire(place, id)?),
            PutMode::Release(id) => {
                if holder != Some(id) {
                    return Err(Refusal::NotHolder);
                }
                (None, old.map_or(0, |old| old.lock_index))
            }
        };
        self.within_quota(place, value)?;
        let create_index = old.map_or(self.index, |old| old.create_index);
        Ok(KvRecord {
            value: value.clone(),
            flags,
            lock_index,
            session,
            create_index,
            modify_index: self.index,
            expires_at: expires_at.into(),
        })
    }

    fn acquire(&self, place: &Place, id: SessionId) -> Result<u64, Refusal> {
        if let Some(until) = self.delays.get(place).filter(|until| **until > self.at) {
            return Err(Refusal::LockDelay { until: *until });
        }
        if !self.sessions.contains_key(&(place.0.clone(), id)) {
            return Err(Refusal::UnknownSession { id: id.to_string() });
        }
        let (holder, times) = self.keys.get(place).map_or((None, 0), |old| (old.session, old.lock_index));
        match holder {
            Some(other) if other != id => Err(Refusal::LockHeld),
            Some(_) => Ok(times),
            None => Ok(times + 1),
        }
    }

    fn within_quota(&self, place: &Place, value: &Value) -> Result<(), Refusal> {
        let (bytes, limits) = (value.len() as u64, &self.limits);
        if bytes > limits.value_bytes {
            return Err(Refusal::ValueTooLarge { bytes, limit: limits.value_bytes });
        }
        let here: Vec<_> = self.keys.iter().filter(|((namespace, _), _)| *namespace == place.0).collect();
        let old = self.keys.get(place);
        let namespace = place.0.to_string();
        if old.is_none() && here.len() as u64 >= limits.kv.keys {
            return Err(Refusal::TooManyKeys { namespace, limit: limits.kv.keys });
        }
        let size = |key: &Key, value: &Value| (key.as_str().len() + value.len()) as u64;
        let held: u64 = here.iter().map(|((_, key), record)| size(key, &record.value)).sum();
        let wanted = held + size(&place.1, value) - old.map_or(0, |old| size(&place.1, &old.value));
        // Whoever is over the bound may still shrink.
        if wanted > limits.kv.bytes && wanted > held {
            return Err(Refusal::TooManyBytes { namespace, wanted, limit: limits.kv.bytes });
        }
        Ok(())
    }

    fn delete(&mut self, place: Place, cas: Option<Index>, changes: &mut Vec<Change>) -> Outcome {
        let Some(found) = self.keys.get(&place).map(|old| old.modify_index) else { return Outcome::Done };
        if cas.is_some_and(|wanted| wanted != found) {
            return Outcome::Refused(Refusal::StaleIndex { found });
        }
        self.set(place, None, changes);
        Outcome::Done
    }

    pub(super) fn expire_keys(
        &mut self,
        term: u64,
        seen: &[(Namespace, Key, Index)],
        changes: &mut Vec<Change>,
    ) -> Outcome {
        if term != self.term {
            return Outcome::Refused(Refusal::Superseded);
        }
        let mut count = 0;
        for (namespace, key, index) in seen {
            let place = (namespace.clone(), key.clone());
            let over = self.keys.get(&place).is_some_and(|record| {
                record.modify_index == *index && record.expires_at.at().is_some_and(|end| end <= self.at)
            });
            if over {
                self.set(place, None, changes);
                count += 1;
            }
        }
        Outcome::Counted(count)
    }

    /// Puts a record in or takes it out, and notes the change.
    pub(super) fn set(&mut self, place: Place, new: Option<Arc<KvRecord>>, changes: &mut Vec<Change>) {
        let old = match &new {
            Some(record) => self.keys.insert(place.clone(), record.clone()),
            None => self.keys.remove(&place),
        };
        self.touched.insert(place.clone(), self.index);
        let (namespace, key) = place;
        changes.push(Change::Kv { namespace, key, old, new });
    }
}
