//! What came with feature level 3: instances, their checks, coordinates, prepared queries.

use konsul_types::query::{QueryFailover, QueryTarget};
use konsul_types::{
    Advice, CatalogCommand, CatalogTxnOp, Check, CheckAbout, CheckId, CheckResult, CheckStatus,
    CheckedService, Command, Coordinate, Dependency, Index, Locality, Namespace, Node, NodeCoordinate,
    NodeId, NodeName, Owner, PreparedQuery, Proxy, QueryCommand, QueryId, QueryService, QueryTemplate, Real,
    Registration, Service, ServiceAddress, ServiceId, ServiceKind, ServiceName, SessionId, Tags, TxnOp,
    Weights,
};
use uuid::Uuid;

fn node(name: &str, id: Option<u128>) -> Node {
    Node {
        id: id.map(|id| NodeId(Uuid::from_u128(id))),
        name: NodeName::new(name).expect("this is a name"),
        address: "10.0.0.3".into(),
        tagged_addresses: Default::default(),
        meta: Default::default(),
        create_index: Index(0),
        modify_index: Index(0),
    }
}

fn service(on: &str, id: &str, name: &str) -> Service {
    let namespace = Namespace::default_namespace();
    let (id, name) = (ServiceId::new(id).expect("an id"), ServiceName::new(name).expect("a name"));
    Service::new(node(on, None).name, namespace, id, name)
}

/// An instance with everything that one can have.
fn full() -> Service {
    Service {
        namespace: Namespace::new("team").expect("this is a name"),
        kind: ServiceKind::ConnectProxy,
        tags: ["Primary", "v2"].into_iter().collect(),
        address: "10.0.0.4".into(),
        port: 8080,
        socket_path: "/run/web.sock".into(),
        tagged_addresses: vec![("lan".into(), ServiceAddress { address: "10.0.0.4".into(), port: 8081 })],
        meta: [("version", "2"), ("build", "7")].into_iter().collect(),
        weights: Weights { passing: 10, warning: 0 },
        enable_tag_override: true,
        connect_native: true,
        proxy: Some(Box::new(Proxy {
            destination_service: "web".into(),
            destination_id: "web1".into(),
            local_address: "127.0.0.1".into(),
            local_port: 80,
            rest: "{\"Mode\":\"direct\"}".into(),
        })),
        locality: Some(Box::new(Locality { region: "r".into(), zone: "z".into() })),
        advice: Some(Box::new(Advice {
            depends_on: vec![Dependency { service: ServiceName::new("db").expect("a name"), required: true }],
            strategy: "least_load".into(),
        })),
        owner: Owner::Agent,
        ..service("n1", "web-proxy", "web-sidecar")
    }
}

fn check(of: &Service, id: &str, status: CheckStatus) -> Check {
    let service = CheckedService { id: of.id.clone(), name: of.name.clone(), tags: Tags::default() };
    let about = CheckAbout {
        kind: "http".into(),
        interval: "10s".into(),
        timeout: "1s".into(),
        exposed_port: 21500,
        definition: "{\"HTTP\":\"http://10.0.0.4/health\"}".into(),
    };
    Check {
        namespace: of.namespace.clone(),
        name: "Web answers".into(),
        notes: "a note".into(),
        output: "HTTP GET http://10.0.0.4/health: 200 OK Output: fine".into(),
        service: Some(service),
        about: Some(Box::new(about)),
        owner: of.owner,
        ..Check::new(of.node.clone(), CheckId::new(id).expect("an id"), status)
    }
}

fn register(node: Node, service: Option<Service>, checks: Vec<Check>) -> Command {
    let registration = Registration { node, skip_node_update: false, service, checks, replace_checks: false };
    Command::Catalog(CatalogCommand::Register(Box::new(registration)))
}

fn result(of: &Service, id: &str, status: CheckStatus, output: &str) -> CheckResult {
    let id = CheckId::new(id).expect("an id");
    let (node, namespace) = (of.node.clone(), of.namespace.clone());
    CheckResult { node, namespace, id, status, output: output.into() }
}

