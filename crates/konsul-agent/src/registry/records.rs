//! Definitions become the catalogue's records.

use konsul_types::catalog::CHECK_OUTPUT_MAX;
use konsul_types::{
    Check, CheckAbout, CheckDefinition, CheckStatus, CheckedService, GoDuration, NodeName, Owner, Service,
    ServiceDefinition,
};
use smol_str::SmolStr;

use super::held::{CheckKey, HeldCheck, Source};

/// An instance as the catalogue should have it.
pub(super) fn service(node: &NodeName, definition: &ServiceDefinition) -> Service {
    let mut wanted = definition.clone();
    wanted.fill_families();
    let mut tagged: Vec<_> =
        wanted.tagged_addresses.into_iter().map(|(kind, address)| (SmolStr::from(kind), address)).collect();
    tagged.sort_by(|one, other| one.0.cmp(&other.0));
    Service {
        kind: wanted.kind,
        tags: wanted.tags,
        address: wanted.address.into(),
        port: wanted.port,
        socket_path: wanted.socket_path.into(),
        tagged_addresses: tagged,
        meta: wanted.meta,
        weights: wanted.weights,
        enable_tag_override: wanted.enable_tag_override,
        connect_native: wanted.connect_native,
        proxy: wanted.proxy.map(Box::new),
        locality: wanted.locality.map(Box::new),
        advice: wanted.advice.map(Box::new),
        owner: Owner::Agent,
        ..Service::new(node.clone(), wanted.namespace, wanted.id, wanted.name)
    }
}

/// A check as the catalogue should have it.
pub(super) fn check(
    node: &NodeName,
    key: &CheckKey,
    held: &HeldCheck,
    service: Option<&std::sync::Arc<Service>>,
) -> Check {
    let of = service.map(|service| CheckedService {
        id: service.id.clone(),
        name: service.name.clone(),
        tags: service.tags.clone(),
    });
    Check {
        namespace: key.0.clone(),
        name: held.name.clone(),
        notes: held.notes.clone(),
        output: cut(&held.output),
        service: of,
        about: held.definition.as_deref().map(|definition| Box::new(about(definition))),
        owner: Owner::Agent,
        ..Check::new(node.clone(), key.1.clone(), held.status)
    }
}

fn about(definition: &CheckDefinition) -> CheckAbout {
    let span = |ms: u64| match ms {
        0 => SmolStr::default(),
        ms => GoDuration::from_millis(ms).to_string().into(),
    };
    CheckAbout {
        kind: definition.kind().map_or("", konsul_types::CheckKind::name).into(),
        interval: span(definition.interval_ms),
        timeout: span(definition.timeout_ms),
        exposed_port: 0,
        definition: String::new(),
    }
}

/// A check of a definition before anything is known of it.
pub(super) fn held(
    definition: &CheckDefinition,
    service: Option<&ServiceDefinition>,
    source: Source,
) -> HeldCheck {
    let name = match (definition.name.as_str(), service) {
        ("", Some(service)) => format!("Service '{}' check", service.name).into(),
        (name, _) => SmolStr::new(name),
    };
    HeldCheck {
        service: service.map(|service| service.id.clone()).or_else(|| definition.service.clone()),
        name,
        notes: definition.notes.as_str().into(),
        status: definition.status.unwrap_or(CheckStatus::Critical),
        output: SmolStr::default(),
        source,
        definition: Some(std::sync::Arc::new(definition.clone())),
    }
}

fn cut(output: &SmolStr) -> SmolStr {
    if output.len() <= CHECK_OUTPUT_MAX {
        return output.clone();
    }
    SmolStr::new(&output[..output.floor_char_boundary(CHECK_OUTPUT_MAX)])
}
