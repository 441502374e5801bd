//! Registers: keys that only these clients touch, by put, compare-and-set, delete and get. Noted without any index, for the
//! blind check.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use konsul_operations::arguments::KvPut;
use konsul_operations::{Context, Error, Operations};
use konsul_types::{Index, Key, Namespace, PutMode, Refusal};

use super::{Client, PATIENCE, key};
use crate::blind::{Answered, Asked, Operation};
use crate::desk::Heard;
use crate::history::{Content, Query};

/// One operation on a register, with its key.
pub type RegisterOp = (Key, Operation);

/// All operations on registers, in order of their end.
#[derive(Debug, Clone, Default)]
pub struct RegisterLog(Arc<Mutex<Vec<RegisterOp>>>);

impl RegisterLog {
    /// The operations so far.
    pub fn lock(&self) -> MutexGuard<'_, Vec<RegisterOp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the client last read of a register: its value and the index to compare with.
type Known = Option<(Key, Option<String>, Index)>;

/// Does so until the run ends.
pub(super) async fn run(mut client: Client) {
    let mut known = None;
    while client.goes_on() {
        let key = key(&format!("reg/{}", client.below(6)));
        known = match (client.below(10), known) {
            (0..=2, _) => put(&mut client, key, PutMode::Set, None).await,
            (3..=5, Some((key, value, index))) => {
                put(&mut client, key, PutMode::Cas(index), Some(value)).await
            }
            (6, _) => delete(&mut client, key).await,
            _ => get(&mut client, key).await,
        };
        client.think(12).await;
    }
}

fn note(client: &Client, key: Key, began: u64, asked: Asked, answered: Answered) {
    let ended = match answered {
        Answered::Maybe => u64::MAX,
        _ => client.common.history.tick(),
    };
    client.common.registers.lock().push((key, Operation { began, ended, asked, answered }));
}

/// What a write's answer says of a register.
fn answered<T>(heard: &Heard<Result<T, Error>>) -> Option<Answered> {
    match heard {
        Heard::Answer(Ok(_)) => Some(Answered::Done),
        Heard::Answer(Err(Error::Refused(Refusal::StaleIndex { .. }))) => Some(Answered::Refused),
        Heard::Nothing | Heard::Answer(Err(Error::UnknownOutcome(_))) => Some(Answered::Maybe),
        Heard::Closed | Heard::Answer(Err(_)) => None,
    }
}

async fn put(client: &mut Client, key: Key, mode: PutMode, expected: Option<Option<String>>) -> Known {
    let value = client.value();
    let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
    let asked = match expected {
        None => Asked::Put(text),
        Some(expected) => Asked::Cas { expected, new: text },
    };
    let args = KvPut { key: key.clone(), value, flags: 0, mode, ttl_ms: None };
    let ctx = client.write_context(&Namespace::default_namespace());
    let began = client.common.history.tick();
    let heard = client.ask(PATIENCE, move |c| async move { c.operations.kv_put(&ctx, args).await }).await;
    if let Some(answered) = answered(&heard) {
        note(client, key, began, asked, answered);
    }
    None
}

async fn delete(client: &mut Client, key: Key) -> Known {
    let ctx = client.write_context(&Namespace::default_namespace());
    let began = client.common.history.tick();
    let named = key.clone();
    let heard =
        client.ask(PATIENCE, move |c| async move { c.operations.kv_delete(&ctx, named, None).await }).await;
    if let Some(answered) = answered(&heard) {
        note(client, key, began, Asked::Delete, answered);
    }
    None
}

async fn get(client: &mut Client, key: Key) -> Known {
    let namespace = Namespace::default_namespace();
    let ctx = Context::new(namespace.clone());
    let began = client.common.history.tick();
    let seen = client.read(Query::Get(namespace, key.clone()), ctx, None).await?;
    let Content::Record(record) = seen.content else { return None };
    let value = record.as_ref().map(|record| String::from_utf8_lossy(record.value.as_bytes()).into_owned());
    note(client, key.clone(), began, Asked::Get, Answered::Read(value.clone()));
    Some((key, value, record.map_or(Index::ZERO, |record| record.modify_index)))
}
