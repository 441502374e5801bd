//! Several holders: Consul's semaphore. Each contender has a key of its own under the prefix, held by its session; a key
//! `.lock` lists who of them has a place, and is changed by compare-and-set.

use std::collections::BTreeMap;
use std::time::Duration;

use konsul_client::kv::{KvPair, PutMode, PutOptions};
use konsul_client::{Client, Consistency, Error, ReadOptions, WriteOptions};
use serde::{Deserialize, Serialize};

use super::{RETRY, Trouble, WAIT, left, under};

/// Consul's mark on keys that are semaphores.
const FLAGS: u64 = 0xe0f6_9a2b_aa41_4de0;

pub(super) struct Semaphore {
    pub(super) client: Client,
    pub(super) session: String,
    pub(super) prefix: String,
    pub(super) limit: u64,
}

/// What the list of holders holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Holders {
    limit: u64,
    #[serde(default)]
    holders: BTreeMap<String, bool>,
}

/// The list as it was read: the holders that live, and the index to compare with, zero if there is none yet.
struct Read {
    holders: Holders,
    modify_index: u64,
    index: u64,
}

impl Semaphore {
    fn list_key(&self) -> String {
        under(&self.prefix, ".lock")
    }

    fn own_key(&self) -> String {
        under(&self.prefix, &self.session)
    }

    async fn read(&self, index: u64, wait: Duration) -> Result<Read, Trouble> {
        let options = ReadOptions { consistency: Consistency::Consistent, ..ReadOptions::default() };
        let options = if index == 0 { options } else { options.wait_for(index, wait) };
        let answer = self.client.kv().list(&under(&self.prefix, ""), &options).await?;
        self.parse(&answer.value, answer.meta.index)
    }

    fn parse(&self, pairs: &[KvPair], index: u64) -> Result<Read, Trouble> {
        let list_key = self.list_key();
        let Some(list) = pairs.iter().find(|pair| pair.key == list_key) else {
            let holders = Holders { limit: self.limit, holders: BTreeMap::new() };
            return Ok(Read { holders, modify_index: 0, index });
        };
        if list.flags != FLAGS {
            return Err(Trouble::Said("existing key does not match semaphore use".to_owned()));
        }
        let mut holders: Holders = serde_json::from_slice(&list.value)
            .map_err(|e| Trouble::Said(format!("failed to decode semaphore lock: {e}")))?;
        if holders.limit != self.limit {
            let (theirs, ours) = (holders.limit, self.limit);
            return Err(Trouble::Said(format!("semaphore limit conflict (lock: {theirs}, local: {ours})")));
        }
        let alive = |id: &str| {
            pairs
                .iter()
                .any(|pair| pair.session.as_deref() == Some(id) && pair.key == under(&self.prefix, id))
        };
        holders.holders.retain(|id, _| alive(id));
        Ok(Read { holders, modify_index: list.modify_index, index })
    }

    async fn write(&self, read: &Read) -> Result<bool, Error> {
        let value = serde_json::to_vec(&read.holders).map_err(|e| Error::Config(e.to_string()))?;
        let options =
            PutOptions { mode: PutMode::Cas(read.modify_index), flags: FLAGS, ..PutOptions::default() };
        self.client.kv().put(&self.list_key(), value, &options).await
    }

    pub(super) async fn acquire(&self, deadline: Option<Duration>) -> Result<bool, Trouble> {
        let mode = PutMode::Acquire(self.session.clone());
        let options = PutOptions { mode, flags: FLAGS, ..PutOptions::default() };
        if !self.client.kv().put(&self.own_key(), Vec::new(), &options).await? {
            return Err(Trouble::Said("failed to make contender entry".to_owned()));
        }
        let mut index = 0;
        loop {
            let wait = left(deadline).unwrap_or(WAIT).min(WAIT);
            let mut read = self.read(index, wait.max(Duration::from_millis(1))).await?;
            let is_full = read.holders.holders.len() as u64 >= self.limit;
            if !is_full {
                read.holders.holders.insert(self.session.clone(), true);
                if self.write(&read).await? {
                    return Ok(true);
                }
            }
            if left(deadline).is_some_and(|left| left.is_zero()) {
                return Ok(false);
            }
            index = if is_full { read.index } else { 0 };
        }
    }

    pub(super) async fn look(&self, index: &mut u64) -> Result<bool, Error> {
        match self.read(*index, WAIT).await {
            Ok(read) => {
                *index = read.index;
                Ok(read.holders.holders.contains_key(&self.session))
            }
            Err(Trouble::Call(error)) => Err(error),
            Err(_) => Ok(false),
        }
    }

    pub(super) async fn release(&self) -> Result<(), Trouble> {
        loop {
            let mut read = self.read(0, WAIT).await?;
            if read.holders.holders.remove(&self.session).is_none() {
                return Err(Trouble::Said("Semaphore not held".to_owned()));
            }
            if self.write(&read).await? {
                break;
            }
        }
        self.client.kv().delete(&self.own_key(), None, &WriteOptions::default()).await?;
        Ok(())
    }

    pub(super) async fn clean_up(&self) -> Result<(), Trouble> {
        let read = self.read(0, RETRY).await?;
        if read.modify_index == 0 {
            return Ok(());
        }
        if !read.holders.holders.is_empty() {
            return Err(Trouble::InUse);
        }
        let options = WriteOptions::default();
        let removed = self.client.kv().delete(&self.list_key(), Some(read.modify_index), &options).await?;
        if removed { Ok(()) } else { Err(Trouble::InUse) }
    }
}
