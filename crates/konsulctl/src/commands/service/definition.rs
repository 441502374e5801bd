//! What a file defines, as the API takes it.

use konsul_client::v2::api::catalog::Status;
use konsul_client::v2::api::registration::{
    CheckDefinition as CheckBody, Dependency, Locality, ServiceDefinition as Body, TaggedAddress, Weights,
};
use konsul_config::{CheckDefinition, ServiceDefinition};

use crate::exit::Exit;
use crate::failure::Failure;

/// An instance.
pub(crate) fn service(of: &ServiceDefinition) -> Result<Body, Failure> {
    if !of.kind.name().is_empty() || of.proxy.is_some() || of.connect_native {
        let what =
            format!("{} is a proxy or speaks the mesh's protocol, which this command cannot register", of.id);
        return Err(Failure::with(Exit::Usage, what).next("put the file into the agent's config directory"));
    }
    let advice = of.advice.as_ref();
    let tagged = of.tagged_addresses.iter().map(|(kind, at)| {
        (kind.clone(), TaggedAddress { address: at.address.to_string(), port: u64::from(at.port) })
    });
    Ok(Body {
        name: of.name.to_string(),
        id: Some(of.id.to_string()),
        tags: of.tags.iter().map(str::to_owned).collect(),
        address: of.address.clone(),
        port: u64::from(of.port),
        socket_path: of.socket_path.clone(),
        tagged_addresses: tagged.collect(),
        meta: of.meta.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        weights: Some(Weights {
            passing: u64::from(of.weights.passing),
            warning: u64::from(of.weights.warning),
        }),
        enable_tag_override: of.enable_tag_override,
        locality: of
            .locality
            .as_ref()
            .map(|at| Locality { region: at.region.to_string(), zone: at.zone.to_string() }),
        depends_on: advice
            .iter()
            .flat_map(|advice| &advice.depends_on)
            .map(|need| Dependency { service: need.service.to_string(), required: need.required })
            .collect(),
        strategy: advice.map(|advice| advice.strategy.to_string()).unwrap_or_default(),
        checks: of.checks.iter().map(check).collect(),
    })
}

fn span(millis: u64) -> Option<String> {
    (millis > 0).then(|| format!("{millis}ms"))
}

/// A check.
pub(crate) fn check(of: &CheckDefinition) -> CheckBody {
    let status = |name: &str| match name {
        "passing" => Status::Passing,
        "warning" => Status::Warning,
        _ => Status::Critical,
    };
    CheckBody {
        id: of.id.as_ref().map(ToString::to_string),
        name: of.name.clone(),
        notes: of.notes.clone(),
        status: of.status.map(|one| status(one.name())),
        service_id: of.service.as_ref().map(ToString::to_string),
        ttl: span(of.ttl_ms),
        interval: span(of.interval_ms),
        timeout: span(of.timeout_ms),
        http: of.http.clone(),
        method: of.method.clone(),
        header: of.header.iter().cloned().collect(),
        body: of.body.clone(),
        disable_redirects: of.disable_redirects,
        tls_server_name: of.tls_server_name.clone(),
        tls_skip_verify: of.tls_skip_verify,
        tcp: of.tcp.clone(),
        tcp_use_tls: of.tcp_use_tls,
        udp: of.udp.clone(),
        grpc: of.grpc.clone(),
        grpc_use_tls: of.grpc_use_tls,
        h2ping: of.h2ping.clone(),
        h2ping_use_tls: of.h2ping_use_tls,
        os_service: of.os_service.clone(),
        script_args: of.script_args.clone(),
        docker_container_id: of.docker_container_id.clone(),
        shell: of.shell.clone(),
        alias_node: of.alias_node.clone(),
        alias_service: of.alias_service.clone(),
        success_before_passing: u64::from(of.success_before_passing),
        failures_before_warning: of.failures_before_warning.map(u64::from),
        failures_before_critical: u64::from(of.failures_before_critical),
        deregister_after: span(of.deregister_after_ms),
        output_max: u64::from(of.output_max),
    }
}
