//! Locks as resources: sessions that wait in line, give up, lose patience, end while they wait, and give back what they got.

use std::sync::Arc;

use konsul_operations::arguments::{LockAcquire, LockGet, LockList, LockRelease, SessionCreate};
use konsul_operations::{Context, Operations};
use konsul_runtime::time::Duration;
use konsul_types::{Behavior, GoDuration, Index, LockName, Namespace, Session, SessionId, Value};

use super::{Client, PATIENCE};

/// Does so until the run ends.
pub(super) async fn run(mut client: Client) {
    while client.goes_on() {
        let namespace = client.namespace();
        match create(&mut client, &namespace).await {
            Some(session) => live(&mut client, &namespace, session.spec.id).await,
            None => client.think(50).await,
        }
    }
}

async fn create(client: &mut Client, namespace: &Namespace) -> Option<Arc<Session>> {
    let ttl_ms = 600 + client.below(3_000);
    let args = SessionCreate {
        name: format!("in line c{}", client.id),
        node: None,
        lock_delay_ms: [0, 0, 400][client.below(3) as usize],
        behavior: Behavior::Release,
        ttl_nanos: GoDuration::from_millis(ttl_ms).0,
        ttl_text: format!("{ttl_ms}ms"),
        node_checks: vec![],
        service_checks: vec![],
    };
    let ctx = Context::new(namespace.clone());
    client.ask(PATIENCE, move |c| async move { c.operations.session_create(&ctx, args).await }).await.ok()
}

async fn live(client: &mut Client, namespace: &Namespace, id: SessionId) {
    let mut held: Vec<(LockName, Index)> = Vec::new();
    for _ in 0..3 + client.below(9) {
        if !client.goes_on() {
            break;
        }
        match client.below(10) {
            0..=4 => held.extend(acquire(client, namespace, id).await),
            5..=7 if !held.is_empty() => {
                let (name, fencing) = held.swap_remove(client.below(held.len() as u64) as usize);
                release(client, namespace, id, name, fencing).await;
            }
            8 => look(client, namespace).await,
            _ => client.think(300).await,
        }
    }
    // The others run out, with what they hold and wait for.
    if client.one_in(2) {
        let ctx = Context::new(namespace.clone());
        client.ask(PATIENCE, move |c| async move { c.operations.session_destroy(&ctx, id).await }).await;
    }
}

fn name(client: &mut Client) -> LockName {
    LockName::new(format!("line/{}", client.below(3))).expect("clients use good names")
}

/// Some wait for long, some for a moment, some not at all; some of them hang up before they hear anything.
async fn acquire(
    client: &mut Client,
    namespace: &Namespace,
    session: SessionId,
) -> Option<(LockName, Index)> {
    let wait = Duration::from_millis([0, 20, 300, 2_000][client.below(4) as usize]);
    let patience = if client.one_in(3) { Duration::from_millis(1 + client.below(200)) } else { PATIENCE };
    let name = name(client);
    let value = Value::from(format!("c{}", client.id).into_bytes());
    let args = LockAcquire { name: name.clone(), session, value, wait };
    let ctx = Context::new(namespace.clone());
    let work = move |c: crate::desk::Counter| async move { c.operations.lock_acquire(&ctx, args).await };
    let grant = client.ask(patience, work).await.ok()?;
    Some((name, grant.holder.fencing))
}

async fn release(client: &mut Client, namespace: &Namespace, session: SessionId, name: LockName, at: Index) {
    let args = LockRelease { name, session, fencing: client.one_in(2).then_some(at) };
    let ctx = client.write_context(namespace);
    client.ask(PATIENCE, move |c| async move { c.operations.lock_release(&ctx, args).await }).await;
}

async fn look(client: &mut Client, namespace: &Namespace) {
    let ctx = client.context(namespace);
    if client.one_in(2) {
        let args = LockGet { name: name(client), blocking: None };
        client.ask(PATIENCE, move |c| async move { c.operations.lock_get(&ctx, args).await }).await;
    } else {
        let args = LockList { prefix: "line/".into(), after: None, limit: 10 };
        client.ask(PATIENCE, move |c| async move { c.operations.lock_list(&ctx, args).await }).await;
    }
}
