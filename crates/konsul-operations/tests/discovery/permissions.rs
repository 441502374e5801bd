//! Who may see and write what: each member of a list by itself, and what is refused before anything happens.

use std::sync::Arc;

use konsul_operations::arguments::{
    CatalogDeregister, CatalogRegister, CheckHistory, CheckList, CheckSelect, CoordinateList, Narrow,
    NodeList, NodeServices, ServiceGraph, ServiceInstances, ServiceList, ServicePick,
};
use konsul_operations::local::OperationLimits;
use konsul_operations::permission::{Authorizer, Permission};
use konsul_operations::{Context, Error, Local, Operations};
use konsul_testkit::{TestAgent, TestNode};
use konsul_types::{
    CheckId, CheckStatus, Coordinate, Index, Namespace, NodeCoordinate, Real, Registration, Service,
};

use crate::support::*;

/// Nothing that is called `secret` may be seen; only `web` may be written, and no node.
fn rule(_: &Context, needed: &Permission<'_>) -> bool {
    match needed {
        Permission::NodeRead(name) | Permission::ServiceRead(name) | Permission::QueryRead(name) => {
            !name.starts_with("secret")
        }
        Permission::ServiceWrite(name) => *name == "web",
        Permission::NodeWrite(_) | Permission::Management | Permission::OperatorRead => false,
        _ => true,
    }
}

