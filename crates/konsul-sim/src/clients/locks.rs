//! Sessions and locks: made, renewed early, late or not at all; locks taken, kept, lost and given back.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use konsul_operations::arguments::{KvPut, SessionCreate};
use konsul_operations::{Context, Operations};
use konsul_runtime::time::{Duration, now, sleep};
use konsul_types::{Behavior, CheckId, GoDuration, Namespace, PutMode, Session, SessionId};

use super::{Client, PATIENCE, key};
use crate::history::{Query, Renewed};

/// Does so until the run ends.
pub(super) async fn run(mut client: Client) {
    while client.goes_on() {
        let namespace = client.namespace();
        match create(&mut client, &namespace).await {
            Some(session) => live(&mut client, &namespace, session).await,
            None => client.think(50).await,
        }
    }
}

async fn create(client: &mut Client, namespace: &Namespace) -> Option<Arc<Session>> {
    let ttl_ms = 500 + client.below(2_000);
    let args = SessionCreate {
        name: format!("of c{}", client.id),
        node: None,
        lock_delay_ms: [0, 300, 1_500][client.below(3) as usize],
        behavior: if client.one_in(2) { Behavior::Release } else { Behavior::Delete },
        ttl_nanos: if client.one_in(6) { 0 } else { GoDuration::from_millis(ttl_ms).0 },
        ttl_text: format!("{ttl_ms}ms"),
        node_checks: if client.one_in(2) {
            vec![CheckId::new("serfHealth").expect("a good name")]
        } else {
            vec![]
        },
        service_checks: vec![],
    };
    let (ctx, asked_at) = (Context::new(namespace.clone()), now());
    let heard =
        client.ask(PATIENCE, move |c| async move { c.operations.session_create(&ctx, args).await }).await;
    let session = heard.ok()?;
    promised(client, namespace, &session, asked_at.as_nanos());
    Some(session)
}

/// An answer to a creation or renewal is a promise of one time to live.
pub(super) fn promised(client: &Client, namespace: &Namespace, session: &Arc<Session>, asked_at: u64) {
    let renewed = Renewed {
        namespace: namespace.clone(),
        session: Arc::clone(session),
        asked_at,
        jumps: client.common.control.jumps.load(Ordering::Relaxed),
    };
    client.common.history.journals().renewals.push(renewed);
}

/// The life of one session, as its holder lives it.
pub(super) async fn live(client: &mut Client, namespace: &Namespace, session: Arc<Session>) {
    let id = session.spec.id;
    let careless = client.one_in(3);
    for _ in 0..4 + client.below(12) {
        if !client.goes_on() {
            break;
        }
        match client.below(12) {
            0..=3 => lock(client, namespace, PutMode::Acquire(id)).await,
            4 => lock(client, namespace, PutMode::Release(id)).await,
            5 => look(client, namespace, id).await,
            6 if careless => near_the_end(client, &session).await,
            6..=8 if !careless => {
                if !renew(client, namespace, id).await {
                    return;
                }
            }
            _ => client.think(session.spec.ttl_ms.unwrap_or(1_000) / 4).await,
        }
    }
    // Some are ended, some left to run out. Those without a time to live must be ended, or they fill the server.
    if session.spec.ttl_ms.is_none() || client.one_in(3) {
        destroy(client, namespace, id).await;
    }
}

async fn lock(client: &mut Client, namespace: &Namespace, mode: PutMode) {
    let name = format!("lock/{}", client.below(5));
    let args = KvPut { key: key(&name), value: client.value(), flags: 0, mode, ttl_ms: None };
    let ctx = client.write_context(namespace);
    client.ask(PATIENCE, move |c| async move { c.operations.kv_put(&ctx, args).await }).await;
    client.think(10).await;
}

async fn look(client: &mut Client, namespace: &Namespace, id: SessionId) {
    let query = match client.below(3) {
        0 => Query::Session(namespace.clone(), id),
        1 => Query::Sessions(namespace.clone()),
        _ => Query::List(namespace.clone(), "lock/".into()),
    };
    let ctx = client.context(namespace);
    client.read(query, ctx, None).await;
}

/// Waits until about when the session may be ended, so that a renewal and the end of it race.
async fn near_the_end(client: &mut Client, session: &Session) {
    let Some(ttl) = session.spec.ttl_ms else { return };
    let around = (2 * ttl * 1_000_000).saturating_sub(2_000_000) + client.below(4_000_000);
    sleep(Duration::from_nanos(around)).await;
}

async fn renew(client: &mut Client, namespace: &Namespace, id: SessionId) -> bool {
    let (ctx, asked_at) = (Context::new(namespace.clone()), now());
    let heard =
        client.ask(PATIENCE, move |c| async move { c.operations.session_renew(&ctx, id).await }).await;
    match heard.ok() {
        Some(session) => {
            promised(client, namespace, &session, asked_at.as_nanos());
            true
        }
        None => false,
    }
}

async fn destroy(client: &mut Client, namespace: &Namespace, id: SessionId) {
    let ctx = Context::new(namespace.clone());
    client.ask(PATIENCE, move |c| async move { c.operations.session_destroy(&ctx, id).await }).await;
}
