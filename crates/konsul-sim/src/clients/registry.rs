//! Registration: nodes under two spellings and two ids, instances of few services, checks of both, results of checks as agents
//! send them, removals; the same definition again, and more checks than one may have. And reads of all of it.

use std::collections::BTreeMap;

use konsul_operations::Operations;
use konsul_operations::arguments::{CatalogDeregister, CatalogRegister};
use konsul_operations::ports::Replica;
use konsul_types::catalog::CheckResult;
use konsul_types::{
    CatalogCommand, Check, CheckId, CheckStatus, CheckedService, Command, Namespace, Node, NodeId, NodeName,
    Registration, Service, ServiceId, ServiceName, Tags,
};

use super::{Client, PATIENCE};
use crate::history::Query;
use crate::server::NODE;

/// The second one is the first in another spelling; the last one is the server's own.
const NODES: [&str; 6] = ["node-1", "Node-1", "node-2", "node-3", "node-3", NODE];
const SERVICES: [&str; 4] = ["web", "db", "Web", "cache"];
const INSTANCES: [&str; 3] = ["i1", "i2", "i3"];
const CHECKS: [&str; 4] = ["alive", "deep", "disk", "ttl"];

/// Does so until the run ends.
pub(super) async fn run(mut client: Client) {
    let mut last = None;
    while client.goes_on() {
        step(&mut client, &mut last).await;
        client.think(30).await;
    }
}

async fn step(client: &mut Client, last: &mut Option<(Namespace, Registration)>) {
    match client.below(40) {
        0..=11 => {
            let namespace = client.namespace();
            let wanted = registration(client, &namespace);
            *last = Some((namespace.clone(), wanted.clone()));
            register(client, &namespace, wanted).await;
        }
        12..=13 => {
            // The same definition again, which writes nothing if nobody else wrote meanwhile.
            if let Some((namespace, wanted)) = last.clone() {
                register(client, &namespace, wanted).await;
            }
        }
        14..=22 => report(client).await,
        23..=24 => remove(client, true, false).await,
        25..=26 => remove(client, false, true).await,
        27 => remove(client, false, false).await,
        28 if client.one_in(12) => crowd_of_checks(client).await,
        _ => look(client).await,
    }
}

pub(super) fn node_name(client: &mut Client) -> NodeName {
    NodeName::new(*client.pick(&NODES)).expect("a good name")
}

pub(super) fn service_name(client: &mut Client) -> ServiceName {
    ServiceName::new(*client.pick(&SERVICES)).expect("a good name")
}

pub(super) fn service_id(client: &mut Client) -> ServiceId {
    ServiceId::new(*client.pick(&INSTANCES)).expect("a good id")
}

pub(super) fn check_id(client: &mut Client) -> CheckId {
    CheckId::new(*client.pick(&CHECKS)).expect("a good id")
}

pub(super) fn status(client: &mut Client) -> CheckStatus {
    match client.below(8) {
        0 => CheckStatus::Warning,
        1 | 2 => CheckStatus::Critical,
        _ => CheckStatus::Passing,
    }
}

/// A node. The server's own keeps its id, of which it has none.
pub(super) fn node(client: &mut Client) -> Node {
    let name = node_name(client);
    let has_id = name.as_str() != NODE && client.one_in(6);
    let id = has_id.then(|| NodeId(uuid::Uuid::from_u128(1 + u128::from(client.below(2)))));
    let address = format!("10.0.0.{}", 1 + client.below(3));
    let record = crate::server::record();
    if name.as_str() == NODE {
        return record;
    }
    Node { id, name, address, meta: BTreeMap::new(), ..record }
}

pub(super) fn service(client: &mut Client, node: &NodeName, namespace: &Namespace) -> Service {
    let (id, name) = (service_id(client), service_name(client));
    let tags: Tags = ["one", "two"].into_iter().take(client.below(3) as usize).collect();
    let port = 80 + client.below(3) as u16;
    Service { tags, port, ..Service::new(node.clone(), namespace.clone(), id, name) }
}

/// A check of an instance, or of the node itself.
pub(super) fn check(client: &mut Client, node: &NodeName, of: Option<(&Namespace, ServiceId)>) -> Check {
    let (id, status) = (check_id(client), status(client));
    // Whatever a client says of name and tags, the catalogue says what the instance has.
    let name = service_name(client);
    let plain = Check::new(node.clone(), id, status);
    match of {
        Some((namespace, id)) => Check {
            namespace: namespace.clone(),
            service: Some(CheckedService { id, name, tags: Tags::default() }),
            ..plain
        },
        None => plain,
    }
}

