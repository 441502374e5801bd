//! From the words of a script to commands on instances, checks of them, coordinates and prepared queries.

use konsul_types::{
    CatalogCommand, CatalogTxnOp, Check, CheckId, CheckResult, CheckStatus, CheckedService, Coordinate,
    Index, Namespace, Node, NodeCoordinate, NodeName, PreparedQuery, QueryCommand, QueryId, QueryService,
    QueryTemplate, Real, Registration, Service, ServiceId, ServiceName, Tags,
};
use uuid::Uuid;

use crate::words::{Fault, Words, number, session};

pub(crate) fn command(
    verb: &str,
    namespace: Namespace,
    words: &mut Words<'_>,
) -> Result<CatalogCommand, Fault> {
    let node = NodeName::new(words.next("the node")?)?;
    Ok(match verb {
        "register" => CatalogCommand::Register(Box::new(registration(node, &namespace, words)?)),
        "service-remove" => {
            let id = ServiceId::new(words.next("the instance")?)?;
            CatalogCommand::DeregisterService { node, namespace, id }
        }
        "results" => CatalogCommand::Results(results(&node, &namespace, words)?),
        _ => CatalogCommand::Coordinates(vec![coordinate(node, words)?]),
    })
}

/// `register NODE [ID] name=N tags=a,b port=80 check=ID:status,ID:status of=INSTANCE node-check=ID:status keep-node=true replace=true id=7 elsewhere=NODE`
fn registration(node: NodeName, namespace: &Namespace, words: &mut Words<'_>) -> Result<Registration, Fault> {
    let mut service = match words.0.next_pos() {
        None => None,
        Some(id) => Some(service(&node, namespace, id, words)?),
    };
    let mut checks = Vec::new();
    let other = words.0.take_key("of").map(ServiceId::new).transpose()?;
    for text in words.0.take_key("check").into_iter().flat_map(|list| list.split(',')) {
        let (id, status) = pair(text)?;
        let of = other
            .clone()
            .or(service.as_ref().map(|service| service.id.clone()))
            .ok_or("a check is of an instance")?;
        let name = ServiceName::new("ignored")?;
        let service = Some(CheckedService { id: of, name, tags: Tags::default() });
        checks.push(Check { service, namespace: namespace.clone(), ..check(&node, id, status)? });
    }
    if let Some(text) = words.0.take_key("node-check") {
        let (id, status) = pair(text)?;
        checks.push(check(&node, id, status)?);
    }
    if let Some(other) = words.0.take_key("elsewhere").map(NodeName::new).transpose()? {
        checks.iter_mut().for_each(|check| check.node = other.clone());
        service.iter_mut().for_each(|service| service.node = other.clone());
    }
    let id = words.0.take_key("id").map(|word| number(word, 'n')).transpose()?;
    Ok(Registration {
        node: Node {
            id: id.map(|id| konsul_types::NodeId(Uuid::from_u128(id))),
            address: words.0.take_key("address").unwrap_or("10.0.0.1").to_owned(),
            ..plain_node(node)
        },
        skip_node_update: words.named("keep-node")?.unwrap_or(false),
        service,
        checks,
        replace_checks: words.named("replace")?.unwrap_or(false),
    })
}

fn plain_node(name: NodeName) -> Node {
    Node {
        id: None,
        name,
        address: "10.0.0.1".to_owned(),
        tagged_addresses: Default::default(),
        meta: Default::default(),
        create_index: Index(99),
        modify_index: Index(99),
    }
}

fn service(
    node: &NodeName,
    namespace: &Namespace,
    id: &str,
    words: &mut Words<'_>,
) -> Result<Service, Fault> {
    let name = ServiceName::new(words.0.take_key("name").unwrap_or(id))?;
    let mut service = Service::new(node.clone(), namespace.clone(), ServiceId::new(id)?, name);
    service.port = words.named("port")?.unwrap_or(80);
    service.tags = words.0.take_key("tags").into_iter().flat_map(|tags| tags.split(',')).collect();
    Ok(service)
}

fn check(node: &NodeName, id: &str, status: CheckStatus) -> Result<Check, Fault> {
    Ok(Check::new(node.clone(), CheckId::new(id)?, status))
}

fn pair(text: &str) -> Result<(&str, CheckStatus), Fault> {
    let (id, status) = text.rsplit_once(':').ok_or_else(|| format!("{text:?} should be id:status"))?;
    Ok((id, CheckStatus::of_name(status).ok_or_else(|| format!("{status:?} is no status"))?))
}