/// The same state, as everybody and as somebody sees it.
async fn world() -> (TestNode, Ops) {
    let server = start().await;
    let agent = Arc::new(TestAgent { node: node_name("test-node") });
    let replica = Arc::clone(&server.replica);
    let guarded = Local::with_authorizer(replica, agent, OperationLimits::default(), Authorizer::Rule(rule));
    let ops = &server.operations;
    instance(ops, "n1", "web-1", "web", CheckStatus::Passing).await;
    instance(ops, "secret-1", "web-2", "web", CheckStatus::Passing).await;
    instance(ops, "n1", "hidden", "secret-db", CheckStatus::Critical).await;
    register(ops, node("n1"), None, vec![node_check("n1", "disk", CheckStatus::Passing)]).await;
    register(ops, node("secret-1"), None, vec![node_check("secret-1", "disk", CheckStatus::Passing)]).await;
    (server, guarded)
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_hold_what_may_be_read() {
    let (server, ops) = world().await;
    let nodes = ops.node_list(&ctx(), NodeList::default()).await.unwrap().value;
    assert_eq!(nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>(), ["n1", "test-node"]);
    let services = ops.service_list(&ctx(), ServiceList::default()).await.unwrap().value;
    assert_eq!(services.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["web"]);
    assert_eq!(ask(&ops, instances_of("web")).await.0, ["web-1"]);
    assert!(ask(&ops, instances_of("secret-db")).await.0.is_empty());
    let select = CheckSelect::Status(None);
    let checks = CheckList { select, narrow: Narrow::default(), blocking: None };
    let checks = ops.check_list(&ctx(), checks).await.unwrap().value;
    let ids: Vec<_> = checks.iter().map(|check| check.id.as_str()).collect();
    assert_eq!(ids, ["c-web-1", "disk", "serfHealth"]);
    let on = |node: &str| NodeServices { node: node.into(), filter: String::new(), blocking: None };
    let found = ops.node_services(&ctx(), on("n1")).await.unwrap().value.unwrap();
    assert_eq!(found.services.len(), 1);
    assert!(ops.node_services(&ctx(), on("secret-1")).await.unwrap().value.is_none());
    let graph = ops.service_graph(&ctx(), ServiceGraph::default()).await.unwrap().value;
    assert_eq!(graph.len(), 1);
    let zero = Real::new(0.0);
    let coordinate = Coordinate { vec: vec![zero; 8], error: zero, adjustment: zero, height: zero };
    let place = NodeCoordinate {
        node: node_name("secret-1"),
        segment: "".into(),
        coordinate,
        modify_index: Index::ZERO,
    };
    server.operations.coordinate_update(&ctx(), place.clone()).await.unwrap();
    assert!(ops.coordinate_list(&ctx(), CoordinateList::default()).await.unwrap().value.is_empty());
    assert!(matches!(ops.coordinate_update(&ctx(), place).await, Err(Error::PermissionDenied(_))));
}

/// A filter sees only what its asker may see: it cannot be used to guess.
#[tokio::test(flavor = "multi_thread")]
async fn permission_comes_before_the_filter() {
    let (_server, ops) = world().await;
    let narrow = Narrow { filter: "Node.Node matches \"^secret\"".into(), ..Narrow::default() };
    let args = ServiceInstances { narrow, ..instances_of("web") };
    assert!(ask(&ops, args).await.0.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_by_name_is_refused() {
    let (_server, ops) = world().await;
    let past = |node: &str, id: &str| CheckHistory { node: node_name(node), id: CheckId::new(id).unwrap() };
    for args in [past("secret-1", "disk"), past("n1", "c-hidden")] {
        let refused = ops.check_history(&ctx(), args).await;
        assert!(matches!(refused, Err(Error::PermissionDenied(_))), "{refused:?}");
    }
    let pick = ServicePick {
        name: service_name("secret-db"),
        tags: vec![],
        narrow: Narrow::default(),
        strategy: String::new(),
        key: String::new(),
        zone: String::new(),
        count: 1,
    };
    let refused = ops.service_pick(&ctx(), pick).await.unwrap_err();
    assert_eq!(refused.to_string(), "Permission denied: service:read on \"secret-db\" is needed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_written_by_whoever_may_write_its_service() {
    let (_server, ops) = world().await;
    let write = |registration: Registration| {
        let args = CatalogRegister { registration };
        async { ops.catalog_register(&ctx(), args).await }
    };
    let web = service("n1", "web-9", "web", &[]);
    // The node is said again as it is, which changes nothing.
    write(registration(node("n1"), Some(web.clone()), vec![])).await.unwrap();
    let changed = konsul_types::Node { address: "10.0.0.7".into(), ..node("n1") };
    let denied = |result: &Result<(), Error>| matches!(result, Err(Error::PermissionDenied(_)));
    assert!(denied(&write(registration(changed, Some(web.clone()), vec![])).await));
    let new = write(registration(node("n9"), Some(web.clone()), vec![])).await;
    assert!(denied(&new), "a new node");
    let taken = Service { id: service_id("hidden"), ..web };
    assert!(denied(&write(registration(node("n1"), Some(taken), vec![])).await), "it was another service's");
    let of_node = node_check("n1", "cpu", CheckStatus::Passing);
    assert!(denied(&write(registration(node("n1"), None, vec![of_node])).await));
    let lost = check("n1", "c", &service("n1", "none", "none", &[]), CheckStatus::Passing);
    let said = write(registration(node("n1"), None, vec![lost])).await;
    let text = "Unknown service ID 'none' for check ID 'c'";
    assert_eq!(said, Err(Error::invalid("Check.ServiceID", text)));
}

#[tokio::test(flavor = "multi_thread")]
async fn removal_needs_the_service_or_the_node() {
    let (server, ops) = world().await;
    let remove = |service: Option<&str>, check: Option<&str>| {
        let args = CatalogDeregister {
            node: node_name("n1"),
            service: service.map(service_id),
            check: check.map(|id| CheckId::new(id).unwrap()),
        };
        async { ops.catalog_deregister(&ctx(), args).await }
    };
    let denied = |result: &Result<(), Error>| matches!(result, Err(Error::PermissionDenied(_)));
    assert!(denied(&remove(None, None).await));
    assert!(denied(&remove(Some("hidden"), None).await));
    assert!(denied(&remove(None, Some("disk")).await));
    let unknown = remove(Some("none"), None).await;
    assert_eq!(unknown, Err(Error::invalid("ServiceID", "Unknown service ID 'none'")));
    let unknown = remove(None, Some("none")).await;
    assert_eq!(unknown, Err(Error::invalid("CheckID", "Unknown check ID 'none'")));
    remove(None, Some("c-web-1")).await.unwrap();
    remove(Some("web-1"), None).await.unwrap();
    let state = konsul_operations::ports::Replica::state(&*server.replica);
    let namespace = Namespace::default_namespace();
    assert!(state.catalog().service(&node_name("n1"), &namespace, &service_id("web-1")).is_none());
    assert!(state.catalog().service(&node_name("n1"), &namespace, &service_id("hidden")).is_some());
}
