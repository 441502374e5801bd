//! Rules over the definitions of services and checks: what they demand of each other and of the options.

use konsul_types::{CheckDefinition, CheckKind};

use super::Case;
use crate::definitions::{all_checks, kinds_of, twice};
use crate::error::{ConfigError, Origin, Warning};
use crate::kind::cut;

pub(super) fn check(case: &mut Case<'_>) {
    let taken = twice(&case.config.services, &case.config.checks);
    case.errors.extend(taken);
    programs(case);
    several_kinds(case);
    names_in_dns(case);
}

/// Each check that fits, with its title and place.
fn checks_that(case: &Case<'_>, fits: impl Fn(&CheckDefinition) -> bool) -> Vec<(String, Origin)> {
    let all = all_checks(&case.config.services, &case.config.checks);
    let fitting = all.filter(|(_, check, _)| fits(check));
    fitting.map(|(id, _, origin)| (format!("check {:?}", cut(&id)), origin.clone())).collect()
}

/// A program runs only where it is allowed, and a file of this agent is as local as it gets.
fn programs(case: &mut Case<'_>) {
    if case.config.allows_script_checks(true) {
        return;
    }
    let forbidden = checks_that(case, |check| !check.script_args.is_empty());
    case.errors.extend(forbidden.into_iter().map(|(definition, origin)| {
        ConfigError::BadDefinition {
            origin,
            definition,
            reason: "Scripts are disabled on this agent; to enable, configure 'enable_script_checks' or \
                 'enable_local_script_checks' to true"
                .to_owned(),
        }
    }));
}

fn several_kinds(case: &mut Case<'_>) {
    let all = all_checks(&case.config.services, &case.config.checks);
    let several = all.filter_map(|(id, check, origin)| {
        let kinds: Vec<&str> = kinds_of(check).into_iter().map(CheckKind::name).collect();
        let (first, others) = kinds.split_first()?;
        (!others.is_empty()).then(|| Warning::Advice {
            origin: origin.clone(),
            reason: format!(
                "check {:?} is a check of kind {first}; {} has no effect",
                cut(&id),
                others.join(" and ")
            ),
        })
    });
    let several: Vec<Warning> = several.collect();
    case.warnings.extend(several);
}

/// A name that DNS cannot carry works everywhere else, so it is only worth a word.
fn names_in_dns(case: &mut Case<'_>) {
    let label = |text: &str| {
        (1..=63).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    for placed in &case.config.services {
        let service = &placed.definition;
        let tag = service.tags.iter().find(|tag| !label(tag));
        let what = match tag {
            _ if !label(service.name.as_str()) => format!("service name {:?}", cut(service.name.as_str())),
            Some(tag) => format!("tag {:?} of service {:?}", cut(tag), cut(service.name.as_str())),
            None => continue,
        };
        case.warnings.push(Warning::Advice {
            origin: placed.origin.clone(),
            reason: format!(
                "{what} will not be discoverable via DNS: it may have 63 letters, digits and dashes"
            ),
        });
    }
}
