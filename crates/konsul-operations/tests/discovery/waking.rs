//! Who wakes: each family's own index, and nobody for what is not its own.

use std::future::Future;

use konsul_operations::arguments::{
    CheckList, CheckSelect, CoordinateList, Narrow, NodeList, NodeServices, QueryList, ServiceInstances,
    ServiceList,
};
use konsul_operations::ports::Replica as _;
use konsul_operations::{Error, Operations};
use konsul_types::{CheckStatus, Index, Node};
use tokio::task::JoinHandle;

use crate::support::*;

/// Starts a question and waits until it is parked on so many topics.
async fn park<T: Send + 'static>(
    ops: &Ops,
    count: usize,
    question: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> JoinHandle<T> {
    let task = tokio::spawn(async { question.await.unwrap() });
    parked(ops.replica(), count).await;
    task
}

fn watch(
    ops: &Ops,
    args: ServiceInstances,
) -> impl Future<Output = Result<Vec<String>, Error>> + Send + 'static {
    let ops = ops.clone();
    async move { Ok(ask(&ops, args).await.0) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_services_watcher_wakes_for_that_service_alone() {
    let server = start().await;
    let ops = &server.operations;
    instance(ops, "n1", "web-1", "web", CheckStatus::Passing).await;
    instance(ops, "n2", "db-1", "db", CheckStatus::Passing).await;
    let (_, index) = ask(ops, instances_of("web")).await;
    let args = ServiceInstances { blocking: blocking(index), ..instances_of("web") };
    let task = park(ops, 1, watch(ops, args)).await;
    let before = ops.replica().feed().stats().wakeups;
    instance(ops, "n2", "db-2", "db", CheckStatus::Critical).await;
    result(ops, "n2", "db-1", "db", CheckStatus::Warning, "slow").await;
    register(ops, Node { address: "10.0.0.9".into(), ..node("n2") }, None, vec![]).await;
    assert_eq!(ops.replica().feed().stats().wakeups, before, "others' changes wake nobody");
    assert_eq!(ask(ops, instances_of("web")).await.1, index, "and move no index");
    // Its node's check is its own matter.
    register(ops, node("n1"), None, vec![node_check("n1", "disk", CheckStatus::Passing)]).await;
    assert_eq!(task.await.unwrap(), ["web-1"]);
    assert!(ask(ops, instances_of("web")).await.1 > index);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_told_of_passing_instances_does_not_wake_for_what_a_check_says() {
    let server = start().await;
    let ops = &server.operations;
    instance(ops, "n1", "web-1", "web", CheckStatus::Passing).await;
    let (_, index) = ask(ops, instances_of("web")).await;
    let passing = ServiceInstances { passing: true, blocking: blocking(index), ..instances_of("web") };
    let all = ServiceInstances { blocking: blocking(index), ..instances_of("web") };
    let (passing, all) = (park(ops, 1, watch(ops, passing)).await, park(ops, 2, watch(ops, all)).await);
    result(ops, "n1", "web-1", "web", CheckStatus::Passing, "a little slower").await;
    all.await.unwrap();
    assert!(!passing.is_finished());
    parked(ops.replica(), 1).await;
    result(ops, "n1", "web-1", "web", CheckStatus::Critical, "gone").await;
    assert!(passing.await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_of_a_service_outlives_its_last_instance() {
    let server = start().await;
    let ops = &server.operations;
    instance(ops, "n1", "web-1", "web", CheckStatus::Passing).await;
    let (_, index) = ask(ops, instances_of("web")).await;
    let args = ServiceInstances { blocking: blocking(index), ..instances_of("web") };
    let task = park(ops, 1, watch(ops, args)).await;
    deregister(ops, "n1", Some("web-1"), None).await;
    assert!(task.await.unwrap().is_empty());
    let (_, gone) = ask(ops, instances_of("web")).await;
    assert!(gone > index);
    let args = ServiceInstances { blocking: blocking(gone), ..instances_of("web") };
    let task = park(ops, 1, watch(ops, args)).await;
    instance(ops, "n1", "web-1", "web", CheckStatus::Passing).await;
    assert_eq!(task.await.unwrap(), ["web-1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_family_wakes_for_its_own_records() {
    let server = start().await;
    let ops = server.operations.clone();
    instance(&ops, "n1", "web-1", "web", CheckStatus::Passing).await;
    let now = blocking(ops.replica().state().index());
    let narrow = Narrow { node_meta: [("rack", "r1")].into_iter().collect(), ..Narrow::default() };
    let asking = ops.clone();
    let nodes = park(&ops, 1, async move {
        asking
            .node_list(&ctx(), NodeList { blocking: now, ..NodeList::default() })
            .await
            .map(|a| a.meta.index)
    })
    .await;
    let asking = ops.clone();
    let node_services = park(&ops, 2, async move {
        let args = NodeServices { node: "n1".into(), filter: String::new(), blocking: now };
        asking.node_services(&ctx(), args).await.map(|answer| answer.meta.index)
    })
    .await;
    let asking = ops.clone();
    let services = park(&ops, 3, async move {
        let args = ServiceList { names_only: true, blocking: now, ..ServiceList::default() };
        asking.service_list(&ctx(), args).await.map(|answer| answer.meta.index)
    })
    .await;
    let asking = ops.clone();
    let racked = park(&ops, 5, async move {
        let args = ServiceList { narrow, names_only: true, blocking: now };
        asking.service_list(&ctx(), args).await.map(|answer| answer.meta.index)
    })
    .await;
    let asking = ops.clone();
    let checks = park(&ops, 6, async move {
        let select = CheckSelect::Status(None);
        let args = CheckList { select, narrow: Narrow::default(), blocking: now };
        asking.check_list(&ctx(), args).await.map(|answer| answer.meta.index)
    })
    .await;
    let asking = ops.clone();
    let coordinates = park(&ops, 7, async move {
        let args = CoordinateList { blocking: now, ..CoordinateList::default() };
        asking.coordinate_list(&ctx(), args).await.map(|answer| answer.meta.index)
    })
    .await;
    let asking = ops.clone();
    let queries = park(&ops, 8, async move {
        asking.query_list(&ctx(), QueryList { id: None, blocking: now }).await.map(|answer| answer.meta.index)
    })
    .await;

    result(&ops, "n1", "web-1", "web", CheckStatus::Critical, "no").await;
    let seen = checks.await.unwrap();
    assert_eq!(seen, ops.replica().state().index());
    parked(ops.replica(), 7).await;
    // A node: who lists nodes, and who lists services by what their nodes are.
    register(&ops, node("n2"), None, vec![]).await;
    let index = ops.replica().state().index();
    assert_eq!((nodes.await.unwrap(), racked.await.unwrap()), (index, index));
    parked(ops.replica(), 4).await;
    // An instance elsewhere: who lists services.
    register(&ops, node("n2"), Some(service("x", "a", "api", &[])), vec![]).await;
    assert_eq!(services.await.unwrap(), ops.replica().state().index());
    parked(ops.replica(), 3).await;
    register(&ops, node("n1"), Some(service("x", "b", "api", &[])), vec![]).await;
    assert_eq!(node_services.await.unwrap(), ops.replica().state().index());
    parked(ops.replica(), 2).await;
    assert!(!coordinates.is_finished() && !queries.is_finished());
    coordinates.abort();
    queries.abort();
    parked(ops.replica(), 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_of_a_service_have_that_services_index() {
    let server = start().await;
    let ops = &server.operations;
    instance(ops, "n1", "web-1", "web", CheckStatus::Passing).await;
    instance(ops, "n1", "db-1", "db", CheckStatus::Passing).await;
    let index = |name: &str, index: Index| {
        let select = CheckSelect::Service(service_name(name));
        let args = CheckList { select, narrow: Narrow::default(), blocking: blocking(index) };
        async { ops.check_list(&ctx(), args).await.unwrap().meta.index }
    };
    let before = index("web", Index::ZERO).await;
    result(ops, "n1", "db-1", "db", CheckStatus::Critical, "no").await;
    assert_eq!(index("web", Index::ZERO).await, before);
    result(ops, "n1", "web-1", "web", CheckStatus::Critical, "no").await;
    assert!(index("web", before).await > before);
}
