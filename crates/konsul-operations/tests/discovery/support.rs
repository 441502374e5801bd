//! A server in this process with a catalogue to fill.

use std::collections::BTreeMap;
use std::sync::Arc;

use konsul_operations::answer::Instance;
use konsul_operations::arguments::{CatalogDeregister, CatalogRegister, Narrow, ServiceInstances};
use konsul_operations::ports::Replica as _;
use konsul_operations::{Blocking, Context, Error, Local, Operations};
use konsul_replica::ServerReplica;
use konsul_runtime::time::Duration;
use konsul_storage::MemoryStorage;
use konsul_testkit::{TestNode, until};
use konsul_types::{
    Check, CheckId, CheckStatus, CheckedService, Index, Namespace, Node, NodeName, Registration, Service,
    ServiceId, ServiceName, Tags,
};

pub(crate) type Ops = Local<ServerReplica>;

/// A server that may take commands of the catalogue.
pub(crate) async fn start() -> TestNode {
    let node = TestNode::start(Box::new(MemoryStorage::new())).await;
    until("feature level 3", || match node.replica.state().feature_level() {
        3.. => Ok(()),
        level => Err(level),
    })
    .await;
    node
}

pub(crate) fn ctx() -> Context {
    TestNode::context()
}

pub(crate) fn node_name(name: &str) -> NodeName {
    NodeName::new(name).unwrap()
}

pub(crate) fn service_name(name: &str) -> ServiceName {
    ServiceName::new(name).unwrap()
}

pub(crate) fn service_id(id: &str) -> ServiceId {
    ServiceId::new(id).unwrap()
}

pub(crate) fn node(name: &str) -> Node {
    Node {
        id: None,
        name: node_name(name),
        address: "10.0.0.1".into(),
        tagged_addresses: BTreeMap::new(),
        meta: BTreeMap::new(),
        create_index: Index::ZERO,
        modify_index: Index::ZERO,
    }
}

pub(crate) fn service(on: &str, id: &str, name: &str, tags: &[&str]) -> Service {
    let namespace = Namespace::default_namespace();
    let service = Service::new(node_name(on), namespace, service_id(id), service_name(name));
    Service { tags: tags.iter().copied().collect(), port: 80, ..service }
}

/// A check of an instance.
pub(crate) fn check(on: &str, id: &str, of: &Service, status: CheckStatus) -> Check {
    let (service_id, name) = (of.id.clone(), of.name.clone());
    let of = CheckedService { id: service_id, name, tags: Tags::default() };
    Check { service: Some(of), ..node_check(on, id, status) }
}

pub(crate) fn node_check(on: &str, id: &str, status: CheckStatus) -> Check {
    Check::new(node_name(on), CheckId::new(id).unwrap(), status)
}

pub(crate) fn registration(on: Node, service: Option<Service>, checks: Vec<Check>) -> Registration {
    Registration { node: on, skip_node_update: false, service, checks, replace_checks: false }
}

pub(crate) async fn try_register(ops: &Ops, registration: Registration) -> Result<(), Error> {
    ops.catalog_register(&ctx(), CatalogRegister { registration }).await
}

pub(crate) async fn register(ops: &Ops, on: Node, service: Option<Service>, checks: Vec<Check>) {
    try_register(ops, registration(on, service, checks)).await.unwrap();
}

/// An instance `id` of `name` on node `on` with one check `c-ID` that stands so.
pub(crate) async fn instance(ops: &Ops, on: &str, id: &str, name: &str, status: CheckStatus) {
    let service = service(on, id, name, &[]);
    let checks = vec![check(on, &format!("c-{id}"), &service, status)];
    register(ops, node(on), Some(service), checks).await;
}

/// A new result of that check, in words.
pub(crate) async fn result(ops: &Ops, on: &str, id: &str, name: &str, status: CheckStatus, output: &str) {
    let of = service(on, id, name, &[]);
    let check = Check { output: output.into(), ..check(on, &format!("c-{id}"), &of, status) };
    let registration = Registration { skip_node_update: true, ..registration(node(on), None, vec![check]) };
    try_register(ops, registration).await.unwrap();
}

pub(crate) async fn deregister(ops: &Ops, on: &str, service: Option<&str>, check: Option<&str>) {
    let args = CatalogDeregister {
        node: node_name(on),
        service: service.map(service_id),
        check: check.map(|id| CheckId::new(id).unwrap()),
    };
    ops.catalog_deregister(&ctx(), args).await.unwrap();
}

pub(crate) fn instances_of(name: &str) -> ServiceInstances {
    ServiceInstances {
        name: service_name(name),
        connect: false,
        tags: Vec::new(),
        narrow: Narrow::default(),
        with_checks: true,
        passing: false,
        blocking: None,
    }
}

pub(crate) fn blocking(index: Index) -> Option<Blocking> {
    Some(Blocking { index, wait: Duration::from_secs(60) })
}

pub(crate) fn ids(instances: &[Instance]) -> Vec<&str> {
    instances.iter().map(|one| one.service.id.as_str()).collect()
}

/// The ids of the instances that a question finds, and the index that a client sees.
pub(crate) async fn ask(ops: &Ops, args: ServiceInstances) -> (Vec<String>, Index) {
    let answer = ops.service_instances(&ctx(), args).await.unwrap();
    (ids(&answer.value).into_iter().map(str::to_owned).collect(), answer.meta.index)
}

/// Waits until so many readers are parked.
pub(crate) async fn parked(node: &Arc<ServerReplica>, count: usize) {
    until("parked readers", || {
        let found = node.feed().stats().parked;
        if found == count { Ok(()) } else { Err(found) }
    })
    .await;
}
