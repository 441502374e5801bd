//! What a record must be to be registered, in the words of Consul's servers.

use std::net::IpAddr;

use konsul_types::catalog::CHECK_OUTPUT_MAX;
use konsul_types::definition::{SERVICE_META_KEY_MAX, SERVICE_META_PAIRS_MAX, SERVICE_META_VALUE_MAX};
use konsul_types::{Check, Node, Registration, Service, ServiceKind};

use crate::error::Error;

/// The node, and what stands with it.
pub(super) fn node_rules(wanted: &Registration) -> Result<(), Error> {
    if wanted.node.address.is_empty() && !wanted.skip_node_update {
        return Err(Error::invalid("Address", "Must provide address if SkipNodeUpdate is not set"));
    }
    pairs_of_node(&wanted.node)?;
    wanted.checks.iter().try_for_each(check_rules)
}

/// A node alone.
pub(super) fn node_alone_rules(node: &Node) -> Result<(), Error> {
    if node.address.is_empty() {
        return Err(Error::invalid("Address", "Must provide address"));
    }
    pairs_of_node(node)
}

fn pairs_of_node(node: &Node) -> Result<(), Error> {
    let meta = node.meta.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    pairs(meta, true).map_err(|why| Error::invalid("NodeMeta", format!("Invalid Node Meta: {why}")))
}

/// A check.
pub(super) fn check_rules(check: &Check) -> Result<(), Error> {
    if check.output.len() <= CHECK_OUTPUT_MAX {
        return Ok(());
    }
    Err(Error::TooLarge {
        what: format!("the output of check '{}'", check.id),
        actual: check.output.len() as u64,
        limit: CHECK_OUTPUT_MAX as u64,
        unit: "bytes",
    })
}

/// An instance.
pub(super) fn service_rules(service: &Service) -> Result<(), Error> {
    let invalid = |why: String| Err(Error::invalid("Service", why));
    let faults = of_kind(service);
    if !faults.is_empty() {
        return invalid(listed(&faults));
    }
    if is_any(&service.address) {
        return invalid("Invalid service address".into());
    }
    if service.weights.passing == 0 {
        return invalid("Invalid Weights: Passing must be greater than 0".into());
    }
    let (node, id) = (&service.node, &service.id);
    match pairs(service.meta.iter(), false) {
        Err(why) => invalid(format!(
            "failed inserting service: Invalid Service Meta for node {node} and serviceID {id}: {why}"
        )),
        Ok(()) => Ok(()),
    }
}

/// Whether an address means every one of a machine's, which nobody can connect to.
fn is_any(address: &str) -> bool {
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
    bare.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified())
}

fn of_kind(service: &Service) -> Vec<String> {
    let kind = service.kind.name();
    let target = service.proxy.as_ref().map_or("", |proxy| proxy.destination_service.as_str());
    let mut faults = Vec::new();
    let mut rule = |broken: bool, text: String| faults.extend(broken.then_some(text));
    match service.kind {
        ServiceKind::Typical => {}
        ServiceKind::ConnectProxy => {
            let nowhere = service.port == 0 && service.socket_path.is_empty();
            rule(nowhere, format!("Port or SocketPath must be set for a {kind}"));
            let field = "Proxy.DestinationServiceName must";
            rule(target.trim().is_empty(), format!("{field} be non-empty for Connect proxy services"));
            rule(target == "*", format!("{field} not be a wildcard for Connect proxy services"));
            let native = "A Proxy cannot also be Connect Native, only typical services";
            rule(service.connect_native, native.into());
        }
        _ => {
            rule(service.port == 0, format!("Port must be non-zero for a {kind}"));
            let why = "The Proxy.DestinationServiceName configuration is invalid for a";
            rule(!target.is_empty(), format!("{why} {kind}"));
            rule(service.connect_native, format!("A {kind} cannot be Connect Native"));
        }
    }
    faults
}

