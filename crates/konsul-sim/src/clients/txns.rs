//! Transactions: counters that go up by reading and checking, and mixed ones of which many fail.

use konsul_operations::arguments::Txn;
use konsul_operations::{Operations, TxnAnswer};
use konsul_types::{Index, Key, KvCommand, KvTxnOp, Namespace, PutMode, TxnOp, TxnResult, Value};

use super::{Client, PATIENCE, key, keys};
use crate::history::TxnRead;
use crate::port::answered_by;

/// Does so until the run ends.
pub(super) async fn run(mut client: Client) {
    while client.goes_on() {
        match client.below(4) {
            0 => mixed(&mut client).await,
            1 => read_only(&mut client).await,
            _ => count_up(&mut client).await,
        }
        client.think(15).await;
    }
}

fn member(namespace: &Namespace, op: KvTxnOp) -> TxnOp {
    TxnOp::Kv { namespace: namespace.clone(), op }
}

fn put(key: Key, value: Value, mode: PutMode) -> KvTxnOp {
    KvTxnOp::Write(KvCommand::Put { key, value, flags: 0, mode, ttl_ms: None })
}

/// Reads a counter, and writes the next number if nobody else did meanwhile.
async fn count_up(client: &mut Client) {
    let namespace = Namespace::default_namespace();
    let counter = key(&format!("count/{}", client.below(3)));
    let get = member(&namespace, KvTxnOp::GetOrEmpty { key: counter.clone() });
    let Some(found) = read(client, &namespace, vec![get]).await else { return };
    let index = match found.first() {
        Some(TxnResult::Kv { record: Some(record), .. }) => record.modify_index,
        _ => Index::ZERO,
    };
    let check = match index {
        Index::ZERO => KvTxnOp::CheckNotExists { key: counter.clone() },
        index => KvTxnOp::CheckIndex { key: counter.clone(), index },
    };
    let value = client.value();
    let beside = key(&format!("count/by-{}", client.id));
    let ops = vec![
        member(&namespace, check),
        member(&namespace, put(counter.clone(), value.clone(), PutMode::Set)),
        member(&namespace, put(beside, value, PutMode::Set)),
        member(&namespace, KvTxnOp::Get { key: counter }),
    ];
    write(client, &namespace, ops).await;
}

async fn mixed(client: &mut Client) {
    let mut ops = Vec::new();
    for _ in 0..1 + client.below(6) {
        let namespace = client.namespace();
        let name = key(&keys::name(client));
        let op = match client.below(8) {
            0 => KvTxnOp::Get { key: name },
            1 => KvTxnOp::GetTree { prefix: keys::prefix(client) },
            2 => KvTxnOp::CheckNotExists { key: name },
            3 => KvTxnOp::Write(KvCommand::Delete { key: name, cas: None }),
            4 => KvTxnOp::Write(KvCommand::DeleteTree { prefix: keys::prefix(client) }),
            5 => put(name, client.value(), PutMode::Cas(Index::ZERO)),
            _ => put(name, client.value(), PutMode::Set),
        };
        ops.push(member(&namespace, op));
    }
    let namespace = Namespace::default_namespace();
    write(client, &namespace, ops).await;
}

async fn read_only(client: &mut Client) {
    let namespace = client.namespace();
    let mut ops = vec![member(&namespace, KvTxnOp::GetTree { prefix: keys::prefix(client) })];
    if client.one_in(3) {
        ops.push(member(&namespace, KvTxnOp::Get { key: key(&keys::name(client)) }));
    }
    read(client, &namespace, ops).await;
}

/// Asks in one transaction, and keeps for the judge what was answered.
pub(super) async fn read(
    client: &mut Client,
    namespace: &Namespace,
    ops: Vec<TxnOp>,
) -> Option<Vec<TxnResult>> {
    let ctx = client.context(namespace);
    let asked = ops.clone();
    let heard = client
        .ask(PATIENCE, move |c| async move {
            let answer = c.operations.txn(&ctx, Txn { ops: asked }).await?;
            Ok((answer, answered_by()))
        })
        .await;
    let (answer, state) = heard.ok()?;
    let results = match answer {
        TxnAnswer::Committed(results, _) => Some(results),
        TxnAnswer::RolledBack(_) => None,
    };
    let noted = TxnRead { ops, state, results: results.clone() };
    client.common.history.journals().txn_reads.push(noted);
    results
}

async fn write(client: &mut Client, namespace: &Namespace, ops: Vec<TxnOp>) {
    let ctx = client.write_context(namespace);
    client.ask(PATIENCE, move |c| async move { c.operations.txn(&ctx, Txn { ops }).await }).await;
}