fn registration(client: &mut Client, namespace: &Namespace) -> Registration {
    let node = node(client);
    let service = (!client.one_in(6)).then(|| service(client, &node.name, namespace));
    let mut checks: Vec<Check> = Vec::new();
    for _ in 0..client.below(3) {
        let own = service.as_ref().filter(|_| !client.one_in(8)).map(|service| service.id.clone());
        let other = client.one_in(4).then(|| service_id(client));
        let of = own.or(other).map(|id| (namespace, id));
        let new = check(client, &node.name, of);
        // One that comes twice would be written twice.
        if !checks.iter().any(|check| check.id == new.id) {
            checks.push(new);
        }
    }
    Registration {
        skip_node_update: client.one_in(2),
        replace_checks: client.one_in(5),
        node,
        service,
        checks,
    }
}

async fn register(client: &mut Client, namespace: &Namespace, registration: Registration) {
    let ctx = client.write_context(namespace);
    let args = CatalogRegister { registration };
    client.ask(PATIENCE, move |c| async move { c.operations.catalog_register(&ctx, args).await }).await;
}

/// Results, one or several in an entry, as an agent sends what its checks said. Of some nobody has heard.
async fn report(client: &mut Client) {
    let mut results = Vec::new();
    for _ in 0..1 + client.below(3) {
        let namespace = client.namespace();
        results.push(CheckResult {
            node: node_name(client),
            namespace,
            id: check_id(client),
            status: status(client),
            output: ["", "said this", "said that"][client.below(3) as usize].into(),
        });
    }
    let several = client.one_in(5);
    client
        .ask(PATIENCE, move |c| async move {
            let command = CatalogCommand::Results(results);
            let command = if several { CatalogCommand::Each(vec![command]) } else { command };
            c.port.propose(None, Command::Catalog(command)).await.map(|_| ())
        })
        .await;
}

async fn remove(client: &mut Client, service: bool, check: bool) {
    let namespace = client.namespace();
    let node = node_name(client);
    let service = service.then(|| service_id(client));
    let check = check.then(|| check_id(client));
    let ctx = client.write_context(&namespace);
    let args = CatalogDeregister { node, service, check };
    client.ask(PATIENCE, move |c| async move { c.operations.catalog_deregister(&ctx, args).await }).await;
}

/// More checks than one may have, in one request or in two; then they go again.
async fn crowd_of_checks(client: &mut Client) {
    let namespace = Namespace::default_namespace();
    let node = Node { name: NodeName::new("crowd").expect("a good name"), ..crate::server::record() };
    let (id, name) = (service_id(client), service_name(client));
    let service = Service::new(node.name.clone(), namespace.clone(), id.clone(), name);
    let count = 150 + client.below(150);
    for part in 0..2 {
        let numbers = part * count..(part + 1) * count;
        let checks = numbers.map(|number| Check {
            service: Some(CheckedService {
                id: id.clone(),
                name: service.name.clone(),
                tags: Tags::default(),
            }),
            ..Check::new(
                node.name.clone(),
                CheckId::new(format!("c{number}")).expect("a good id"),
                CheckStatus::Passing,
            )
        });
        let registration = Registration {
            node: node.clone(),
            skip_node_update: false,
            service: Some(service.clone()),
            checks: checks.collect(),
            replace_checks: false,
        };
        register(client, &namespace, registration).await;
    }
    let ctx = client.write_context(&namespace);
    let args = CatalogDeregister { node: node.name, service: None, check: None };
    client.ask(PATIENCE, move |c| async move { c.operations.catalog_deregister(&ctx, args).await }).await;
}

async fn look(client: &mut Client) {
    let namespace = client.namespace();
    let query = query(client, &namespace);
    let ctx = client.context(&namespace);
    client.read(query, ctx, None).await;
}

/// A question about the catalogue.
pub(super) fn query(client: &mut Client, namespace: &Namespace) -> Query {
    let namespace = namespace.clone();
    match client.below(10) {
        0..=2 => Query::Health(namespace, service_name(client), true),
        3..=5 => Query::Health(namespace, service_name(client), false),
        6 => Query::ServiceChecks(namespace, service_name(client)),
        7 => Query::Checks(namespace),
        8 => Query::Nodes,
        _ => Query::Node(namespace, node_name(client).to_string()),
    }
}
