//! Definitions of instances and checks, from bodies to what they mean.

use konsul_api::v2::catalog::Status;
use konsul_api::v2::registration::{CheckDefinition as WantedCheck, ServiceDefinition as Wanted};
use konsul_types::service::STRATEGIES;
use konsul_types::{
    Advice, CheckDefinition, CheckId, Dependency, Locality, Namespace, Pairs, ServiceAddress,
    ServiceDefinition, ServiceId, ServiceKind, ServiceName, Weights,
};

use super::body::Faults;
use super::told;

/// An instance. `None` goes with at least one fault, and faults may come with an instance that is of no use.
pub(crate) fn service(
    faults: &mut Faults,
    at: &str,
    namespace: &Namespace,
    id: Option<&str>,
    wanted: Wanted,
) -> Option<ServiceDefinition> {
    let name = faults.take(&format!("{at}/name"), ServiceName::new(&*wanted.name).map_err(|why| why.what));
    let text = id.or(wanted.id.as_deref()).unwrap_or(&wanted.name);
    if id.is_some() && wanted.id.as_deref().is_some_and(|said| said != text) {
        let detail = format!("is not {text:?}, which the path says");
        faults.take::<(), _>(&format!("{at}/id"), Err(detail));
    }
    let id = faults.take(&format!("{at}/id"), ServiceId::new(text).map_err(|why| why.what));
    let weights = wanted.weights.unwrap_or_default();
    let mut number = |name: &str, value: u64| {
        let detail = || format!("{value} is no whole number from 0 to {}", u16::MAX);
        faults.take(&format!("{at}/{name}"), u16::try_from(value).map_err(|_| detail())).unwrap_or(0)
    };
    let port = number("port", wanted.port);
    let weights = Weights {
        passing: number("weights/passing", weights.passing),
        warning: number("weights/warning", weights.warning),
    };
    let tagged_addresses = wanted
        .tagged_addresses
        .into_iter()
        .map(|(kind, to)| {
            let port =
                if to.port == 0 { port } else { number(&format!("tagged_addresses/{kind}/port"), to.port) };
            (kind, ServiceAddress { address: to.address.into(), port })
        })
        .collect();
    let advice = advice(faults, at, wanted.depends_on, wanted.strategy);
    let checks = (0..)
        .zip(wanted.checks)
        .filter_map(|(place, one)| check(faults, &format!("{at}/checks/{place}"), None, one))
        .collect();
    let definition = ServiceDefinition {
        id: id?,
        name: name?,
        namespace: namespace.clone(),
        kind: ServiceKind::Typical,
        tags: wanted.tags.into_iter().collect(),
        address: wanted.address,
        port,
        socket_path: wanted.socket_path,
        tagged_addresses,
        meta: wanted.meta.into_iter().collect::<Pairs>(),
        weights,
        enable_tag_override: wanted.enable_tag_override,
        connect_native: false,
        proxy: None,
        locality: wanted.locality.map(|at| Locality { region: at.region.into(), zone: at.zone.into() }),
        advice,
        checks,
    };
    for detail in definition.validate().err().unwrap_or_default() {
        faults.take::<(), _>(at, Err(detail));
    }
    Some(definition)
}

fn advice(
    faults: &mut Faults,
    at: &str,
    needs: Vec<konsul_api::v2::registration::Dependency>,
    strategy: String,
) -> Option<Advice> {
    let mut depends_on = Vec::new();
    for (place, need) in needs.into_iter().enumerate() {
        let name = ServiceName::new(need.service).map_err(|why| why.what);
        let name = faults.take_at(|| format!("{at}/depends_on/{place}/service"), name);
        depends_on.extend(name.map(|service| Dependency { service, required: need.required }));
    }
    if !strategy.is_empty() && !STRATEGIES.contains(&strategy.as_str()) {
        let detail = format!("{strategy:?} is none of {}", STRATEGIES.join(", "));
        faults.take::<(), _>(&format!("{at}/strategy"), Err(detail));
    }
    let nothing = depends_on.is_empty() && strategy.is_empty();
    (!nothing).then(|| Advice { depends_on, strategy: strategy.into() })
}

/// A check.
pub(crate) fn check(
    faults: &mut Faults,
    at: &str,
    id: Option<&str>,
    wanted: WantedCheck,
) -> Option<CheckDefinition> {
    if let (Some(id), Some(said)) = (id, wanted.id.as_deref())
        && said != id
    {
        faults.take::<(), _>(&format!("{at}/id"), Err(format!("is not {id:?}, which the path says")));
    }
    let text = id.map(str::to_owned).or(wanted.id);
    let id = text.map(|text| faults.take(&format!("{at}/id"), CheckId::new(text).map_err(|why| why.what)));
    let service = wanted
        .service_id
        .map(|text| faults.take(&format!("{at}/service_id"), ServiceId::new(text).map_err(|why| why.what)));
    let mut span =
        |name: &str, text: Option<&str>| faults.duration(&format!("{at}/{name}"), text).unwrap_or(0);
    let ttl_ms = span("ttl", wanted.ttl.as_deref());
    let interval_ms = span("interval", wanted.interval.as_deref());
    let timeout_ms = span("timeout", wanted.timeout.as_deref());
    let deregister_after_ms = span("deregister_after", wanted.deregister_after.as_deref());
    let mut count = |name: &str, value: u64| {
        let fits = u32::try_from(value).map_err(|_| format!("{value} is more than {}", u32::MAX));
        faults.take(&format!("{at}/{name}"), fits).unwrap_or(0)
    };
    let success_before_passing = count("success_before_passing", wanted.success_before_passing);
    let failures_before_critical = count("failures_before_critical", wanted.failures_before_critical);
    let failures_before_warning =
        wanted.failures_before_warning.map(|value| count("failures_before_warning", value));
    let output_max = count("output_max", wanted.output_max);
    let definition = CheckDefinition {
        id: id.unwrap_or_default(),
        name: wanted.name,
        notes: wanted.notes,
        status: wanted.status.map(|status: Status| told::asked_status(status)),
        service: service.unwrap_or_default(),
        namespace: None,
        ttl_ms,
        interval_ms,
        timeout_ms,
        http: wanted.http,
        method: wanted.method,
        header: wanted.header.into_iter().collect(),
        body: wanted.body,
        disable_redirects: wanted.disable_redirects,
        tls_server_name: wanted.tls_server_name,
        tls_skip_verify: wanted.tls_skip_verify,
        tcp: wanted.tcp,
        tcp_use_tls: wanted.tcp_use_tls,
        udp: wanted.udp,
        grpc: wanted.grpc,
        grpc_use_tls: wanted.grpc_use_tls,
        h2ping: wanted.h2ping,
        h2ping_use_tls: wanted.h2ping_use_tls,
        os_service: wanted.os_service,
        script_args: wanted.script_args,
        docker_container_id: wanted.docker_container_id,
        shell: wanted.shell,
        alias_node: wanted.alias_node,
        alias_service: wanted.alias_service,
        success_before_passing,
        failures_before_warning,
        failures_before_critical,
        deregister_after_ms,
        output_max,
    };
    faults.take(at, definition.validate())?;
    Some(definition)
}
