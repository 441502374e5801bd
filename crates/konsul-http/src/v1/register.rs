//! `/v1/catalog/register` and `/v1/catalog/deregister`: what is written directly into the catalogue.

use http::StatusCode;
use konsul_api::v1::decode::Unknown;
use konsul_api::v1::registration as wire;
use konsul_operations::arguments::{CatalogDeregister, CatalogRegister, NodeServices};
use konsul_operations::{Consistency, Context, Error};
use konsul_types::{CheckId, Node, NodeName, Refusal, Registration, ServiceId};

use super::error::reply;
use super::inbound::Inbound;
use super::read::{Options, body_namespace};
use super::records::{self, NodeText};
use super::reply::Reply;
use super::route::Route;
use crate::service::{Edge, Handled};

/// `PUT register`.
pub(crate) fn register(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { mut context, .. } = inbound.options()?;
    let taking = inbound.taking();
    Ok(Box::pin(async move {
        let edge = std::sync::Arc::clone(&taking.edge);
        let body: wire::Register = match taking.decode(Unknown::Skip).await {
            Ok(body) => body,
            Err(refused) => return refused,
        };
        let registration = match registration(body, &mut context) {
            Ok(registration) => registration,
            Err(why) => return Reply::plain(StatusCode::INTERNAL_SERVER_ERROR, why),
        };
        let node = registration.node.clone();
        match edge.operations.catalog_register(&context, CatalogRegister { registration }).await {
            Ok(()) => Reply::truth(true),
            Err(Error::Refused(why)) if of_the_store(&why) => {
                let renames = renames(&edge, context, &node).await;
                Reply::plain(StatusCode::INTERNAL_SERVER_ERROR, stored(&node, &why, renames))
            }
            Err(why) => reply(&why),
        }
    }))
}

/// Whether a refusal is one that Consul's state store says.
fn of_the_store(why: &Refusal) -> bool {
    matches!(why, Refusal::MissingService | Refusal::NodeNameTaken { .. })
}

/// Whether a node's id is known, under another name, so that the node was to be renamed.
async fn renames(edge: &Edge, context: Context, node: &Node) -> bool {
    let Some(id) = node.id else { return false };
    let context = Context { consistency: Consistency::Stale { max_stale: None }, ..context };
    let args = NodeServices { node: id.to_string(), filter: String::new(), blocking: None };
    let found = edge.operations.node_services(&context, args).await;
    found.is_ok_and(|found| found.value.is_some())
}

/// What Consul puts before the words of its state store.
fn stored(node: &Node, why: &Refusal, renames: bool) -> String {
    match (why, node.id) {
        (Refusal::MissingService, _) => {
            format!("failed inserting check on node {:?}: {why}", node.name.as_str())
        }
        // An id that nobody has yet is told without the address.
        (_, Some(id)) => {
            let at = if renames { format!(" ({})", node.address) } else { String::new() };
            format!("failed inserting node: Error while renaming Node ID: \"{id}\"{at}: {why}")
        }
        (_, None) => format!("failed inserting node: {why}"),
    }
}

/// What a body asks for, in Consul's order of complaints. The context takes on its datacentre and namespace.
fn registration(body: wire::Register, context: &mut Context) -> Result<Registration, String> {
    if body.node.is_empty() {
        return Err("Must provide node".to_owned());
    }
    if body.address.is_empty() && !body.skip_node_update {
        return Err("Must provide address if SkipNodeUpdate is not set".to_owned());
    }
    if !body.peer_name.is_empty() {
        return Err("cannot register requests with PeerName in them".to_owned());
    }
    elsewhere(&body.datacenter, context);
    context.namespace = body_namespace(&body.namespace, &body.partition, &context.namespace)?;
    let node = NodeText {
        id: &body.id,
        name: &body.node,
        address: body.address,
        tagged_addresses: body.tagged_addresses,
        meta: body.node_meta,
    };
    let node = node.record()?;
    let wanted = body.service.filter(|service| !service.service.is_empty() || !service.id.is_empty());
    let service =
        wanted.map(|service| records::service(service, &node.name, &context.namespace)).transpose()?;
    let checks = body.check.into_iter().chain(body.checks);
    let namespace = service.as_ref().map_or(&context.namespace, |service| &service.namespace);
    let checks = checks
        .map(|check| {
            if !check.node.is_empty() && !check.node.eq_ignore_ascii_case(node.name.as_str()) {
                let (wanted, id, own) = (&check.node, &check.check_id, &node.name);
                return Err(format!(
                    "Node '{wanted}' for check '{id}' doesn't match register request node '{own}'"
                ));
            }
            records::check(check, &node.name, namespace)
        })
        .collect::<Result<_, _>>()?;
    let skip_node_update = body.skip_node_update;
    Ok(Registration { node, skip_node_update, service, checks, replace_checks: false })
}

