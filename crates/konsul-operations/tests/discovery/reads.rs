//! What reads answer: order, narrowing, filters, health.

use konsul_operations::arguments::{
    CheckHistory, CheckList, CheckSelect, Narrow, NodeList, NodeServices, ServiceInstances, ServiceList,
};
use konsul_operations::{Context, Error, Operations};
use konsul_types::{CheckId, CheckStatus, Namespace, Node, NodeId, Pairs, Proxy, Service, ServiceKind};

use crate::support::*;

fn pairs(pairs: &[(&str, &str)]) -> Pairs {
    pairs.iter().copied().collect()
}

fn filter(text: &str) -> Narrow {
    Narrow { filter: text.into(), ..Narrow::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_come_with_their_checks_and_pass_only_if_all_do() {
    let server = start().await;
    let ops = &server.operations;
    instance(ops, "n2", "web-2", "web", CheckStatus::Warning).await;
    instance(ops, "n1", "web-1", "Web", CheckStatus::Passing).await;
    instance(ops, "n3", "web-3", "web", CheckStatus::Passing).await;
    register(ops, node("n3"), None, vec![node_check("n3", "disk", CheckStatus::Critical)]).await;

    let all = ops.service_instances(&ctx(), instances_of("WEB")).await.unwrap();
    assert_eq!(ids(&all.value), ["web-1", "web-2", "web-3"]);
    let checks: Vec<_> = all.value[2].checks.iter().map(|check| check.id.as_str()).collect();
    assert_eq!(checks, ["disk", "c-web-3"], "the node's come first");
    let passing = ServiceInstances { passing: true, ..instances_of("web") };
    assert_eq!(ask(ops, passing.clone()).await.0, ["web-1"]);
    // Without checks to be shown they count all the same.
    let bare =
        ops.service_instances(&ctx(), ServiceInstances { with_checks: false, ..passing }).await.unwrap();
    assert_eq!((ids(&bare.value), bare.value[0].checks.len()), (vec!["web-1"], 0));
    assert!(ask(ops, instances_of("nothing")).await.0.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_pairs_and_filters_narrow() {
    let server = start().await;
    let ops = &server.operations;
    let rack = |name: &str, rack: &str| Node { meta: [("rack".into(), rack.into())].into(), ..node(name) };
    let web = |id: &str, tags: &[&str], meta: &str| Service {
        meta: pairs(&[("version", meta)]),
        ..service("x", id, "web", tags)
    };
    register(ops, rack("n1", "r1"), Some(web("a", &["Primary", "v1"], "1")), vec![]).await;
    register(ops, rack("n1", "r1"), Some(web("b", &["v1"], "2")), vec![]).await;
    register(ops, rack("n2", "r2"), Some(web("c", &["primary", "v1"], "2")), vec![]).await;

    let tagged = ServiceInstances { tags: vec!["PRIMARY".into(), "v1".into()], ..instances_of("web") };
    assert_eq!(ask(ops, tagged).await.0, ["a", "c"]);
    let meta = Narrow { node_meta: pairs(&[("rack", "r1")]), ..Narrow::default() };
    assert_eq!(
        ask(ops, ServiceInstances { narrow: meta.clone(), ..instances_of("web") }).await.0,
        ["a", "b"]
    );
    let both = filter("Service.Meta.version == 2 and Node.Meta.rack == r2");
    assert_eq!(ask(ops, ServiceInstances { narrow: both, ..instances_of("web") }).await.0, ["c"]);
    let flat = filter("ServiceMeta.version == 2 and NodeMeta.rack != r2");
    let flat = ServiceInstances { with_checks: false, narrow: flat, ..instances_of("web") };
    assert_eq!(ask(ops, flat).await.0, ["b"]);

    let wrong = ServiceInstances { narrow: filter("ServiceMeta is"), ..instances_of("web") };
    match ops.service_instances(&ctx(), wrong).await {
        Err(Error::BadFilter(text)) => {
            assert!(text.starts_with("Failed to create boolean expression evaluator: "), "{text}");
        }
        other => panic!("{other:?}"),
    }

    let nodes = ops.node_list(&ctx(), NodeList { narrow: meta, blocking: None }).await.unwrap();
    assert_eq!(nodes.value.iter().map(|node| node.name.as_str()).collect::<Vec<_>>(), ["n1"]);
    let nodes = NodeList { narrow: filter("Meta.rack == r2"), blocking: None };
    assert_eq!(ops.node_list(&ctx(), nodes).await.unwrap().value.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_found_by_name_by_id_and_by_the_beginning_of_its_id() {
    let server = start().await;
    let ops = &server.operations;
    let id: NodeId = "adf4238a-882b-9ddc-4a9d-5b6758e4159e".parse().unwrap();
    register(ops, Node { id: Some(id), ..node("Alpha") }, Some(service("x", "w", "web", &["t"])), vec![])
        .await;
    register(ops, node("Alpha"), Some(service("x", "d", "db", &[])), vec![]).await;
    let read = |text: &str, filter: &str| {
        let args = NodeServices { node: text.into(), filter: filter.into(), blocking: None };
        async { ops.node_services(&ctx(), args).await.unwrap().value }
    };
    for text in ["alpha", "adf4238a-882b-9ddc-4a9d-5b6758e4159e", "adf4"] {
        let found = read(text, "").await.unwrap();
        assert_eq!((found.node.name.as_str(), found.services.len()), ("Alpha", 2), "{text}");
    }
    let filtered = read("alpha", "t in Tags").await.unwrap();
    assert_eq!(filtered.services[0].id.as_str(), "w");
    assert!(read("beta", "").await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn services_are_listed_with_tags_kinds_and_health() {
    let server = start().await;
    let ops = &server.operations;
    instance(ops, "n1", "a", "Web", CheckStatus::Passing).await;
    instance(ops, "n2", "b", "web", CheckStatus::Critical).await;
    register(ops, node("n3"), Some(service("x", "c", "web", &["v1", "v2"])), vec![]).await;
    register(ops, node("n3"), None, vec![node_check("n3", "disk", CheckStatus::Warning)]).await;
    register(ops, node("n1"), Some(service("x", "d", "db", &["v1"])), vec![]).await;
    let listed = ops.service_list(&ctx(), ServiceList::default()).await.unwrap().value;
    let names: Vec<_> = listed.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["db", "Web"]);
    assert_eq!((listed[1].passing, listed[1].warning, listed[1].critical), (1, 1, 1));
    assert_eq!(listed[1].tags.iter().map(smol_str::SmolStr::as_str).collect::<Vec<_>>(), ["v1", "v2"]);
    let narrow = filter("\"v2\" in ServiceTags");
    let some = ServiceList { narrow, names_only: true, blocking: None };
    let some = ops.service_list(&ctx(), some).await.unwrap().value;
    assert_eq!((some.len(), some[0].name.as_str(), some[0].passing), (1, "web", 0));
    let other = Context::new(Namespace::new("team").unwrap());
    assert!(ops.service_list(&other, ServiceList::default()).await.unwrap().value.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_are_listed_by_node_service_and_status_and_remember_what_they_were() {
    let server = start().await;
    let ops = &server.operations;
    instance(ops, "n1", "a", "web", CheckStatus::Passing).await;
    instance(ops, "n1", "b", "db", CheckStatus::Critical).await;
    register(ops, node("n1"), None, vec![node_check("n1", "disk", CheckStatus::Warning)]).await;
    let list = |select: CheckSelect, text: &str| {
        let args = CheckList { select, narrow: filter(text), blocking: None };
        async {
            let checks = ops.check_list(&ctx(), args).await.unwrap().value;
            checks.iter().map(|check| check.id.to_string()).collect::<Vec<_>>()
        }
    };
    assert_eq!(list(CheckSelect::Node(node_name("N1")), "").await, ["c-a", "c-b", "disk"]);
    assert_eq!(list(CheckSelect::Service(service_name("WEB")), "").await, ["c-a"]);
    assert_eq!(list(CheckSelect::Status(Some(CheckStatus::Critical)), "").await, ["c-b"]);
    assert_eq!(list(CheckSelect::Status(None), "Node == n1 and ServiceName == \"\"").await, ["disk"]);

    result(ops, "n1", "a", "web", CheckStatus::Critical, "refused").await;
    result(ops, "n1", "a", "web", CheckStatus::Critical, "refused again").await;
    let past = |id: &str| CheckHistory { node: node_name("n1"), id: CheckId::new(id).unwrap() };
    let found = ops.check_history(&ctx(), past("c-a")).await.unwrap().value.unwrap();
    let told: Vec<_> = found.transitions.iter().map(|one| (one.from, one.to, one.output.as_str())).collect();
    let expect =
        [(None, CheckStatus::Passing, ""), (Some(CheckStatus::Passing), CheckStatus::Critical, "refused")];
    assert_eq!(told, expect);
    assert_eq!(found.check.output, "refused again");
    assert!(ops.check_history(&ctx(), past("none")).await.unwrap().value.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn proxies_and_native_instances_answer_for_the_mesh() {
    let server = start().await;
    let ops = &server.operations;
    let proxy = Proxy { destination_service: "web".into(), ..Proxy::default() };
    let sidecar = Service {
        kind: ServiceKind::ConnectProxy,
        proxy: Some(Box::new(proxy)),
        ..service("x", "side", "web-sidecar-proxy", &[])
    };
    register(ops, node("n1"), Some(service("x", "plain", "web", &[])), vec![]).await;
    register(ops, node("n1"), Some(sidecar), vec![]).await;
    let native = Service { connect_native: true, ..service("x", "native", "web", &[]) };
    register(ops, node("n2"), Some(native), vec![]).await;
    let connect = ServiceInstances { connect: true, ..instances_of("web") };
    assert_eq!(ask(ops, connect).await.0, ["native", "side"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_and_limits_count_the_catalogue() {
    let server = start().await;
    let ops = &server.operations;
    instance(ops, "n1", "a", "web", CheckStatus::Passing).await;
    instance(ops, "n1", "b", "web", CheckStatus::Passing).await;
    let usage = ops.usage(&ctx()).await.unwrap().value;
    assert_eq!((usage.nodes, usage.services, usage.instances, usage.checks), (2, 1, 2, 3));
    // Neither the servers nor proxies are counted by Consul's licences.
    register(ops, node("n1"), Some(service("n1", "consul", "consul", &[])), vec![]).await;
    let proxy = Proxy { destination_service: "web".into(), ..Proxy::default() };
    let sidecar = Service {
        kind: ServiceKind::ConnectProxy,
        proxy: Some(Box::new(proxy)),
        ..service("n1", "side", "web-sidecar-proxy", &[])
    };
    register(ops, node("n1"), Some(sidecar), vec![]).await;
    let usage = ops.usage(&ctx()).await.unwrap().value;
    assert_eq!((usage.services, usage.instances, usage.billable_instances), (3, 4, 2));
    let limits = ops.limits(&ctx()).await.unwrap().value;
    assert!(limits.iter().any(|bound| bound.name == "catalog_instances" && bound.unit == "instances"));
    assert_eq!(ops.datacenter_list(&ctx()).await.unwrap(), ["dc1"]);
}
