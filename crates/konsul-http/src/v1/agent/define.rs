//! From what clients tell an agent to the definitions that it keeps, with Consul's complaints in Consul's order.

use http::StatusCode;
use konsul_api::v1::definition as wire;
use konsul_api::v1::session::Span;
use konsul_types::service::STRATEGIES;
use konsul_types::{
    Advice, CheckDefinition, CheckId, CheckStatus, Dependency, Locality, Namespace, ServiceDefinition,
    ServiceId, ServiceName, Weights,
};

use super::super::read::body_namespace;
use super::super::records::{self, is_any};
use super::super::reply::Reply;

/// An instance with its checks.
pub(super) fn service(input: wire::Service, request: &Namespace) -> Result<ServiceDefinition, Reply> {
    if input.name.is_empty() {
        return Err(Reply::bad("Missing service name"));
    }
    if is_any(&input.address) {
        return Err(Reply::bad("Invalid service address"));
    }
    let checks = own_checks(&input);
    let definition = definition(input, request)?;
    if let Err(faults) = definition.validate() {
        return Err(Reply::bad(invalid(&faults)));
    }
    let checks = checks.into_iter().map(|check| inner_check(check, &definition.namespace));
    Ok(ServiceDefinition { checks: checks.collect::<Result<_, _>>()?, ..definition })
}

/// `Check` counts unless it is empty, and before `Checks`.
fn own_checks(input: &wire::Service) -> Vec<wire::Check> {
    let first = Some(&input.check).filter(|check| **check != wire::Check::default());
    first.into_iter().chain(&input.checks).cloned().collect()
}

fn definition(input: wire::Service, request: &Namespace) -> Result<ServiceDefinition, Reply> {
    let namespace = body_namespace(&input.namespace, &input.partition, request).map_err(Reply::bad)?;
    let connect = input.connect.unwrap_or_default();
    if connect.sidecar_service.is_some() {
        let text = "Connect.SidecarService is known to Consul but not built in Konsul yet";
        return Err(Reply::plain(StatusCode::NOT_IMPLEMENTED, text));
    }
    let id = if input.id.is_empty() { input.name.clone() } else { input.id };
    let port = records::port(input.port, "Port").map_err(Reply::bad)?;
    let tagged_addresses = records::tagged(input.tagged_addresses).map_err(Reply::bad)?;
    let mut definition = ServiceDefinition {
        id: ServiceId::new(id).map_err(|why| Reply::bad(format!("Invalid {why}")))?,
        name: ServiceName::new(input.name).map_err(|why| Reply::bad(format!("Invalid {why}")))?,
        namespace,
        kind: records::kind(&input.kind).map_err(Reply::bad)?,
        tags: input.tags.into_iter().collect(),
        address: input.address,
        port,
        socket_path: input.socket_path,
        tagged_addresses,
        meta: input.meta.into_iter().collect(),
        weights: weights(input.weights)?,
        enable_tag_override: input.enable_tag_override,
        connect_native: connect.native,
        proxy: records::proxy_of(input.proxy).map_err(Reply::bad)?,
        locality: input
            .locality
            .map(|place| Locality { region: place.region.into(), zone: place.zone.into() }),
        advice: advice(input.depends_on, &input.strategy)?,
        checks: Vec::new(),
    };
    definition.fill_families();
    Ok(definition)
}

fn weights(input: Option<wire::Weights>) -> Result<Weights, Reply> {
    let refused = |why: &str| Err(Reply::bad(format!("Invalid Weights: {why}")));
    match input {
        None => Ok(Weights::default()),
        Some(one) if one.passing < 1 => refused("Passing must be greater than 0"),
        Some(one) if one.warning < 0 => refused("Warning must be greater or equal than 0"),
        Some(one) => match (u16::try_from(one.passing), u16::try_from(one.warning)) {
            (Ok(passing), Ok(warning)) => Ok(Weights { passing, warning }),
            _ => refused("DNS Weight must be between 0 and 65535"),
        },
    }
}

fn advice(needs: Vec<wire::Dependency>, strategy: &str) -> Result<Option<Advice>, Reply> {
    if !strategy.is_empty() && !STRATEGIES.contains(&strategy) {
        let text = format!("Invalid Strategy {strategy:?}: must be one of {}", STRATEGIES.join(", "));
        return Err(Reply::bad(text));
    }
    let depends_on = needs
        .into_iter()
        .map(|need| {
            let service = ServiceName::new(need.service)
                .map_err(|why| Reply::bad(format!("Invalid DependsOn: {why}")))?;
            Ok(Dependency { service, required: need.required })
        })
        .collect::<Result<Vec<_>, Reply>>()?;
    let advice = Advice { depends_on, strategy: strategy.into() };
    Ok((advice != Advice::default()).then_some(advice))
}

