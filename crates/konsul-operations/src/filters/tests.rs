//! Every view gives what its schema promises, and answers as the record says.

use std::collections::BTreeMap;
use std::sync::Arc;

use konsul_filter::{Filter, Record, Schema, fits};
use konsul_types::{
    Check, CheckAbout, CheckId, CheckStatus, CheckedService, Index, Namespace, Node, NodeName, Proxy,
    Service, ServiceAddress, ServiceId, ServiceKind, ServiceName, Weights,
};

use super::*;
use crate::answer::Instance;

fn node() -> Node {
    Node {
        id: Some("adf4238a-882b-9ddc-4a9d-5b6758e4159e".parse().unwrap()),
        name: NodeName::new("Db-1").unwrap(),
        address: "10.0.0.1".into(),
        tagged_addresses: BTreeMap::from([("wan".to_owned(), "1.2.3.4".to_owned())]),
        meta: BTreeMap::from([("rack".to_owned(), "r1".to_owned())]),
        create_index: Index(1),
        modify_index: Index(2),
    }
}

fn service() -> Service {
    let (id, name) = (ServiceId::new("db-a").unwrap(), ServiceName::new("db").unwrap());
    Service {
        kind: ServiceKind::ConnectProxy,
        tags: ["primary", "v2"].into_iter().collect(),
        port: 5432,
        tagged_addresses: vec![("wan".into(), ServiceAddress { address: "1.2.3.4".into(), port: 80 })],
        meta: [("version", "2")].into_iter().collect(),
        weights: Weights { passing: 10, warning: 1 },
        proxy: Some(Box::new(Proxy {
            destination_service: "web".into(),
            rest: r#"{"Mode":"transparent","MeshGateway":{"Mode":"local"},
                "Upstreams":[{"DestinationName":"cache","LocalBindPort":9}]}"#
                .into(),
            ..Proxy::default()
        })),
        ..Service::new(node().name, Namespace::default_namespace(), id, name)
    }
}

fn check() -> Check {
    let service = service();
    Check {
        output: "all well".into(),
        service: Some(CheckedService { id: service.id, name: service.name, tags: service.tags }),
        about: Some(Box::new(CheckAbout {
            kind: "http".into(),
            interval: "10s".into(),
            ..CheckAbout::default()
        })),
        ..Check::new(node().name, CheckId::new("c").unwrap(), CheckStatus::Warning)
    }
}

fn entry() -> Instance {
    Instance { node: Arc::new(node()), service: Arc::new(service()), checks: vec![Arc::new(check())] }
}

#[track_caller]
fn hold(schema: &'static Schema, record: &dyn Record, texts: &[&str]) {
    assert_eq!(fits(record), Ok(()));
    for text in texts {
        assert!(Filter::new(text, schema).unwrap().matches(record), "{text}");
        let negated = format!("not ({text})");
        assert!(!Filter::new(&negated, schema).unwrap().matches(record), "{negated}");
    }
}

#[test]
fn nodes() {
    let node = node();
    hold(
        &NODE,
        &NodeView { node: &node, datacenter: "dc1" },
        &[
            "ID == \"adf4238a-882b-9ddc-4a9d-5b6758e4159e\"",
            "Node == \"Db-1\" and Address matches \"^10[.]\"",
            "Meta.rack == r1 and TaggedAddresses[\"wan\"] == \"1.2.3.4\"",
            "Datacenter == dc1 and PeerName == \"\"",
        ],
    );
}

#[test]
fn instances_on_a_node() {
    let service = service();
    hold(
        &SERVICE,
        &ServiceView::of(&service),
        &[
            "primary in Tags and Port == 5432 and Kind == \"connect-proxy\"",
            "Meta.version == 2 and rack not in Meta",
            "Weights.Passing == 10 and Connect.Native == false",
            "TaggedAddresses.wan.Port == 80 and TaggedAddresses.lan.Address != x",
            "Proxy.DestinationServiceName == web and Proxy.Mode == transparent",
            "Proxy.MeshGateway.Mode == local and Proxy.Upstreams.DestinationName == cache",
            "Proxy.Upstreams.LocalBindPort == 9 and Proxy.Expose.Checks == false",
        ],
    );
}

#[test]
fn instances_of_the_catalogue() {
    let (node, service) = (node(), service());
    hold(
        &SERVICE_NODE,
        &ServiceNodeView::of(&node, &service, "dc1"),
        &[
            "ServiceTags contains v2 and ServiceMeta.version == 2 and NodeMeta.rack == r1",
            "ServiceTaggedAddresses.wan.Address == \"1.2.3.4\" and ServicePort == 5432",
            "ServiceWeights.Warning == 1 and ServiceProxy.DestinationServiceName == web",
            "ServiceConnect.Native != true and ServiceName == db and ServiceID == \"db-a\"",
        ],
    );
}

#[test]
fn checks_with_and_without_an_instance() {
    let (of_service, of_node) = (check(), Check { service: None, about: None, ..check() });
    hold(
        &CHECK,
        &CheckView::of(&of_service),
        &[
            "Status == warning and Output contains well and Type == http and Interval == \"10s\"",
            "ServiceName == db and primary in ServiceTags and ExposedPort == 0",
        ],
    );
    hold(&CHECK, &CheckView::of(&of_node), &["ServiceName == \"\" and ServiceTags is empty", "Type == \"\""]);
}

#[test]
fn entries_of_health() {
    let entry = entry();
    hold(
        &ENTRY,
        &EntryView::of(&entry, "dc1"),
        &[
            "Node.Meta.rack == r1 and Service.Port == 5432",
            "Checks.Status == warning and Checks is not empty",
        ],
    );
}

#[test]
fn members() {
    let mut member = Member::new("n1", Some("127.0.0.1".parse().unwrap()));
    member.tags.insert("role".into(), "consul".into());
    (member.status, member.port) = (1, 8301);
    let texts = ["Name == n1 and Status == 1 and Tags.role == consul and Port == 8301", "127 in Addr"];
    hold(&MEMBER, &member, &texts);
}

#[test]
fn a_wrong_expression_is_told_in_consuls_words() {
    let said = compile("Colour == red", &NODE).unwrap_err();
    let expect = "Failed to create boolean expression evaluator: Selector \"Colour\" is not valid";
    assert_eq!(said, Error::BadFilter(expect.into()));
    assert!(compile("", &NODE).unwrap().is_none());
}
