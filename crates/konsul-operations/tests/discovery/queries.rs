//! Prepared queries: kept, found, executed, explained.

use konsul_operations::arguments::{QueryExecute, QueryList, QueryWrite};
use konsul_operations::{Error, Operations};
use konsul_types::query::{QueryFailover, QueryTarget};
use konsul_types::{
    CheckStatus, Index, PreparedQuery, QueryId, QueryService, QueryTemplate, Refusal, SessionId,
};

use crate::support::*;

fn query(name: &str, service: &str) -> PreparedQuery {
    PreparedQuery {
        id: QueryId(uuid::Uuid::nil()),
        name: name.into(),
        session: None,
        template: None,
        service: QueryService { service: service.into(), ..QueryService::default() },
        dns_ttl: "10s".into(),
        create_index: Index::ZERO,
        modify_index: Index::ZERO,
    }
}

fn execute(name: &str) -> QueryExecute {
    QueryExecute { name: name.into(), near: None, limit: None, connect: false, client: None }
}

async fn create(ops: &Ops, query: PreparedQuery) -> QueryId {
    ops.query_create(&ctx(), QueryWrite { query }).await.unwrap()
}

async fn found(ops: &Ops, args: QueryExecute) -> Vec<String> {
    let answer = ops.query_execute(&ctx(), args).await.unwrap().value;
    let mut found: Vec<_> = answer.instances.iter().map(|one| one.service.id.to_string()).collect();
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_answers_by_name_and_id_with_what_is_well() {
    let server = start().await;
    let ops = &server.operations;
    for (id, status) in
        [("a", CheckStatus::Passing), ("b", CheckStatus::Warning), ("c", CheckStatus::Critical)]
    {
        instance(ops, id, id, "web", status).await;
    }
    let id = create(ops, query("find-web", "web")).await;
    for name in ["find-web", "FIND-web", &id.to_string()] {
        assert_eq!(found(ops, execute(name)).await, ["a", "b"], "{name}");
    }
    assert_eq!(found(ops, QueryExecute { limit: Some(1), ..execute("find-web") }).await.len(), 1);
    let answer = ops.query_execute(&ctx(), execute("find-web")).await.unwrap().value;
    assert_eq!(
        (answer.service.as_str(), answer.dns_ttl.as_str(), answer.datacenter.as_str()),
        ("web", "10s", "dc1")
    );
    assert_eq!(answer.instances[0].checks.len(), 1);

    let mut strict = query("find-web", "web");
    strict.id = id;
    strict.service.only_passing = true;
    ops.query_update(&ctx(), QueryWrite { query: strict }).await.unwrap();
    assert_eq!(found(ops, execute("find-web")).await, ["a"]);
    ops.query_delete(&ctx(), id).await.unwrap();
    assert_eq!(ops.query_execute(&ctx(), execute("find-web")).await.unwrap_err(), Error::QueryNotFound);
    let again = ops.query_delete(&ctx(), id).await.unwrap_err();
    assert_eq!(again.to_string(), format!("Cannot modify non-existent prepared query: '{id}'"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_answers_for_every_name_that_begins_with_its_own() {
    let server = start().await;
    let ops = &server.operations;
    instance(ops, "n1", "web-a", "web", CheckStatus::Passing).await;
    let mut template = query("geo-", "${name.suffix}");
    template.template = Some(QueryTemplate::default());
    let id = create(ops, template).await;
    assert_eq!(found(ops, execute("geo-web")).await, ["web-a"]);
    assert!(found(ops, execute("geo-db")).await.is_empty());
    let explained = ops.query_explain(&ctx(), execute("geo-web")).await.unwrap().value;
    assert_eq!((explained.id, explained.query.service.service.as_str()), (id, "web"));
    let by_id = ops.query_execute(&ctx(), execute(&id.to_string())).await.unwrap_err();
    assert_eq!(by_id.to_string(), "prepared query templates can only be resolved up by name, not by ID");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_stand_is_refused_in_consuls_words() {
    let server = start().await;
    let ops = &server.operations;
    let refused =
        |query: PreparedQuery| async { ops.query_create(&ctx(), QueryWrite { query }).await.unwrap_err() };
    let unbound = refused(query("", "web")).await;
    assert_eq!(unbound.to_string(), "Invalid prepared query: Must be bound to a session");
    let empty = refused(query("q", "")).await;
    assert_eq!(empty.to_string(), "Invalid prepared query: Must provide a Service name to query");
    let gone = PreparedQuery { session: Some(SessionId(uuid::Uuid::nil())), ..query("q", "web") };
    assert_eq!(refused(gone).await, Error::Refused(Refusal::QuerySession));
    create(ops, query("q", "web")).await;
    let taken = refused(query("Q", "web")).await;
    assert_eq!(taken.to_string(), "name 'Q' aliases an existing query name");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_places_are_passed_over_and_peers_are_counted() {
    let server = start().await;
    let ops = &server.operations;
    let places = QueryFailover { datacenters: vec!["dc9".into()], nearest_n: 3, ..QueryFailover::default() };
    let mut elsewhere = query("a", "web");
    elsewhere.service.failover = places;
    create(ops, elsewhere).await;
    let peer = QueryTarget { peer: "there".into(), ..QueryTarget::default() };
    let mut with_peer = query("b", "web");
    with_peer.service.failover = QueryFailover { targets: vec![peer], ..QueryFailover::default() };
    create(ops, with_peer).await;
    let tried = |name: &'static str| async {
        ops.query_execute(&ctx(), execute(name)).await.unwrap().value.failovers
    };
    assert_eq!((tried("a").await, tried("b").await), (0, 1));
    instance(ops, "n1", "w", "web", CheckStatus::Passing).await;
    assert_eq!(tried("b").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_queries_are_listed_and_an_unknown_one_is_told_at_once() {
    let server = start().await;
    let ops = &server.operations;
    let id = create(ops, query("q", "web")).await;
    let list = |id: Option<QueryId>, index: Index| {
        let args = QueryList { id, blocking: blocking(index) };
        async { ops.query_list(&ctx(), args).await }
    };
    let all = list(None, Index::ZERO).await.unwrap();
    assert_eq!((all.value.len(), all.value[0].id), (1, id));
    assert_eq!(list(Some(id), Index::ZERO).await.unwrap().value[0].name, "q");
    let unknown = Some(QueryId(uuid::Uuid::nil()));
    assert_eq!(list(unknown, all.meta.index).await.unwrap_err(), Error::QueryNotFound);
}