/// Some faults have a complaint of their own; the others are listed, in the form of Consul's library for lists of errors.
fn invalid(faults: &[String]) -> String {
    if let Some(own) = faults.iter().find(|fault| fault.starts_with("Invalid ")) {
        return own.clone();
    }
    let noun = if faults.len() == 1 { "1 error".to_owned() } else { format!("{} errors", faults.len()) };
    let lines: String = faults.iter().map(|fault| format!("\n\t* {fault}")).collect();
    format!("Validation failed: {noun} occurred:{lines}\n\n")
}

/// A check within an instance.
fn inner_check(input: wire::Check, namespace: &Namespace) -> Result<CheckDefinition, Reply> {
    let word = input.status.clone();
    let mut check = check_definition(input, namespace)?;
    check.service = None;
    check.validate().map_err(|why| Reply::bad(format!("Invalid check: {why}")))?;
    if !word.is_empty() && CheckStatus::of_name(&word).is_none() {
        return Err(Reply::bad("Status for checks must 'passing', 'warning', 'critical'"));
    }
    Ok(check)
}

/// A check by itself.
pub(super) fn check(input: wire::Check, request: &Namespace) -> Result<CheckDefinition, Reply> {
    if input.name.is_empty() {
        return Err(Reply::bad("Missing check name"));
    }
    if !input.status.is_empty() && CheckStatus::of_name(&input.status).is_none() {
        return Err(Reply::bad("Bad check status"));
    }
    let namespace = body_namespace(&input.namespace, &input.partition, request).map_err(Reply::bad)?;
    let check = check_definition(input, &namespace)?;
    check.validate().map_err(|why| Reply::bad(format!("Invalid check: {why}")))?;
    Ok(check)
}

fn check_definition(input: wire::Check, namespace: &Namespace) -> Result<CheckDefinition, Reply> {
    let own = [&input.id, &input.check_id].into_iter().find(|id| !id.is_empty());
    let id = own.map(|id| CheckId::new(id.as_str())).transpose();
    let service = Some(&input.service_id).filter(|id| !id.is_empty());
    let service = service.map(|id| ServiceId::new(id.as_str())).transpose();
    let invalid = |why: konsul_types::NameError| Reply::bad(format!("Invalid check: {why}"));
    let output_max = u32::try_from(input.output_max_size)
        .map_err(|_| Reply::bad("Invalid check: MaxOutputMaxSize must be positive"))?;
    Ok(CheckDefinition {
        id: id.map_err(invalid)?,
        name: input.name,
        notes: input.notes,
        status: CheckStatus::of_name(&input.status),
        service: service.map_err(invalid)?,
        namespace: Some(namespace.clone()),
        ttl_ms: millis(&input.ttl)?,
        interval_ms: millis(&input.interval)?,
        timeout_ms: millis(&input.timeout)?,
        http: input.http,
        method: input.method,
        header: input.header.into_iter().collect(),
        body: input.body,
        disable_redirects: input.disable_redirects,
        tls_server_name: input.tls_server_name,
        tls_skip_verify: input.tls_skip_verify,
        tcp: input.tcp,
        tcp_use_tls: input.tcp_use_tls,
        udp: input.udp,
        grpc: input.grpc,
        grpc_use_tls: input.grpc_use_tls,
        h2ping: input.h2ping,
        h2ping_use_tls: input.h2ping_use_tls,
        os_service: input.os_service,
        script_args: input.script_args,
        docker_container_id: input.docker_container_id,
        shell: input.shell,
        alias_node: input.alias_node,
        alias_service: input.alias_service,
        success_before_passing: input.success_before_passing,
        failures_before_warning: Some(input.failures_before_warning).filter(|count| *count > 0),
        failures_before_critical: input.failures_before_critical,
        deregister_after_ms: millis(&input.deregister_critical_service_after)?,
        output_max,
    })
}

/// A span in milliseconds: what is less than one, and more than none, is one; less than none is none.
fn millis(span: &Span) -> Result<u64, Reply> {
    if let Span::Text(text) = span
        && text.is_empty()
    {
        // As Go has it.
        return Err(Reply::bad("Request decode failed: time: invalid duration \"\""));
    }
    let nanos = records::nanos(span).map_err(|why| Reply::bad(format!("Request decode failed: {why}")))?;
    Ok(u64::try_from(nanos).unwrap_or(0).div_ceil(1_000_000))
}

#[cfg(test)]
mod tests {
    use konsul_api::v1::decode::{Unknown, from_slice};

    use super::super::super::reply::Content;
    use super::*;

    fn text<T>(result: Result<T, Reply>) -> String {
        match result {
            Err(Reply { content: Content::Plain(text), .. }) => text.into_owned(),
            _ => panic!("should have been refused"),
        }
    }

    fn of_service(body: &str) -> Result<ServiceDefinition, Reply> {
        service(from_slice(body.as_bytes(), Unknown::Refuse).unwrap(), &Namespace::default_namespace())
    }

