//! Commands on keys.

use std::sync::Arc;

use konsul_types::{
    Change, Expiry, Index, Key, KvCommand, KvRecord, Namespace, Outcome, PutMode, Refusal, SessionId,
    TtlPatch, Value,
};

use crate::hash::Table;
use crate::history::{Past, absence_hash, past_hash};
use crate::keyspace::{Replaced, record_hash};
use crate::state::State;

/// A put, taken apart.
struct Put<'a> {
    key: &'a Key,
    value: &'a Value,
    flags: u64,
    mode: PutMode,
    ttl_ms: Option<u64>,
}

/// A patch, taken apart.
struct Patch<'a> {
    key: &'a Key,
    flags: Option<u64>,
    ttl: TtlPatch,
    cas: Option<Index>,
}

impl State {
    pub(crate) fn kv_command(
        &mut self,
        namespace: &Namespace,
        op: &KvCommand,
        changes: &mut Vec<Change>,
    ) -> Outcome {
        match op {
            KvCommand::Put { key, value, flags, mode, ttl_ms } => {
                let put = Put { key, value, flags: *flags, mode: *mode, ttl_ms: *ttl_ms };
                self.kv_put(namespace, &put, changes)
            }
            KvCommand::Delete { key, cas } => self.kv_delete(namespace, key, *cas, changes),
            KvCommand::DeleteTree { prefix } => self.kv_delete_tree(namespace, prefix, changes),
            KvCommand::Patch { key, flags, ttl, cas } => {
                let patch = Patch { key, flags: *flags, ttl: *ttl, cas: *cas };
                self.kv_patch(namespace, &patch, changes)
            }
        }
    }

    fn kv_put(&mut self, namespace: &Namespace, put: &Put<'_>, changes: &mut Vec<Change>) -> Outcome {
        let old = self.keyspace(namespace).and_then(|keys| keys.get(put.key.as_str())).cloned();
        let record = match self.kv_next(namespace, put, old.as_deref()) {
            Ok(record) => record,
            Err(refusal) => return Outcome::Refused(refusal),
        };
        if let Some(old) = old.filter(|old| is_equal(old, &record)) {
            return Outcome::Kv(old);
        }
        let record = Arc::new(record);
        self.put_key(namespace, put.key, Some(Arc::clone(&record)), changes);
        Outcome::Kv(record)
    }

    /// The record that a put would leave, or why it may not.
    fn kv_next(
        &self,
        namespace: &Namespace,
        put: &Put<'_>,
        old: Option<&KvRecord>,
    ) -> Result<KvRecord, Refusal> {
        let holder = old.and_then(|record| record.session);
        let (session, lock_index) = match put.mode {
            PutMode::Set => (holder, 0),
            PutMode::Cas(wanted) => {
                check_index(old, wanted)?;
                (holder, 0)
            }
            PutMode::Acquire(id) => (Some(id), self.may_acquire(namespace, put.key, id, old)?),
            PutMode::Release(id) => (None, self.may_release(namespace, id, old)?),
        };
        self.may_grow(namespace, put, old)?;
        Ok(KvRecord {
            value: put.value.clone(),
            flags: put.flags,
            lock_index,
            session,
            create_index: old.map_or(self.index, |record| record.create_index),
            modify_index: self.index,
            expires_at: put.ttl_ms.map(|ttl| self.at.plus(ttl)).into(),
        })
    }

    /// Whether a session may take a lock, and the lock index that it gets.
    fn may_acquire(
        &self,
        namespace: &Namespace,
        key: &Key,
        id: SessionId,
        old: Option<&KvRecord>,
    ) -> Result<u64, Refusal> {
        let delay = self.keyspace(namespace).and_then(|keys| keys.lock_delay(key, self.at));
        if let Some(until) = delay {
            return Err(Refusal::LockDelay { until });
        }
        self.session_must_live(namespace, id)?;
        let before = old.map_or(0, |record| record.lock_index);
        match old.and_then(|record| record.session) {
            None => Ok(before + 1),
            Some(holder) if holder == id => Ok(before),
            Some(_) => Err(Refusal::LockHeld),
        }
    }

