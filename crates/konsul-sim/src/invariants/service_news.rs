//! I-16 and I-17 at their root: an entry names a service in its changes if, and only if, something else is told of that service
//! after it than before; and names it for readers of passing instances if an instance, its node, a status or whose check it is
//! differs.
//!
//! Source: consul issues 3890 and 2814. Compared are the records themselves, as the model has them before and after.

use konsul_types::{Change, ChangeSet, CheckStatus};

use crate::broken::{Held, hold};
use crate::history::Instance;
use crate::model::{Named, Told};

/// The invariant's name.
pub const NAME: &str = "I-16 NoSpuriousWake, I-17 NoMissedWake";

/// Whether an entry's changes can tell something else of a service.
pub fn may_tell(set: &ChangeSet) -> bool {
    let tells = |change: &Change| {
        matches!(
            change,
            Change::Node { .. }
                | Change::Service { .. }
                | Change::Check { .. }
                | Change::Instances { .. }
                | Change::Reset
        )
    };
    set.changes.iter().any(tells)
}

/// The services that an entry names are those of which something else is told. A restore names none: it wakes all.
pub fn held(set: &ChangeSet, before: &Told, after: &Told) -> Held {
    if set.changes.contains(&Change::Reset) {
        return Ok(());
    }
    for change in &set.changes {
        let Change::Instances { namespace, name, passing } = change else { continue };
        let named = (namespace.clone(), name.to_string());
        let spurious = !differs(before, after, &named, *passing) && !writes_twice(set);
        hold(NAME, !spurious, || format!("{change:?} at {}, of which nothing else is told", set.index))?;
    }
    for named in before.keys().chain(after.keys()) {
        for passing in [false, true] {
            let missed = differs(before, after, named, passing) && !names(set, named, passing);
            hold(NAME, !missed, || {
                format!(
                    "something else is told of {named:?} after {}, which does not say so: {set:?}",
                    set.index
                )
            })?;
        }
    }
    Ok(())
}

fn names(set: &ChangeSet, named: &Named, wanted: bool) -> bool {
    set.changes.iter().any(|change| match change {
        Change::Instances { namespace, name, passing } => {
            (namespace, name.as_str()) == (&named.0, &*named.1) && (*passing || !wanted)
        }
        _ => false,
    })
}

/// Whether something else is told of a service; for readers of passing instances what a check says is nothing.
pub fn differs(before: &Told, after: &Told, named: &Named, passing: bool) -> bool {
    match (before.get(named), after.get(named)) {
        (Some(old), Some(new)) if passing => {
            old.len() != new.len() || old.iter().zip(new).any(|(old, new)| plain(old) != plain(new))
        }
        (old, new) => old != new,
    }
}

type Plain<'a> = (&'a konsul_types::Node, &'a konsul_types::Service, Vec<(bool, &'a str, CheckStatus)>);

fn plain(one: &Instance) -> Plain<'_> {
    let checks = one.checks.iter().map(|check| (check.service.is_some(), check.id.as_str(), check.status));
    (&one.node, &one.service, checks.collect())
}

/// An entry that writes a record twice may end where it began.
fn writes_twice(set: &ChangeSet) -> bool {
    let mut seen = std::collections::BTreeSet::new();
    set.changes.iter().any(|change| match change {
        Change::Node { name, .. } => !seen.insert(("node", name.to_string().to_ascii_lowercase())),
        Change::Check { node, id, old, new } => {
            let of = new.as_ref().or(old.as_ref()).map(|check| check.namespace.to_string());
            !seen.insert(("check", format!("{}/{of:?}/{id}", node.folded())))
        }
        Change::Service { old, new } => {
            let one = new.as_ref().or(old.as_ref());
            let one = one.map(|one| format!("{}/{}/{}", one.node.folded(), one.namespace, one.id));
            !seen.insert(("service", one.unwrap_or_default()))
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use konsul_types::{Index, Millis};

    use super::super::fabricated::{instance, instances_change, ns};
    use super::*;

    fn told(status: CheckStatus, output: &str) -> Told {
        Told::from([((ns(), "web".to_owned()), vec![instance("web", status, output)])])
    }

    fn with(changes: Vec<Change>, before: &Told, after: &Told) -> Held {
        held(&ChangeSet { index: Index(7), at: Millis(1), changes }, before, after)
    }

    #[test]
    fn fires_on_a_service_that_is_not_named_and_on_one_that_is_named_for_nothing() {
        let (well, ill) = (told(CheckStatus::Passing, ""), told(CheckStatus::Critical, ""));
        assert!(with(vec![instances_change("web", true)], &well, &ill).is_ok());
        assert!(with(vec![], &well, &ill).is_err());
        assert!(with(vec![instances_change("web", false)], &well, &ill).is_err());
        assert!(with(vec![instances_change("web", true)], &well, &well).is_err());
        let (web, db) = (instances_change("web", true), instances_change("db", true));
        assert!(with(vec![web, db], &well, &ill).is_err());
    }

    #[test]
    fn what_a_check_says_is_no_news_to_readers_of_passing_instances() {
        let (quiet, loud) = (told(CheckStatus::Passing, ""), told(CheckStatus::Passing, "hello"));
        assert!(with(vec![instances_change("web", false)], &quiet, &loud).is_ok());
        assert!(with(vec![instances_change("web", true)], &quiet, &loud).is_err());
    }
}
