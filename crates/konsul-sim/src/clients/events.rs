//! Events: fired, listed, waited for.

use konsul_operations::arguments::EventFire;
use konsul_operations::{Context, Operations};
use konsul_runtime::time::Duration;
use konsul_types::Namespace;

use super::{Client, PATIENCE};
use crate::history::Query;

/// Does so until the run ends.
pub(super) async fn run(mut client: Client) {
    while client.goes_on() {
        if client.one_in(3) {
            fire(&mut client).await;
        } else {
            list(&mut client).await;
        }
        client.think(60).await;
    }
}

async fn fire(client: &mut Client) {
    let args = EventFire {
        name: (*client.pick(&["deploy", "restart"])).into(),
        payload: client.value(),
        node_filter: String::new(),
        service_filter: String::new(),
        tag_filter: String::new(),
    };
    let ctx = Context::new(Namespace::default_namespace());
    client.ask(PATIENCE, move |c| async move { c.operations.event_fire(&ctx, args).await }).await;
}

async fn list(client: &mut Client) {
    let ctx = Context::new(Namespace::default_namespace());
    let seen = client.read(Query::Events, ctx.clone(), None).await;
    if let Some(seen) = seen
        && client.one_in(4)
    {
        let wait = Duration::from_millis(50 + client.below(800));
        client.read(Query::Events, ctx, Some((seen.reported, wait))).await;
    }
}