    fn may_release(
        &self,
        namespace: &Namespace,
        id: SessionId,
        old: Option<&KvRecord>,
    ) -> Result<u64, Refusal> {
        let Some(record) = old.filter(|record| record.session == Some(id)) else {
            return Err(Refusal::NotHolder);
        };
        self.session_must_live(namespace, id)?;
        Ok(record.lock_index)
    }

    pub(crate) fn session_must_live(&self, namespace: &Namespace, id: SessionId) -> Result<(), Refusal> {
        match self.sessions.get(namespace, id) {
            Some(_) => Ok(()),
            None => Err(Refusal::UnknownSession { id: id.to_string() }),
        }
    }

    /// Quotas refuse only what grows: whoever is over may still shrink.
    fn may_grow(&self, namespace: &Namespace, put: &Put<'_>, old: Option<&KvRecord>) -> Result<(), Refusal> {
        let bytes = put.value.len() as u64;
        if bytes > self.limits.value_bytes {
            return Err(Refusal::ValueTooLarge { bytes, limit: self.limits.value_bytes });
        }
        let quota = self.limits.kv;
        let (keys_now, bytes_now) =
            self.keyspace(namespace).map_or((0, 0), |keys| (keys.len(), keys.bytes()));
        if old.is_none() && keys_now >= quota.keys {
            return Err(Refusal::TooManyKeys { namespace: namespace.to_string(), limit: quota.keys });
        }
        let size = |value: u64| put.key.as_str().len() as u64 + value;
        let before = old.map_or(0, |record| size(record.value.len() as u64));
        let wanted = bytes_now - before + size(bytes);
        if wanted > quota.bytes && wanted > bytes_now {
            return Err(Refusal::TooManyBytes {
                namespace: namespace.to_string(),
                wanted,
                limit: quota.bytes,
            });
        }
        Ok(())
    }

    fn kv_patch(&mut self, namespace: &Namespace, patch: &Patch<'_>, changes: &mut Vec<Change>) -> Outcome {
        let Some(old) = self.keyspace(namespace).and_then(|keys| keys.get(patch.key.as_str())).cloned()
        else {
            return Outcome::Refused(Refusal::NoSuchKey { key: patch.key.to_string() });
        };
        if let Some(wanted) = patch.cas
            && let Err(refusal) = check_index(Some(&*old), wanted)
        {
            return Outcome::Refused(refusal);
        }
        let expires_at = match patch.ttl {
            TtlPatch::Keep => old.expires_at,
            TtlPatch::Clear => Expiry::NEVER,
            TtlPatch::Set(ttl) => Some(self.at.plus(ttl)).into(),
        };
        let flags = patch.flags.unwrap_or(old.flags);
        if (flags, expires_at) == (old.flags, old.expires_at) {
            return Outcome::Kv(old);
        }
        let new = Arc::new(KvRecord { flags, expires_at, modify_index: self.index, ..(*old).clone() });
        self.put_key(namespace, patch.key, Some(Arc::clone(&new)), changes);
        Outcome::Kv(new)
    }

    fn kv_delete(
        &mut self,
        namespace: &Namespace,
        key: &Key,
        cas: Option<Index>,
        changes: &mut Vec<Change>,
    ) -> Outcome {
        let Some(old) = self.keyspace(namespace).and_then(|keys| keys.get(key.as_str())) else {
            return Outcome::Done;
        };
        if let Some(wanted) = cas
            && wanted != old.modify_index
        {
            return Outcome::Refused(Refusal::StaleIndex { found: old.modify_index });
        }
        self.put_key(namespace, key, None, changes);
        Outcome::Done
    }

    fn kv_delete_tree(&mut self, namespace: &Namespace, prefix: &str, changes: &mut Vec<Change>) -> Outcome {
        let Some(keys) = self.keyspace(namespace) else {
            return Outcome::Counted(0);
        };
        let doomed: Vec<Key> = keys.under(prefix).map(|(key, _)| key.clone()).collect();
        for key in &doomed {
            self.put_key(namespace, key, None, changes);
        }
        Outcome::Counted(doomed.len() as u64)
    }

