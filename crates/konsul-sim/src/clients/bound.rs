//! Sessions that lean on checks: of their node, of instances in the default namespace named as the node's, and of instances in
//! their own. They hold locks, are renewed, and end when a check turns critical or goes.

use std::sync::Arc;

use konsul_operations::arguments::SessionCreate;
use konsul_operations::{Context, Operations};
use konsul_runtime::time::now;
use konsul_types::session::ServiceCheckRef;
use konsul_types::{Behavior, GoDuration, Namespace, Session};

use super::{Client, PATIENCE, locks, registry};

/// Does so until the run ends.
pub(super) async fn run(mut client: Client) {
    while client.goes_on() {
        let namespace = client.namespace();
        match create(&mut client, &namespace).await {
            Some(session) => locks::live(&mut client, &namespace, session).await,
            None => client.think(40).await,
        }
    }
}

async fn create(client: &mut Client, namespace: &Namespace) -> Option<Arc<Session>> {
    let ttl_ms = 800 + client.below(3_000);
    let node_check = client.one_in(2).then(|| registry::check_id(client));
    let service_check = client.one_in(2).then(|| registry::check_id(client));
    let named = if client.one_in(3) { "tenant" } else { "" };
    let args = SessionCreate {
        name: format!("leans, of c{}", client.id),
        node: Some(registry::node_name(client)),
        lock_delay_ms: [0, 400, 1_500][client.below(3) as usize],
        behavior: if client.one_in(2) { Behavior::Release } else { Behavior::Delete },
        ttl_nanos: GoDuration::from_millis(ttl_ms).0,
        ttl_text: format!("{ttl_ms}ms"),
        node_checks: node_check.into_iter().collect(),
        service_checks: service_check
            .map(|id| ServiceCheckRef { id, namespace: named.into() })
            .into_iter()
            .collect(),
    };
    let (ctx, asked_at) = (Context::new(namespace.clone()), now());
    let heard =
        client.ask(PATIENCE, move |c| async move { c.operations.session_create(&ctx, args).await }).await;
    let session = heard.ok()?;
    locks::promised(client, namespace, &session, asked_at.as_nanos());
    Some(session)
}
