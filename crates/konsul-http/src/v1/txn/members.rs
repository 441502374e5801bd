//! Members of transactions that concern the catalogue. The errors are texts for their places in the list of failures.

use konsul_api::v1::txn::{CheckOp, NodeOp, Op, ServiceOp};
use konsul_operations::arguments::NodeServices;
use konsul_operations::{Context, Error};
use konsul_types::{CatalogTxnOp, CheckId, Index, Namespace, NodeName, ServiceId};

use super::super::read::body_namespace;
use super::super::records::{self, NodeText};
use crate::service::Edge;

/// Gives nodes that are named by their ids alone their names, which is what the state knows them by.
pub(super) async fn name_nodes(edge: &Edge, context: &Context, members: &mut [Op]) -> Result<(), Error> {
    for member in members {
        let Some(op) = member.node.as_mut().filter(|_| member.kv.is_none()) else { continue };
        // Who writes a node says its name; the id is what may not change.
        let writes = matches!(op.verb.as_str(), "set" | "cas");
        if op.node.id.is_empty() || (writes && !op.node.node.is_empty()) {
            continue;
        }
        let args = NodeServices { node: op.node.id.clone(), filter: String::new(), blocking: None };
        if let Some(found) = edge.operations.node_services(context, args).await?.value {
            op.node.node = found.node.name.to_string();
        }
    }
    Ok(())
}

fn node_name(name: &str, id: &str) -> Result<NodeName, String> {
    match name {
        "" if id.is_empty() => Err("Must provide node".to_owned()),
        "" => Err(format!("node {id:?} doesn't exist")),
        name => NodeName::new(name).map_err(|why| format!("Invalid {why}")),
    }
}

/// What a condition of a member is.
fn cas(verb: &str, index: u64) -> Option<Index> {
    verb.ends_with("cas").then_some(Index(index))
}

/// A member about a node.
pub(super) fn node(op: NodeOp) -> Result<CatalogTxnOp, String> {
    let NodeOp { verb, node } = op;
    if !node.peer_name.is_empty() {
        return Err("cannot modify nodes of peers".to_owned());
    }
    body_namespace("", &node.partition, &Namespace::default_namespace())?;
    let name = || node_name(&node.node, &node.id);
    let condition = cas(&verb, node.modify_index);
    Ok(match verb.as_str() {
        "get" => CatalogTxnOp::NodeGet(name()?),
        "delete" | "delete-cas" => CatalogTxnOp::NodeDelete { name: name()?, cas: condition },
        "set" | "cas" => {
            let name = name()?;
            let text = NodeText {
                id: &node.id,
                name: name.as_str(),
                address: node.address,
                tagged_addresses: node.tagged_addresses,
                meta: node.meta,
            };
            CatalogTxnOp::NodeSet { node: Box::new(text.record()?), cas: condition }
        }
        other => return Err(format!("unknown Node verb {other:?}")),
    })
}

/// A member about an instance.
pub(super) fn service(op: ServiceOp, request: &Namespace) -> Result<CatalogTxnOp, String> {
    let ServiceOp { verb, node, service } = op;
    let condition = cas(&verb, service.modify_index);
    if !["get", "set", "cas", "delete", "delete-cas"].contains(&verb.as_str()) {
        return Err(format!("unknown Service verb {verb:?}"));
    }
    let node = node_name(&node, "")?;
    if verb == "set" || verb == "cas" {
        let service = Box::new(records::service(service, &node, request)?);
        return Ok(CatalogTxnOp::ServiceSet { service, cas: condition });
    }
    let namespace = body_namespace(&service.namespace, &service.partition, request)?;
    let id = if service.id.is_empty() { service.service } else { service.id };
    let id = ServiceId::new(id).map_err(|why| format!("Invalid {why}"))?;
    Ok(match verb.as_str() {
        "get" => CatalogTxnOp::ServiceGet { node, namespace, id },
        _ => CatalogTxnOp::ServiceDelete { node, namespace, id, cas: condition },
    })
}

/// A member about a check.
pub(super) fn check(op: CheckOp, request: &Namespace) -> Result<CatalogTxnOp, String> {
    let CheckOp { verb, check } = op;
    let condition = cas(&verb, check.modify_index);
    if !["get", "set", "cas", "delete", "delete-cas"].contains(&verb.as_str()) {
        return Err(format!("unknown Check verb {verb:?}"));
    }
    let node = node_name(&check.node, "")?;
    if verb == "set" || verb == "cas" {
        let check = Box::new(records::check(check, &node, request)?);
        return Ok(CatalogTxnOp::CheckSet { check, cas: condition });
    }
    let id = if check.check_id.is_empty() { check.name } else { check.check_id };
    let id = CheckId::new(id).map_err(|why| format!("Invalid {why}"))?;
    let namespace = body_namespace(&check.namespace, &check.partition, request)?;
    Ok(match verb.as_str() {
        "get" => CatalogTxnOp::CheckGet { node, namespace, id },
        _ => CatalogTxnOp::CheckDelete { node, namespace, id, cas: condition },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(body: &str) -> Result<CatalogTxnOp, String> {
        let member = konsul_api::v1::txn::decode(format!("[{body}]").as_bytes()).unwrap().remove(0);
        let here = Namespace::default_namespace();
        match member {
            Op { node: Some(op), .. } => node(op),
            Op { service: Some(op), .. } => service(op, &here),
            Op { check: Some(op), .. } => check(op, &here),
            _ => panic!("no member"),
        }
    }

    #[test]
    fn conditions_come_with_their_verbs() {
        let cas_of = |body: &str| match op(body).unwrap() {
            CatalogTxnOp::NodeSet { cas, .. }
            | CatalogTxnOp::NodeDelete { cas, .. }
            | CatalogTxnOp::ServiceSet { cas, .. }
            | CatalogTxnOp::ServiceDelete { cas, .. }
            | CatalogTxnOp::CheckSet { cas, .. }
            | CatalogTxnOp::CheckDelete { cas, .. } => cas,
            other => panic!("{other:?}"),
        };
        let node =
            |verb: &str| format!(r#"{{"Node":{{"Verb":"{verb}","Node":{{"Node":"n","ModifyIndex":7}}}}}}"#);
        let service = |verb: &str| {
            format!(
                r#"{{"Service":{{"Verb":"{verb}","Node":"n","Service":{{"Service":"w","ModifyIndex":7}}}}}}"#
            )
        };
        let check = |verb: &str| {
            format!(r#"{{"Check":{{"Verb":"{verb}","Check":{{"Node":"n","CheckID":"c","ModifyIndex":7}}}}}}"#)
        };
        for member in [&node as &dyn Fn(&str) -> String, &service, &check] {
            for (verb, expect) in
                [("set", None), ("cas", Some(Index(7))), ("delete", None), ("delete-cas", Some(Index(7)))]
            {
                assert_eq!(cas_of(&member(verb)), expect, "{}", member(verb));
            }
            assert!(op(&member("frob")).unwrap_err().ends_with("verb \"frob\""));
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        assert_eq!(op(r#"{"Node":{"Verb":"get"}}"#).unwrap_err(), "Must provide node");
        assert_eq!(
            op(r#"{"Node":{"Verb":"get","Node":{"ID":"x"}}}"#).unwrap_err(),
            "node \"x\" doesn't exist"
        );
        assert_eq!(
            op(r#"{"Service":{"Verb":"set","Service":{"Service":"w"}}}"#).unwrap_err(),
            "Must provide node"
        );
        assert!(op(r#"{"Check":{"Verb":"set","Check":{"Node":"n"}}}"#).is_err());
    }
}
