//! Keys of all sorts: puts with and without conditions and times to live, removals, reads.

use std::sync::Arc;

use konsul_operations::Operations;
use konsul_operations::arguments::KvPut;
use konsul_types::{Index, KvRecord, Namespace, PutMode};

use super::{Client, PATIENCE, key};
use crate::history::{Content, Query};

const DIRECTORIES: [&str; 5] = ["app/", "app/web/", "app/web/deep/", "conf", ""];

/// Does so until the run ends.
pub(super) async fn run(mut client: Client) {
    let mut known = None;
    while client.goes_on() {
        step(&mut client, &mut known).await;
        client.think(8).await;
    }
}

/// What the client last read, to make conditions of.
type Known = Option<(Namespace, String, Option<Arc<KvRecord>>)>;

async fn step(client: &mut Client, known: &mut Known) {
    let namespace = client.namespace();
    match client.below(20) {
        0..=6 => put(client, namespace, PutMode::Set, None).await,
        7..=9 => conditional(client, known.take()).await,
        10 => delete(client, namespace, None).await,
        11 if client.one_in(3) => delete_tree(client, namespace).await,
        12 => list(client, namespace).await,
        13 => names(client, namespace).await,
        _ => *known = get(client, namespace).await,
    }
}

/// A name that several clients use.
pub(super) fn name(client: &mut Client) -> String {
    let directory = *client.pick(&DIRECTORIES);
    format!("{directory}k{}", client.below(7))
}

async fn put(client: &mut Client, namespace: Namespace, mode: PutMode, at: Option<String>) {
    let name = at.unwrap_or_else(|| name(client));
    let ttl_ms = (client.common.plan.key_ttl && client.one_in(4)).then(|| 200 + client.below(3_000));
    // Now and then the same bytes again, which must change nothing.
    let value = if client.one_in(12) { konsul_types::Value::from(&b"same"[..]) } else { client.value() };
    let args = KvPut { key: key(&name), value, flags: client.below(3), mode, ttl_ms };
    let ctx = client.write_context(&namespace);
    client.ask(PATIENCE, move |c| async move { c.operations.kv_put(&ctx, args).await }).await;
}

async fn conditional(client: &mut Client, known: Known) {
    let Some((namespace, name, record)) = known else { return };
    let index = record.map_or(Index::ZERO, |record| record.modify_index);
    if client.one_in(4) && index > Index::ZERO {
        return delete(client, namespace, Some((name, index))).await;
    }
    put(client, namespace, PutMode::Cas(index), Some(name)).await;
}

async fn delete(client: &mut Client, namespace: Namespace, on: Option<(String, Index)>) {
    let ctx = client.write_context(&namespace);
    let (name, cas) = on.map_or_else(|| (name(client), None), |(name, index)| (name, Some(index)));
    client.ask(PATIENCE, move |c| async move { c.operations.kv_delete(&ctx, key(&name), cas).await }).await;
}

async fn delete_tree(client: &mut Client, namespace: Namespace) {
    let prefix = prefix(client);
    let ctx = client.write_context(&namespace);
    client.ask(PATIENCE, move |c| async move { c.operations.kv_delete_tree(&ctx, prefix).await }).await;
}

/// A prefix that some of the names have: a directory, or one that ends inside a name.
pub(super) fn prefix(client: &mut Client) -> String {
    (*client.pick(&["app/", "app/web/", "app/w", "conf", "app/web/deep/", "k", "app/k3"])).to_owned()
}

async fn get(client: &mut Client, namespace: Namespace) -> Known {
    let name = name(client);
    let ctx = client.context(&namespace);
    let seen = client.read(Query::Get(namespace.clone(), key(&name)), ctx, None).await?;
    match seen.content {
        Content::Record(record) => Some((namespace, name, record)),
        _ => None,
    }
}

async fn list(client: &mut Client, namespace: Namespace) {
    let prefix = prefix(client);
    let ctx = client.context(&namespace);
    client.read(Query::List(namespace, prefix), ctx, None).await;
}

async fn names(client: &mut Client, namespace: Namespace) {
    let prefix = if client.one_in(3) { String::new() } else { prefix(client) };
    let separator = if client.one_in(2) { "/" } else { "" };
    let ctx = client.context(&namespace);
    client.read(Query::Keys(namespace, prefix, separator.into()), ctx, None).await;
}