    fn of_check(body: &str) -> Result<CheckDefinition, Reply> {
        check(from_slice(body.as_bytes(), Unknown::Refuse).unwrap(), &Namespace::default_namespace())
    }

    #[test]
    fn services_are_refused_in_consuls_words() {
        for (body, why) in [
            ("{}", "Missing service name"),
            (r#"{"Name":"w","Address":"0.0.0.0"}"#, "Invalid service address"),
            (r#"{"Name":"w","Weights":{"Passing":0}}"#, "Invalid Weights: Passing must be greater than 0"),
            (
                r#"{"Name":"w","Weights":{"Passing":1,"Warning":-1}}"#,
                "Invalid Weights: Warning must be greater or equal than 0",
            ),
            (
                r#"{"Name":"w","Weights":{"Passing":65536}}"#,
                "Invalid Weights: DNS Weight must be between 0 and 65535",
            ),
            (
                r#"{"Name":"w","Meta":{"consul-x":"1"}}"#,
                "Invalid Service Meta: Couldn't load metadata pair ('consul-x', '1'): Key prefix 'consul-' is reserved for internal use",
            ),
            (
                r#"{"Name":"w","Kind":"connect-proxy"}"#,
                "Validation failed: 2 errors occurred:\n\t* Proxy.DestinationServiceName must be non-empty for Connect proxy services\n\t* Port or SocketPath must be set for a connect-proxy\n\n",
            ),
            (
                r#"{"Name":"w","Kind":"mesh-gateway"}"#,
                "Validation failed: 1 error occurred:\n\t* Port must be non-zero for a mesh-gateway\n\n",
            ),
            (
                r#"{"Name":"w","Check":{"HTTP":"x"}}"#,
                "Invalid check: Interval must be > 0 for Script, HTTP, H2PING, TCP, UDP or OSService checks",
            ),
            (r#"{"Name":"w","Checks":[{}]}"#, "Invalid check: TTL must be > 0 for TTL checks"),
            (
                r#"{"Name":"w","Checks":[{"TTL":"5"}]}"#,
                "Request decode failed: time: missing unit in duration \"5\"",
            ),
            (
                r#"{"Name":"w","Check":{"TTL":"5s","Status":"x"}}"#,
                "Status for checks must 'passing', 'warning', 'critical'",
            ),
            (
                r#"{"Name":"w","Connect":{"SidecarService":{}}}"#,
                "Connect.SidecarService is known to Consul but not built in Konsul yet",
            ),
        ] {
            assert_eq!(text(of_service(body)), why, "{body}");
        }
    }

    #[test]
    fn an_instance_has_its_defaults() {
        let Ok(web) = of_service(
            r#"{"Name":"web","Address":"10.0.0.1","Port":80,"Check":{},"Checks":[{"TTL":"15s"},{"TCP":"a:1","Interval":1000000}]}"#,
        ) else {
            panic!("should have been taken")
        };
        assert_eq!((web.id.as_str(), web.weights, web.checks.len()), ("web", Weights::default(), 2));
        let kinds: Vec<&str> = web.tagged_addresses.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(kinds, ["lan_ipv4", "wan_ipv4"]);
        assert_eq!((web.checks[0].ttl_ms, web.checks[1].interval_ms), (15_000, 1));
        let ids: Vec<String> = (0..2).map(|at| web.checks[at].id_in(Some(&web.id), at + 1, 2)).collect();
        assert_eq!(ids, ["service:web:1", "service:web:2"]);
    }

    #[test]
    fn checks_are_refused_in_consuls_words() {
        for (body, why) in [
            (r#"{"TTL":"1s"}"#, "Missing check name"),
            (r#"{"Name":"c","TTL":"1s","Status":"x"}"#, "Bad check status"),
            (r#"{"Name":"c"}"#, "Invalid check: TTL must be > 0 for TTL checks"),
            (
                r#"{"Name":"c","TTL":"1s","Interval":"1s"}"#,
                "Invalid check: Interval and TTL cannot both be specified",
            ),
            (
                r#"{"Name":"c","TTL":"1s","OutputMaxSize":-1}"#,
                "Invalid check: MaxOutputMaxSize must be positive",
            ),
            (
                r#"{"Name":"c","AliasNode":"n","Interval":"1s"}"#,
                "Invalid check: Interval cannot be set for Alias checks",
            ),
        ] {
            assert_eq!(text(of_check(body)), why, "{body}");
        }
        let check = of_check(
            r#"{"Name":"c","ID":"x","service_id":"w","HTTP":"http://a","Interval":"10s","Args":null}"#,
        );
        let Ok(check) = check else { panic!("should have been taken") };
        assert_eq!(check.id.as_ref().map(CheckId::as_str), Some("x"));
        assert_eq!(check.service.as_ref().map(ServiceId::as_str), Some("w"));
    }
}