fn place(name: &str, at: f64) -> NodeCoordinate {
    let [zero, at] = [0.0, at].map(Real::new);
    let coordinate = Coordinate { vec: vec![at; 8], error: zero, adjustment: at, height: zero };
    let (node, modify_index) = (node(name, None).name, Index(0));
    NodeCoordinate { node, segment: "alpha".into(), coordinate, modify_index }
}

fn query(number: u128, name: &str, session: Option<SessionId>) -> Box<PreparedQuery> {
    let target = QueryTarget { datacenter: "dc2".into(), namespace: "team".into(), ..QueryTarget::default() };
    Box::new(PreparedQuery {
        id: QueryId(Uuid::from_u128(number)),
        name: name.into(),
        session,
        template: name
            .ends_with('-')
            .then(|| QueryTemplate { regexp: "^(.*)$".into(), remove_empty_tags: true }),
        service: QueryService {
            service: "web".into(),
            failover: QueryFailover { nearest_n: 1, datacenters: vec!["dc2".into()], targets: vec![target] },
            only_passing: true,
            near: "_agent".into(),
            tags: ["v2", "!old"].into_iter().collect(),
            ignore_check_ids: vec!["noise".into()],
            node_meta: [("rack", "7")].into_iter().collect(),
            service_meta: [("version", "2")].into_iter().collect(),
            connect: true,
            peer: "other".into(),
        },
        dns_ttl: "10s".into(),
        create_index: Index(0),
        modify_index: Index(0),
    })
}

pub(crate) fn third_level() -> Vec<Command> {
    let (web, full) = (service("N3", "web1", "Web"), full());
    let gone = service("N3", "gone", "gone");
    let namespace = Namespace::default_namespace();
    let remove = |id: &str| CatalogCommand::DeregisterService {
        node: web.node.clone(),
        namespace: namespace.clone(),
        id: ServiceId::new(id).expect("an id"),
    };
    let txn = vec![
        CatalogTxnOp::ServiceSet { service: Box::new(service("N3", "txn", "txn")), cas: Some(Index(0)) },
        CatalogTxnOp::CheckSet { check: Box::new(check(&web, "txn", CheckStatus::Passing)), cas: None },
        CatalogTxnOp::NodeGet(node("n3", None).name),
    ];
    vec![
        register(node("N3", Some(33)), Some(web.clone()), vec![]),
        Command::RaiseFeatureLevel { level: 3 },
        register(node("N3", Some(33)), Some(web.clone()), vec![check(&web, "c", CheckStatus::Passing)]),
        register(node("n1", None), Some(full.clone()), vec![check(&full, "c", CheckStatus::Critical)]),
        register(node("N3", None), Some(gone.clone()), vec![check(&gone, "gone", CheckStatus::Warning)]),
        Command::Catalog(CatalogCommand::Results(vec![
            result(&web, "c", CheckStatus::Warning, "slow"),
            result(&web, "none", CheckStatus::Passing, ""),
            result(&full, "c", CheckStatus::Passing, "well again"),
        ])),
        Command::Catalog(CatalogCommand::Each(vec![remove("gone"), remove("never was")])),
        Command::Catalog(CatalogCommand::DeregisterCheckOf {
            node: full.node.clone(),
            namespace: full.namespace.clone(),
            id: CheckId::new("none").expect("an id"),
        }),
        Command::Catalog(CatalogCommand::Coordinates(vec![place("N3", 0.25), place("nowhere", 1.0)])),
        Command::Query(QueryCommand::Create(query(1, "web-", None))),
        Command::Query(QueryCommand::Create(query(2, "web", None))),
        Command::Query(QueryCommand::Create(query(3, "WEB", None))),
        Command::Query(QueryCommand::Update(query(2, "shop", None))),
        Command::Query(QueryCommand::Create(query(4, "short", None))),
        Command::Query(QueryCommand::Delete(QueryId(Uuid::from_u128(4)))),
        Command::Txn { ops: txn.into_iter().map(TxnOp::Catalog).collect() },
        register(node("renamed", Some(33)), None, vec![]),
        register(node("n4", None), Some(service("n4", "web4", "web")), vec![]),
    ]
}
