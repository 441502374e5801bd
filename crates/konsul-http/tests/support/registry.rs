//! What the stand-in's agent keeps: instances and checks, by id.

use std::collections::BTreeMap;
use std::sync::Arc;

use konsul_operations::Error;
use konsul_operations::arguments::{AgentCheckUpdate, AgentMaintenance};
use konsul_types::node::{NODE_MAINTENANCE, SERVICE_MAINTENANCE};
use konsul_types::*;

/// What the agent keeps.
#[derive(Default, Clone)]
pub struct Registry {
    pub services: BTreeMap<String, Arc<Service>>,
    pub checks: BTreeMap<String, Arc<Check>>,
}

pub fn node() -> NodeName {
    NodeName::new("test-node").unwrap()
}

impl Registry {
    pub fn register(&mut self, definition: &ServiceDefinition, replace_checks: bool) {
        let count = definition.checks.len();
        let named: Vec<Check> = definition
            .checks
            .iter()
            .enumerate()
            .map(|(at, check)| {
                let id = check.id_in(Some(&definition.id), at + 1, count);
                checked(check, &id, Some(definition))
            })
            .collect();
        let service = service(definition);
        if replace_checks {
            self.checks.retain(|_, check| check.service.as_ref().is_none_or(|of| of.id != service.id));
        }
        for check in named {
            let before = self.checks.get(check.id.as_str()).cloned();
            let (status, output) =
                before.map_or((check.status, check.output.clone()), |old| (old.status, old.output.clone()));
            self.checks.insert(check.id.to_string(), Arc::new(Check { status, output, ..check }));
        }
        self.services.insert(service.id.to_string(), Arc::new(service));
    }

    pub fn deregister(&mut self, id: &ServiceId) -> Result<(), Error> {
        self.services.remove(id.as_str()).ok_or_else(|| Error::ServiceNotFound(id.to_string()))?;
        self.checks.retain(|_, check| check.service.as_ref().is_none_or(|of| of.id != *id));
        Ok(())
    }

    pub fn register_check(&mut self, definition: &CheckDefinition) -> Result<(), Error> {
        let of = definition.service.as_ref();
        let of = of.map(|id| self.known(id)).transpose()?;
        let id = definition.id_in(None, 1, 1);
        let mut check = checked(definition, &id, None);
        check.service =
            of.map(|of| CheckedService { id: of.id.clone(), name: of.name.clone(), tags: of.tags.clone() });
        self.checks.insert(id, Arc::new(check));
        Ok(())
    }

    fn known(&self, id: &ServiceId) -> Result<Arc<Service>, Error> {
        self.services.get(id.as_str()).cloned().ok_or_else(|| Error::ServiceNotFound(id.to_string()))
    }

    pub fn deregister_check(&mut self, id: &CheckId) -> Result<(), Error> {
        self.checks.remove(id.as_str()).map(drop).ok_or_else(|| Error::CheckNotFound(id.to_string()))
    }

    pub fn update(&mut self, args: AgentCheckUpdate) -> Result<(), Error> {
        let check =
            self.checks.get_mut(args.id.as_str()).ok_or_else(|| Error::CheckNotFound(args.id.to_string()))?;
        if check.about.as_ref().is_none_or(|about| about.kind != "ttl") {
            return Err(Error::NotTtlCheck(args.id.to_string()));
        }
        *check = Arc::new(Check { status: args.status, output: args.output.into(), ..(**check).clone() });
        Ok(())
    }

    pub fn maintenance(&mut self, args: AgentMaintenance) -> Result<(), Error> {
        let of = args.service.map(|(_, id)| self.known(&id)).transpose()?;
        let (id, name) = match &of {
            Some(of) => (format!("{SERVICE_MAINTENANCE}{}", of.id), "Service Maintenance Mode"),
            None => (NODE_MAINTENANCE.to_owned(), "Node Maintenance Mode"),
        };
        if !args.enable {
            self.checks.remove(&id);
            return Ok(());
        }
        let check = Check {
            name: name.into(),
            notes: args.reason.into(),
            service: of.map(|of| CheckedService {
                id: of.id.clone(),
                name: of.name.clone(),
                tags: of.tags.clone(),
            }),
            ..Check::new(node(), CheckId::new(id.as_str()).unwrap(), CheckStatus::Critical)
        };
        self.checks.insert(id, Arc::new(check));
        Ok(())
    }
}

fn service(definition: &ServiceDefinition) -> Service {
    let of = definition.clone();
    Service {
        kind: of.kind,
        tags: of.tags,
        address: of.address.into(),
        port: of.port,
        socket_path: of.socket_path.into(),
        tagged_addresses: of.tagged_addresses.into_iter().map(|(kind, one)| (kind.into(), one)).collect(),
        meta: of.meta,
        weights: of.weights,
        enable_tag_override: of.enable_tag_override,
        connect_native: of.connect_native,
        proxy: of.proxy.map(Box::new),
        locality: of.locality.map(Box::new),
        advice: of.advice.map(Box::new),
        owner: Owner::Agent,
        ..Service::new(node(), of.namespace, of.id, of.name)
    }
}

fn checked(definition: &CheckDefinition, id: &str, of: Option<&ServiceDefinition>) -> Check {
    let name = match of {
        Some(of) if definition.name.is_empty() => format!("Service '{}' check", of.name),
        _ => definition.name.clone(),
    };
    let text = |ms: u64| GoDuration::from_millis(ms).to_string().into();
    let about = node::CheckAbout {
        kind: definition.kind().map_or("", CheckKind::name).into(),
        interval: text(definition.interval_ms),
        timeout: text(definition.timeout_ms),
        ..node::CheckAbout::default()
    };
    Check {
        name: name.into(),
        notes: definition.notes.as_str().into(),
        service: of.map(|of| CheckedService {
            id: of.id.clone(),
            name: of.name.clone(),
            tags: of.tags.clone(),
        }),
        about: Some(Box::new(about)),
        owner: Owner::Agent,
        ..Check::new(node(), CheckId::new(id).unwrap(), definition.status.unwrap_or(CheckStatus::Critical))
    }
}
