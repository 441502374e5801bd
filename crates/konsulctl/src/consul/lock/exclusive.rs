//! One holder: a key that a session holds.

use std::time::Duration;

use konsul_client::kv::{KvPair, PutMode, PutOptions};
use konsul_client::{Client, Consistency, Error, ReadOptions, WriteOptions};

use super::{RETRY, Trouble, WAIT, left};

/// Consul's mark on keys that are locks.
const FLAGS: u64 = 0x2ddc_cbc0_77a0_58ac;

pub(super) struct Exclusive {
    pub(super) client: Client,
    pub(super) session: String,
    pub(super) key: String,
}

impl Exclusive {
    async fn read(&self, index: u64, wait: Duration) -> Result<(Option<KvPair>, u64), Error> {
        let options = ReadOptions { consistency: Consistency::Consistent, ..ReadOptions::default() };
        let options = if index == 0 { options } else { options.wait_for(index, wait) };
        let answer = self.client.kv().get(&self.key, &options).await?;
        Ok((answer.value, answer.meta.index))
    }

    async fn put(&self, mode: PutMode) -> Result<bool, Error> {
        let options = PutOptions { mode, flags: FLAGS, ..PutOptions::default() };
        self.client.kv().put(&self.key, Vec::new(), &options).await
    }

    pub(super) async fn acquire(&self, deadline: Option<Duration>) -> Result<bool, Trouble> {
        let mut index = 0;
        loop {
            let wait = left(deadline).unwrap_or(WAIT).min(WAIT);
            let (pair, next) = self.read(index, wait.max(Duration::from_millis(1))).await?;
            let holder = pair.as_ref().and_then(|pair| pair.session.as_deref()).filter(|id| !id.is_empty());
            if pair.as_ref().is_some_and(|pair| pair.flags != FLAGS) {
                return Err(Trouble::Said("existing key does not match lock use".to_owned()));
            }
            if holder == Some(&self.session) {
                return Ok(true);
            }
            if holder.is_none() {
                if self.put(PutMode::Acquire(self.session.clone())).await? {
                    return Ok(true);
                }
                // Somebody was faster, and the next read shows it; or the delay after a lost lock runs, which no read shows.
                let (pair, _) = self.read(0, wait).await?;
                if pair.is_none_or(|pair| pair.session.is_none_or(|id| id.is_empty())) {
                    tokio::time::sleep(RETRY.min(left(deadline).unwrap_or(RETRY))).await;
                }
            }
            if left(deadline).is_some_and(|left| left.is_zero()) {
                return Ok(false);
            }
            index = if holder.is_some() { next } else { 0 };
        }
    }

    pub(super) async fn look(&self, index: &mut u64) -> Result<bool, Error> {
        let (pair, next) = self.read(*index, WAIT).await?;
        *index = next;
        Ok(pair.is_some_and(|pair| pair.session.as_deref() == Some(&self.session)))
    }

    pub(super) async fn release(&self) -> Result<(), Trouble> {
        let (pair, _) = self.read(0, WAIT).await?;
        if pair.is_none_or(|pair| pair.session.as_deref() != Some(&self.session)) {
            return Err(Trouble::Said("Lock not held".to_owned()));
        }
        self.put(PutMode::Release(self.session.clone())).await?;
        Ok(())
    }

    pub(super) async fn clean_up(&self) -> Result<(), Trouble> {
        let (pair, _) = self.read(0, WAIT).await?;
        let Some(pair) = pair else { return Ok(()) };
        if pair.flags != FLAGS {
            return Err(Trouble::Said("existing key does not match lock use".to_owned()));
        }
        if pair.session.is_some_and(|id| !id.is_empty()) {
            return Err(Trouble::InUse);
        }
        let removed =
            self.client.kv().delete(&self.key, Some(pair.modify_index), &WriteOptions::default()).await?;
        if removed { Ok(()) } else { Err(Trouble::InUse) }
    }
}
