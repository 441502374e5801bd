//! Prepared queries: made, pointed elsewhere, executed, removed; some end with their session.

use std::sync::Arc;

use konsul_operations::arguments::{QueryWrite, SessionCreate};
use konsul_operations::{Context, Operations};
use konsul_types::{
    Behavior, GoDuration, Index, Namespace, PreparedQuery, QueryId, QueryService, Session, SessionId,
};

use super::{Client, PATIENCE, registry};
use crate::history::{Content, Query};

/// Does so until the run ends.
pub(super) async fn run(mut client: Client) {
    let (mut known, mut session): (Vec<Arc<PreparedQuery>>, Option<SessionId>) = (Vec::new(), None);
    while client.goes_on() {
        match client.below(12) {
            0..=2 => write(&mut client, None, session).await,
            3..=4 => {
                let query = (!known.is_empty()).then(|| client.pick(&known).clone());
                write(&mut client, query.as_deref(), session).await;
            }
            5 => remove(&mut client, &known).await,
            6 => session = create(&mut client).await.map(|session| session.spec.id),
            7..=8 => known = list(&mut client).await.unwrap_or(known),
            _ => execute(&mut client).await,
        }
        client.think(50).await;
    }
}

/// A name that several clients use, in two spellings.
fn name(client: &mut Client) -> String {
    (*client.pick(&["front", "Front", "back", "all"])).to_owned()
}

/// Makes one, or points one elsewhere.
async fn write(client: &mut Client, old: Option<&PreparedQuery>, session: Option<SessionId>) {
    let service = QueryService {
        service: registry::service_name(client).shared(),
        only_passing: client.one_in(2),
        ..QueryService::default()
    };
    let name = if client.one_in(6) { String::new() } else { name(client) };
    let query = PreparedQuery {
        id: old.map_or(QueryId(uuid::Uuid::nil()), |old| old.id),
        name: name.into(),
        session: session.filter(|_| client.one_in(2)),
        template: None,
        service,
        dns_ttl: "".into(),
        create_index: Index::ZERO,
        modify_index: Index::ZERO,
    };
    let ctx = client.write_context(&Namespace::default_namespace());
    let (args, is_new) = (QueryWrite { query }, old.is_none());
    client
        .ask(PATIENCE, move |c| async move {
            match is_new {
                true => c.operations.query_create(&ctx, args).await.map(|_| ()),
                false => c.operations.query_update(&ctx, args).await,
            }
        })
        .await;
}

async fn remove(client: &mut Client, known: &[Arc<PreparedQuery>]) {
    if known.is_empty() {
        return;
    }
    let id = client.pick(known).id;
    let ctx = client.write_context(&Namespace::default_namespace());
    client.ask(PATIENCE, move |c| async move { c.operations.query_delete(&ctx, id).await }).await;
}

async fn create(client: &mut Client) -> Option<Arc<Session>> {
    let ttl_ms = 700 + client.below(2_000);
    let args = SessionCreate {
        name: format!("asks, of c{}", client.id),
        node: None,
        lock_delay_ms: 0,
        behavior: Behavior::Release,
        ttl_nanos: GoDuration::from_millis(ttl_ms).0,
        ttl_text: format!("{ttl_ms}ms"),
        node_checks: vec![],
        service_checks: vec![],
    };
    let ctx = Context::new(Namespace::default_namespace());
    client.ask(PATIENCE, move |c| async move { c.operations.session_create(&ctx, args).await }).await.ok()
}

async fn list(client: &mut Client) -> Option<Vec<Arc<PreparedQuery>>> {
    let ctx = client.context(&Namespace::default_namespace());
    match client.read(Query::Queries, ctx, None).await?.content {
        Content::Queries(queries) => Some(queries),
        _ => None,
    }
}

async fn execute(client: &mut Client) {
    let namespace = client.namespace();
    let (name, ctx) = (name(client), client.context(&namespace));
    client.read(Query::Execute(namespace, name), ctx, None).await;
}