    /// Removes keys whose time ran out, as a leader of this term saw them. What moved on since stays.
    pub(crate) fn kv_expire(
        &mut self,
        term: u64,
        seen: &[(Namespace, Key, Index)],
        changes: &mut Vec<Change>,
    ) -> Outcome {
        if term != self.term {
            return Outcome::Refused(Refusal::Superseded);
        }
        let mut removed = 0;
        for (namespace, key, modify_index) in seen {
            let record = self.keyspace(namespace).and_then(|keys| keys.get(key.as_str()));
            let over = record.is_some_and(|record| {
                record.modify_index == *modify_index && record.expires_at.at().is_some_and(|at| at <= self.at)
            });
            if over {
                self.put_key(namespace, key, None, changes);
                removed += 1;
            }
        }
        Outcome::Counted(removed)
    }

    /// Forgets graves and empty directories of changes at or before an index, in every namespace.
    pub(crate) fn reap(&mut self, upto: Index) -> Outcome {
        let names: Vec<Namespace> = self.keyspaces.keys().cloned().collect();
        let mut left = REAP_MOST;
        for namespace in names {
            left -= self.keyspace_mut(&namespace).dirs.reap(upto, left) as usize;
        }
        Outcome::Counted((REAP_MOST - left) as u64)
    }

    /// Takes the holder from a key; the value stays.
    pub(crate) fn release_key(&mut self, namespace: &Namespace, key: &Key, changes: &mut Vec<Change>) {
        if let Some(old) = self.keyspace(namespace).and_then(|keys| keys.get(key.as_str())) {
            let free = KvRecord { session: None, modify_index: self.index, ..(**old).clone() };
            self.put_key(namespace, key, Some(Arc::new(free)), changes);
        }
    }

    /// Removes a key.
    pub(crate) fn remove_key(&mut self, namespace: &Namespace, key: &Key, changes: &mut Vec<Change>) {
        self.put_key(namespace, key, None, changes);
    }

    /// The one place where a key's record changes: table, marks, hash, and the note of it.
    fn put_key(
        &mut self,
        namespace: &Namespace,
        key: &Key,
        new: Option<Arc<KvRecord>>,
        changes: &mut Vec<Change>,
    ) {
        let (index, at) = (self.index, self.at);
        let budget = if self.feature_level >= 2 { self.limits.history_bytes } else { 0 };
        let mut hashes = self.hashes;
        let keys = self.keyspace_mut(namespace);
        let Replaced { old, removed } = keys.replace(key, new.as_ref(), index);
        let hash = |record: &Option<Arc<KvRecord>>| record.as_deref().map(|r| record_hash(namespace, key, r));
        let old_hash = hash(&old);
        hashes.replace(Table::Kv, old_hash, hash(&new));
        if budget > 0
            && let Some((since, held)) = match &old {
                Some(record) => Some((record.modify_index, old_hash.unwrap_or_default())),
                None => removed.map(|removed| (removed, absence_hash(namespace, key))),
            }
            // What this entry itself wrote before was never there for anybody to see.
            && since < index
        {
            let (key, record, hash) = (key.clone(), old.clone(), past_hash(held, since, index, at));
            keys.history.push(Past { key, record, since, until: index, at, hash }, budget, &mut hashes);
        }
        self.hashes = hashes;
        changes.push(Change::Kv { namespace: namespace.clone(), key: key.clone(), old, new });
    }

    /// Brings the old values of every namespace within their budget.
    pub(crate) fn prune_history(&mut self) {
        let budget = self.limits.history_bytes;
        let over = |(_, keys): &(&Namespace, &crate::Keyspace)| keys.history.bytes() > budget;
        let names: Vec<Namespace> = self.keyspaces().filter(over).map(|(name, _)| name.clone()).collect();
        let mut hashes = self.hashes;
        for name in names {
            self.keyspace_mut(&name).history.prune(budget, &mut hashes);
        }
        self.hashes = hashes;
    }
}

/// How many names one entry may reap, so that none takes long.
const REAP_MOST: usize = 10_000;

fn check_index(old: Option<&KvRecord>, wanted: Index) -> Result<(), Refusal> {
    let found = old.map_or(Index::ZERO, |record| record.modify_index);
    if found == wanted { Ok(()) } else { Err(Refusal::StaleIndex { found }) }
}

/// Whether a put would leave everything as it is: then it succeeds and wakes nobody. A time to live always moves.
fn is_equal(old: &KvRecord, new: &KvRecord) -> bool {
    old.expires_at.at().is_none()
        && KvRecord { modify_index: old.modify_index, create_index: old.create_index, ..new.clone() } == *old
}
