//! Transactions on the catalogue: writes, removals and reads of nodes, instances and checks, with and without conditions, and
//! keys among them.

use konsul_operations::Operations;
use konsul_operations::arguments::Txn;
use konsul_types::{CatalogTxnOp, Index, KvCommand, KvTxnOp, Namespace, PutMode, TxnOp, TxnResult};

use super::{Client, PATIENCE, key, keys, registry, txns};

/// Does so until the run ends.
pub(super) async fn run(mut client: Client) {
    let mut seen = Vec::new();
    while client.goes_on() {
        if client.one_in(3) {
            seen = look(&mut client).await.unwrap_or_default();
        } else {
            change(&mut client, &seen).await;
        }
        client.think(45).await;
    }
}

/// Reads; one of several fails if it is absent.
async fn look(client: &mut Client) -> Option<Vec<TxnResult>> {
    let namespace = client.namespace();
    let mut ops = Vec::new();
    for _ in 0..1 + client.below(2) {
        let node = registry::node_name(client);
        ops.push(TxnOp::Catalog(match client.below(3) {
            0 => CatalogTxnOp::NodeGet(node),
            1 => CatalogTxnOp::ServiceGet {
                node,
                namespace: namespace.clone(),
                id: registry::service_id(client),
            },
            _ => {
                CatalogTxnOp::CheckGet { node, namespace: namespace.clone(), id: registry::check_id(client) }
            }
        }));
    }
    txns::read(client, &namespace, ops).await
}

async fn change(client: &mut Client, seen: &[TxnResult]) {
    let namespace = client.namespace();
    let mut ops: Vec<TxnOp> = seen.iter().filter_map(|found| again(client, found)).collect();
    for _ in 0..1 + client.below(3) {
        ops.push(member(client, &namespace));
    }
    let ctx = client.write_context(&namespace);
    client.ask(PATIENCE, move |c| async move { c.operations.txn(&ctx, Txn { ops }).await }).await;
}

/// What was read is written or removed, if nobody else did meanwhile.
fn again(client: &mut Client, found: &TxnResult) -> Option<TxnOp> {
    let removes = client.one_in(4);
    let op = match found {
        TxnResult::Node(node) if removes && client.one_in(3) => {
            CatalogTxnOp::NodeDelete { name: node.name.clone(), cas: Some(node.modify_index) }
        }
        TxnResult::Node(node) => {
            CatalogTxnOp::NodeSet { node: Box::new((**node).clone()), cas: Some(node.modify_index) }
        }
        TxnResult::Service(service) if removes => CatalogTxnOp::ServiceDelete {
            node: service.node.clone(),
            namespace: service.namespace.clone(),
            id: service.id.clone(),
            cas: Some(service.modify_index),
        },
        TxnResult::Service(service) => {
            let port = 80 + client.below(4) as u16;
            let new = konsul_types::Service { port, ..(**service).clone() };
            CatalogTxnOp::ServiceSet { service: Box::new(new), cas: Some(service.modify_index) }
        }
        TxnResult::Check(check) if removes => CatalogTxnOp::CheckDelete {
            node: check.node.clone(),
            namespace: check.namespace.clone(),
            id: check.id.clone(),
            cas: Some(check.modify_index),
        },
        TxnResult::Check(check) => {
            let new = konsul_types::Check { status: registry::status(client), ..(**check).clone() };
            CatalogTxnOp::CheckSet { check: Box::new(new), cas: Some(check.modify_index) }
        }
        TxnResult::Kv { .. } => return None,
    };
    Some(TxnOp::Catalog(op))
}

/// One of any kind; conditions on index zero hold for what is absent.
fn member(client: &mut Client, namespace: &Namespace) -> TxnOp {
    let cas = client.one_in(4).then_some(Index::ZERO);
    let (node, namespace) = (registry::node_name(client), namespace.clone());
    let op = match client.below(12) {
        0 => CatalogTxnOp::NodeSet { node: Box::new(registry::node(client)), cas },
        1..=3 => {
            let service = registry::service(client, &node, &namespace);
            CatalogTxnOp::ServiceSet { service: Box::new(service), cas }
        }
        4..=6 => {
            let of = registry::service_id(client);
            let of = (!client.one_in(4)).then_some((&namespace, of));
            CatalogTxnOp::CheckSet { check: Box::new(registry::check(client, &node, of)), cas }
        }
        7 => CatalogTxnOp::ServiceDelete { node, namespace, id: registry::service_id(client), cas: None },
        8 => CatalogTxnOp::CheckDelete { node, namespace, id: registry::check_id(client), cas: None },
        9 if client.one_in(4) => CatalogTxnOp::NodeDelete { name: node, cas: None },
        10 => CatalogTxnOp::CheckGet { node, namespace, id: registry::check_id(client) },
        _ => {
            let (key, value) = (key(&keys::name(client)), client.value());
            let put = KvCommand::Put { key, value, flags: 0, mode: PutMode::Set, ttl_ms: None };
            return TxnOp::Kv { namespace, op: KvTxnOp::Write(put) };
        }
    };
    TxnOp::Catalog(op)
}
