//! Choosing instances, and the graph of what services need.

use std::collections::BTreeMap;

use konsul_operations::arguments::{Narrow, ServiceGraph, ServicePick};
use konsul_operations::{Error, Operations};
use konsul_types::{Advice, CheckStatus, Dependency, Locality, Service, Weights};

use crate::support::*;

fn pick(strategy: &str) -> ServicePick {
    ServicePick {
        name: service_name("web"),
        tags: vec![],
        narrow: Narrow::default(),
        strategy: strategy.into(),
        key: String::new(),
        zone: String::new(),
        count: 1,
    }
}

async fn chosen(ops: &Ops, args: ServicePick) -> Vec<String> {
    let picked = ops.service_pick(&ctx(), args).await.unwrap().value;
    ids(&picked.instances).into_iter().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn turns_go_round_and_critical_ones_are_never_chosen() {
    let server = start().await;
    let ops = &server.operations;
    for (id, status) in
        [("a", CheckStatus::Passing), ("b", CheckStatus::Warning), ("c", CheckStatus::Critical)]
    {
        instance(ops, id, id, "web", status).await;
    }
    let mut turns = Vec::new();
    for _ in 0..4 {
        turns.extend(chosen(ops, pick("round_robin")).await);
    }
    assert_eq!(turns, ["a", "b", "a", "b"]);
    let all = chosen(ops, ServicePick { count: 9, ..pick("random") }).await;
    assert_eq!(all.len(), 2);
    let key = |key: &str| ServicePick { key: key.into(), ..pick("consistent_hash") };
    assert_eq!(chosen(ops, key("k")).await, chosen(ops, key("k")).await);
    match ops.service_pick(&ctx(), pick("fastest")).await {
        Err(Error::Invalid { field: "strategy", message }) => {
            assert!(message.starts_with("\"fastest\" is no strategy"), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_inherit_what_the_service_advises() {
    let server = start().await;
    let ops = &server.operations;
    let advised = |id: &str, weight: u16| Service {
        weights: Weights { passing: weight, warning: 0 },
        advice: Some(Box::new(Advice { depends_on: vec![], strategy: "smooth_weighted".into() })),
        ..service("x", id, "web", &[])
    };
    register(ops, node("n1"), Some(advised("a", 3)), vec![]).await;
    register(ops, node("n2"), Some(advised("b", 1)), vec![]).await;
    let picked = ops.service_pick(&ctx(), pick("")).await.unwrap().value;
    assert_eq!(picked.strategy, "smooth_weighted");
    let mut count = BTreeMap::new();
    for _ in 0..8 {
        for id in chosen(ops, pick("")).await {
            *count.entry(id).or_insert(0) += 1;
        }
    }
    assert_eq!(
        count,
        BTreeMap::from([("a".to_owned(), 6), ("b".to_owned(), 2)]),
        "two periods of four turns"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_read_from_checks_and_pairs_and_zones_from_the_caller() {
    let server = start().await;
    let ops = &server.operations;
    let place = |zone: &str| Some(Box::new(Locality { region: "eu".into(), zone: zone.into() }));
    let a = Service { locality: place("a"), ..service("x", "a", "web", &[]) };
    let b = Service {
        locality: place("b"),
        meta: [("connections", "1")].into_iter().collect(),
        ..service("x", "b", "web", &[])
    };
    let busy = konsul_types::Check {
        output: "up, connections=900, load=0.7".into(),
        ..check("n1", "c", &a, CheckStatus::Passing)
    };
    register(ops, node("n1"), Some(a), vec![busy]).await;
    register(ops, node("n2"), Some(b), vec![]).await;
    for _ in 0..20 {
        // Of two, the better is always drawn.
        assert_eq!(chosen(ops, pick("least_connections")).await, ["b"]);
        assert_eq!(chosen(ops, ServicePick { zone: "a".into(), ..pick("zone_aware") }).await, ["a"]);
        assert_eq!(chosen(ops, ServicePick { zone: "eu/b".into(), ..pick("zone_aware") }).await, ["b"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_graph_is_what_instances_declare() {
    let server = start().await;
    let ops = &server.operations;
    let needs = |id: &str, name: &str, on: &[(&str, bool)]| {
        let depends_on = on
            .iter()
            .map(|(service, required)| Dependency { service: service_name(service), required: *required });
        let advice = Advice { depends_on: depends_on.collect(), strategy: "".into() };
        Service { advice: Some(Box::new(advice)), ..service("x", id, name, &[]) }
    };
    register(ops, node("n1"), Some(needs("w", "web", &[("api", true)])), vec![]).await;
    register(ops, node("n1"), Some(needs("a", "api", &[("db", false), ("web", false)])), vec![]).await;
    register(ops, node("n2"), Some(needs("a2", "api", &[("db", true)])), vec![]).await;
    register(ops, node("n1"), Some(service("x", "m", "mail", &[])), vec![]).await;
    let graph = ops.service_graph(&ctx(), ServiceGraph::default()).await.unwrap().value;
    assert_eq!((graph.len(), graph.edges(), graph.knots().len()), (4, 3, 1));
    let part = ServiceGraph { service: Some(service_name("DB")) };
    let part = ops.service_graph(&ctx(), part).await.unwrap().value;
    let all: Vec<_> = (0..part.len()).map(|at| part.name(at).as_str().to_owned()).collect();
    assert_eq!(all, ["api", "db", "web"]);
    let db = part.number(&service_name("db")).unwrap();
    assert!(!part.is_registered(db) && part.needed_by(db)[0].required, "one instance requires it");
    let nothing = ServiceGraph { service: Some(service_name("nothing")) };
    assert!(ops.service_graph(&ctx(), nothing).await.unwrap().value.is_empty());
}