fn results(node: &NodeName, namespace: &Namespace, words: &mut Words<'_>) -> Result<Vec<CheckResult>, Fault> {
    let output = words.0.take_key("output").unwrap_or_default().to_owned();
    let mut results = Vec::new();
    while let Some(text) = words.0.next_pos() {
        let (id, status) = pair(text)?;
        results.push(CheckResult {
            node: node.clone(),
            namespace: namespace.clone(),
            id: CheckId::new(id)?,
            status,
            output: output.as_str().into(),
        });
    }
    Ok(results)
}

fn coordinate(node: NodeName, words: &mut Words<'_>) -> Result<NodeCoordinate, Fault> {
    let x: f64 = words.next("the place")?.parse()?;
    let [zero, place] = [0.0, x].map(Real::new);
    let coordinate = Coordinate { vec: vec![place], error: zero, adjustment: zero, height: zero };
    Ok(NodeCoordinate { node, segment: Default::default(), coordinate, modify_index: Index(99) })
}

/// `query q7 NAME service=S session=s1 template=true update=true`
pub(crate) fn query(verb: &str, words: &mut Words<'_>) -> Result<QueryCommand, Fault> {
    let id = QueryId(Uuid::from_u128(number(words.next("the query")?, 'q')?));
    if verb == "query-remove" {
        return Ok(QueryCommand::Delete(id));
    }
    let is_template = words.named("template")?.unwrap_or(false);
    let query = Box::new(PreparedQuery {
        id,
        name: words.0.next_pos().unwrap_or_default().into(),
        session: words.0.take_key("session").map(session).transpose()?,
        template: is_template.then(QueryTemplate::default),
        service: QueryService {
            service: words.0.take_key("service").unwrap_or("web").into(),
            ..QueryService::default()
        },
        dns_ttl: Default::default(),
        create_index: Index(99),
        modify_index: Index(99),
    });
    let update = words.named("update")?.unwrap_or(false);
    Ok(if update { QueryCommand::Update(query) } else { QueryCommand::Create(query) })
}

/// `node-get n1`, `node-set n1 [index]`, `node-delete n1 [index]`, and the same of `service` and `check` with `n1/id`; a
/// check is set to a status.
pub(crate) fn member(
    namespace: Namespace,
    verb: &str,
    name: &str,
    rest: &[&str],
) -> Result<Option<CatalogTxnOp>, Fault> {
    let ours = ["node-", "service-", "check-get", "check-set", "check-delete"];
    if !ours.iter().any(|begin| verb.starts_with(begin)) || verb == "check-session" {
        return Ok(None);
    }
    let (node, id) = name.split_once('/').unwrap_or((name, ""));
    let node = NodeName::new(node)?;
    let first = rest.first().copied();
    let cas = |word: Option<&str>| word.map(|word| word.parse().map(Index)).transpose();
    Ok(Some(match verb {
        "node-get" => CatalogTxnOp::NodeGet(node),
        "node-set" => CatalogTxnOp::NodeSet { node: Box::new(plain_node(node)), cas: cas(first)? },
        "node-delete" => CatalogTxnOp::NodeDelete { name: node, cas: cas(first)? },
        "service-get" => CatalogTxnOp::ServiceGet { node, namespace, id: ServiceId::new(id)? },
        "service-set" => {
            let service = Service::new(node, namespace, ServiceId::new(id)?, ServiceName::new(id)?);
            CatalogTxnOp::ServiceSet { service: Box::new(service), cas: cas(first)? }
        }
        "service-delete" => {
            CatalogTxnOp::ServiceDelete { node, namespace, id: ServiceId::new(id)?, cas: cas(first)? }
        }
        "check-get" => CatalogTxnOp::CheckGet { node, namespace, id: CheckId::new(id)? },
        "check-set" => {
            let status = first.and_then(CheckStatus::of_name).ok_or("a status is missing")?;
            let check = check(&node, id, status)?;
            CatalogTxnOp::CheckSet { check: Box::new(check), cas: cas(rest.get(1).copied())? }
        }
        "check-delete" => {
            CatalogTxnOp::CheckDelete { node, namespace, id: CheckId::new(id)?, cas: cas(first)? }
        }
        _ => return Ok(None),
    }))
}