/// A body may name the datacentre too.
pub(crate) fn elsewhere(named: &str, context: &mut Context) {
    if !named.is_empty() {
        context.datacenter = Some(named.to_owned());
    }
}

/// `PUT deregister`.
pub(crate) fn deregister(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { mut context, .. } = inbound.options()?;
    let taking = inbound.taking();
    Ok(Box::pin(async move {
        let edge = std::sync::Arc::clone(&taking.edge);
        let body: wire::Deregister = match taking.decode(Unknown::Skip).await {
            Ok(body) => body,
            Err(refused) => return refused,
        };
        let args = match deregistration(&body, &mut context) {
            Ok(Some(args)) => args,
            Ok(None) => return Reply::truth(true),
            Err(why) => return Reply::plain(StatusCode::INTERNAL_SERVER_ERROR, why),
        };
        match edge.operations.catalog_deregister(&context, args).await {
            Ok(()) => Reply::truth(true),
            Err(why) => reply(&why),
        }
    }))
}

/// What a body asks for; `None` if it names what cannot be there.
fn deregistration(
    body: &wire::Deregister,
    context: &mut Context,
) -> Result<Option<CatalogDeregister>, String> {
    if body.node.is_empty() {
        return Err("Must provide node".to_owned());
    }
    elsewhere(&body.datacenter, context);
    context.namespace = body_namespace(&body.namespace, &body.partition, &context.namespace)?;
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let Ok(node) = NodeName::new(body.node.as_str()) else { return Ok(None) };
    let Ok(service) = given(&body.service_id).map(ServiceId::new).transpose() else { return Ok(None) };
    let Ok(check) = given(&body.check_id).map(CheckId::new).transpose() else { return Ok(None) };
    Ok(Some(CatalogDeregister { node, service, check }))
}

#[cfg(test)]
mod tests {
    use konsul_api::v1::decode::from_slice;
    use konsul_types::Namespace;

    use super::*;

    fn registered(body: &str) -> Result<Registration, String> {
        let mut context = Context::new(Namespace::default_namespace());
        registration(from_slice(body.as_bytes(), Unknown::Skip).unwrap(), &mut context)
    }

    #[test]
    fn complaints_come_in_consuls_order() {
        for (body, why) in [
            ("{}", "Must provide node"),
            (r#"{"Node":"n"}"#, "Must provide address if SkipNodeUpdate is not set"),
            (
                r#"{"Node":"n","Address":"a","PeerName":"p"}"#,
                "cannot register requests with PeerName in them",
            ),
            (r#"{"Node":"n","Address":"a","ID":"x"}"#, "Bad node ID: uuid string is wrong length"),
            (
                r#"{"Node":"n","Address":"a","Service":{"ID":"x"}}"#,
                "Must provide service name (Service.Service) when service ID is provided",
            ),
            (
                r#"{"Node":"n","Address":"a","Service":{"Service":"x","Address":"::"}}"#,
                "Invalid service address",
            ),
            (
                r#"{"Node":"n","Address":"a","Check":{"Node":"m","CheckID":"c"}}"#,
                "Node 'm' for check 'c' doesn't match register request node 'n'",
            ),
        ] {
            assert_eq!(registered(body).unwrap_err(), why, "{body}");
        }
    }

    #[test]
    fn refusals_of_the_store_are_put_as_consul_puts_them() {
        let mut found =
            registered(r#"{"Node":"n","Address":"a","ID":"50e4a748-2192-161a-0510-9bf59fe950b5"}"#).unwrap();
        let taken = Refusal::NodeNameTaken { name: "n".into(), id: "i".into(), address: "b".into() };
        assert_eq!(
            stored(&found.node, &taken, true),
            "failed inserting node: Error while renaming Node ID: \"50e4a748-2192-161a-0510-9bf59fe950b5\" (a): Node name n is reserved by node i with name n (b)"
        );
        assert_eq!(
            stored(&found.node, &taken, false),
            "failed inserting node: Error while renaming Node ID: \"50e4a748-2192-161a-0510-9bf59fe950b5\": Node name n is reserved by node i with name n (b)"
        );
        found.node.id = None;
        assert_eq!(
            stored(&found.node, &Refusal::MissingService, false),
            "failed inserting check on node \"n\": Missing service registration"
        );
    }

    #[test]
    fn check_and_checks_are_joined() {
        let found = registered(
            r#"{"node":"n","SkipNodeUpdate":true,"Service":{"Service":"web"},"Check":{"CheckID":"a"},"checks":[{"Name":"b"}]}"#,
        )
        .unwrap();
        let ids: Vec<&str> = found.checks.iter().map(|check| check.id.as_str()).collect();
        assert_eq!(ids, ["a", "b"]);
        assert!(found.skip_node_update && found.service.is_some());
    }

    #[test]
    fn an_empty_service_is_none() {
        assert!(registered(r#"{"Node":"n","Address":"a","Service":{}}"#).unwrap().service.is_none());
    }
}
