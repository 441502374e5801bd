//! Registrations of files: all of them are replaced at once, at the start and by a reload.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use konsul_config::Config;
use konsul_types::{CheckDefinition, CheckId, Namespace, ServiceDefinition};

use super::held::{CheckKey, Held, HeldCheck, HeldService, ServiceKey, Source};
use super::records;

/// What files define.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Defined {
    pub(super) services: BTreeMap<ServiceKey, ServiceDefinition>,
    pub(super) checks: BTreeMap<CheckKey, (CheckDefinition, Option<ServiceKey>)>,
}

impl Defined {
    pub(super) fn of(config: &Config) -> Result<Defined, String> {
        let mut defined = Defined::default();
        for placed in &config.services {
            defined.add_service(placed.definition.clone())?;
        }
        for placed in &config.checks {
            let check = &placed.definition;
            let namespace = check.namespace.clone().unwrap_or_else(Namespace::default_namespace);
            let id = CheckId::new(check.id_in(None, 1, 1)).map_err(|why| why.to_string())?;
            let of = check.service.clone().map(|id| (namespace.clone(), id));
            defined.checks.insert((namespace, id), (check.clone(), of));
        }
        Ok(defined)
    }

    /// Adds an instance with its checks.
    fn add_service(&mut self, definition: ServiceDefinition) -> Result<(), String> {
        for (id, check) in checks_of(&definition)? {
            let of = (definition.namespace.clone(), definition.id.clone());
            self.checks.insert((definition.namespace.clone(), id), (check, Some(of)));
        }
        self.services.insert((definition.namespace.clone(), definition.id.clone()), definition);
        Ok(())
    }
}

/// The checks of an instance, each with the id that its place gives it.
pub(super) fn checks_of(definition: &ServiceDefinition) -> Result<Vec<(CheckId, CheckDefinition)>, String> {
    let count = definition.checks.len();
    let each = definition.checks.iter().enumerate();
    each.map(|(at, check)| {
        let id =
            CheckId::new(check.id_in(Some(&definition.id), at + 1, count)).map_err(|why| why.to_string())?;
        Ok((id, check.clone()))
    })
    .collect()
}

/// What became different by new files, for whoever runs the checks.
#[derive(Debug, Default)]
pub(super) struct Replaced {
    pub(super) gone: Vec<CheckKey>,
    pub(super) added: Vec<CheckKey>,
}

/// Holds what the files define in place of what they defined before.
pub(super) fn replace(
    held: &mut Held,
    service: &dyn Fn(&ServiceDefinition) -> HeldService,
    defined: &Defined,
) -> Replaced {
    let mut replaced = Replaced::default();
    let of_files = |source: Source| source == Source::File;
    let gone: Vec<ServiceKey> = held
        .services
        .iter()
        .filter(|(key, service)| of_files(service.source) && !defined.services.contains_key(*key))
        .map(|(key, _)| key.clone())
        .collect();
    for key in gone {
        replaced.gone.extend(held.remove_service(&key).unwrap_or_default());
    }
    let gone: BTreeSet<CheckKey> = held
        .checks
        .iter()
        .filter(|(key, check)| of_files(check.source) && !defined.checks.contains_key(*key))
        .map(|(key, _)| key.clone())
        .collect();
    for key in gone {
        held.remove_check(&key);
        replaced.gone.push(key);
    }
    for (key, definition) in &defined.services {
        let known = held.services.get(key);
        if known.is_some_and(|known| known.source == Source::File && *known.definition == *definition) {
            continue;
        }
        held.put_service(key.clone(), service(definition));
    }
    for (key, (definition, of)) in &defined.checks {
        let known = held.checks.get(key);
        let same = |known: &HeldCheck| {
            known.source == Source::File && known.definition.as_deref() == Some(definition)
        };
        if known.is_some_and(same) {
            continue;
        }
        let of = of.as_ref().and_then(|of| held.services.get(of)).map(|of| Arc::clone(&of.definition));
        let check = records::held(definition, of.as_deref(), Source::File);
        held.put_check_again(key.clone(), check);
        replaced.added.push(key.clone());
    }
    replaced
}