/// Several faults in one text, as Go's `multierror` writes them.
fn listed(faults: &[String]) -> String {
    let head = match faults.len() {
        1 => "1 error occurred:".to_owned(),
        count => format!("{count} errors occurred:"),
    };
    let points: String = faults.iter().map(|fault| format!("\n\t* {fault}")).collect();
    format!("{head}{points}\n\n")
}

/// The bounds on free pairs. Those of a node may have the prefix that agents use themselves.
fn pairs<'a>(
    pairs: impl ExactSizeIterator<Item = (&'a str, &'a str)>,
    reserved_allowed: bool,
) -> Result<(), String> {
    if pairs.len() > SERVICE_META_PAIRS_MAX {
        return Err(format!(
            "Node metadata cannot contain more than {SERVICE_META_PAIRS_MAX} key/value pairs"
        ));
    }
    for (key, value) in pairs {
        let Err(why) = pair(key, value, reserved_allowed) else { continue };
        // Both may be long, and are only there to be found again.
        let shown = |text: &str| text.chars().take(SERVICE_META_KEY_MAX).collect::<String>();
        return Err(format!("Couldn't load metadata pair ('{}', '{}'): {why}", shown(key), shown(value)));
    }
    Ok(())
}

fn pair(key: &str, value: &str, reserved_allowed: bool) -> Result<(), String> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let reserved = key.starts_with("consul-") && key != "consul-wan-federation" && !reserved_allowed;
    let why = match key {
        "" => "Key cannot be blank".to_owned(),
        _ if !key.bytes().all(word) => "Key contains invalid characters".to_owned(),
        _ if key.len() > SERVICE_META_KEY_MAX => {
            format!("Key is too long (limit: {SERVICE_META_KEY_MAX} characters)")
        }
        _ if reserved => "Key prefix 'consul-' is reserved for internal use".to_owned(),
        _ if value.len() > SERVICE_META_VALUE_MAX => {
            format!("Value is too long (limit: {SERVICE_META_VALUE_MAX} characters)")
        }
        _ => return Ok(()),
    };
    Err(why)
}

#[cfg(test)]
mod tests {
    use konsul_types::{Namespace, NodeName, ServiceId, ServiceName};

    use super::*;

    fn web() -> Service {
        let (id, name) = (ServiceId::new("web-1").unwrap(), ServiceName::new("web").unwrap());
        Service::new(NodeName::new("n").unwrap(), Namespace::default_namespace(), id, name)
    }

    #[track_caller]
    fn says(change: fn(&mut Service), expect: &str) {
        let mut service = web();
        change(&mut service);
        let said = service_rules(&service).map_err(|error| error.to_string());
        let expect = if expect.is_empty() { Ok(()) } else { Err(expect.to_owned()) };
        assert_eq!(said, expect);
    }

    #[test]
    fn instances_keep_the_rules_of_consuls_servers() {
        says(|_| {}, "");
        says(|s| s.address = "0.0.0.0".into(), "Invalid service address");
        says(|s| s.address = "[::]".into(), "Invalid service address");
        says(|s| s.address = "10.0.0.1".into(), "");
        says(|s| s.weights.passing = 0, "Invalid Weights: Passing must be greater than 0");
        says(
            |s| s.meta = [("a b", "c")].into_iter().collect(),
            "failed inserting service: Invalid Service Meta for node n and serviceID web-1: Couldn't load metadata \
             pair ('a b', 'c'): Key contains invalid characters",
        );
        says(
            |s| s.kind = ServiceKind::ConnectProxy,
            "2 errors occurred:\n\t* Port or SocketPath must be set for a connect-proxy\n\t* \
             Proxy.DestinationServiceName must be non-empty for Connect proxy services\n\n",
        );
    }

    #[test]
    fn a_node_may_have_the_pairs_that_agents_set() {
        assert_eq!(pairs([("consul-version", "1")].into_iter(), true), Ok(()));
        let reserved = pairs([("consul-version", "1")].into_iter(), false).unwrap_err();
        assert!(reserved.ends_with("Key prefix 'consul-' is reserved for internal use"), "{reserved}");
    }
}
