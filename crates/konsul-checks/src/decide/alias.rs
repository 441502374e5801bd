//! What an alias check says about its target.

use std::sync::Arc;

use konsul_types::CheckStatus;

use super::Finding;
use crate::definition::Alias;

/// How the target of an alias check stands, as the owner of the catalogue tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetHealth {
    /// The target exists. These are the checks of the service and those of its node.
    Checks(Vec<TargetCheck>),
    /// There is no such service on that node.
    Absent,
    /// It could not be learnt.
    Failed(Arc<str>),
}

/// A check of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetCheck {
    /// Its name.
    pub name: Arc<str>,
    /// How it stands.
    pub status: CheckStatus,
    /// What it says.
    pub output: Arc<str>,
}

/// The worst check decides, and among equals the first.
pub(crate) fn judge_alias(alias: &Alias, health: &TargetHealth) -> Finding {
    match health {
        TargetHealth::Checks(checks) => judge_checks(checks),
        TargetHealth::Absent => Finding::critical(absent(alias)),
        TargetHealth::Failed(why) => {
            Finding::critical(format!("Failure checking aliased node or service: {why}"))
        }
    }
}

fn judge_checks(checks: &[TargetCheck]) -> Finding {
    let Some(worst) = checks.iter().rev().max_by_key(|check| check.status) else {
        return Finding::passing("No checks found.");
    };
    if worst.status == CheckStatus::Passing {
        return Finding::passing("All checks passing.");
    }
    let output = format!("Aliased check \"{}\" failing: {}", worst.name, worst.output);
    Finding { status: worst.status, output: output.into() }
}

fn absent(alias: &Alias) -> String {
    let service = alias.service.as_deref().unwrap_or_default();
    let node = alias.node.as_ref().map_or("", |node| node.as_str());
    format!("Service {service} could not be found on node {node}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use konsul_types::{Namespace, NodeName};

    fn alias() -> Alias {
        Alias {
            node: Some(NodeName::new("n1").unwrap()),
            service: Some("web".into()),
            namespace: Namespace::default_namespace(),
        }
    }

    #[track_caller]
    fn check(checks: &[(&str, CheckStatus)], expect: (CheckStatus, &str)) {
        let checks = checks.iter().map(|(name, status)| TargetCheck {
            name: (*name).into(),
            status: *status,
            output: "out".into(),
        });
        let found = judge_alias(&alias(), &TargetHealth::Checks(checks.collect()));
        assert_eq!((found.status, &*found.output), expect);
    }

    #[test]
    fn the_worst_check_decides() {
        use CheckStatus::{Critical, Passing, Warning};
        check(&[], (Passing, "No checks found."));
        check(&[("a", Passing), ("b", Passing)], (Passing, "All checks passing."));
        check(&[("a", Passing), ("b", Warning)], (Warning, "Aliased check \"b\" failing: out"));
        check(&[("a", Warning), ("b", Critical)], (Critical, "Aliased check \"b\" failing: out"));
        check(&[("a", Critical), ("b", Critical)], (Critical, "Aliased check \"a\" failing: out"));
    }

    #[test]
    fn a_target_that_is_not_there_is_critical() {
        let found = judge_alias(&alias(), &TargetHealth::Absent);
        assert_eq!(found, Finding::critical("Service web could not be found on node n1"));
        let found = judge_alias(&alias(), &TargetHealth::Failed("no leader".into()));
        assert_eq!(found, Finding::critical("Failure checking aliased node or service: no leader"));
    }
}
