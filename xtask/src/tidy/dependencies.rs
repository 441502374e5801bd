//! Versions live in the root manifest: every shared dependency has a user, and nobody brings a version of their own.

use super::Finding;
use super::graph::{Crate, Graph};

/// The rule.
pub fn check(graph: &Graph) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        unused(graph).map(|name| Finding::on("Cargo.toml", unused_message(name))).collect();
    for member in &graph.crates {
        let own = member.normal.union(&member.dev).filter(|name| !graph.shared.contains(name.as_str()));
        findings.extend(own.map(|name| Finding::on(&member.manifest(), own_message(name))));
    }
    findings
}

// A room of the house is used when it is a member, whether or not another room leans on it.
fn unused(graph: &Graph) -> impl Iterator<Item = &str> {
    let members = graph.names();
    let has_user = |name: &str| {
        graph.crates.iter().any(|member: &Crate| member.normal.contains(name) || member.dev.contains(name))
    };
    graph.shared.iter().map(String::as_str).filter(move |name| !members.contains(name) && !has_user(name))
}

fn unused_message(name: &str) -> String {
    format!("`{name}` is under [workspace.dependencies] and no crate uses it: take the line out")
}

fn own_message(name: &str) -> String {
    format!(
        "`{name}` has a version of its own: put it under [workspace.dependencies] and write `{name}.workspace = true`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn count(shared: &[&str], used: &[&str]) -> usize {
        let set =
            |names: &[&str]| -> BTreeSet<String> { names.iter().map(|name| (*name).to_owned()).collect() };
        let member =
            Crate { name: "a".to_owned(), folder: "crates/a".to_owned(), normal: set(used), dev: set(&[]) };
        check(&Graph { crates: vec![member], shared: set(shared) }).len()
    }

    #[test]
    fn a_shared_dependency_needs_a_user_and_a_user_the_share() {
        assert_eq!(count(&["serde"], &["serde"]), 0);
        assert_eq!(count(&["serde", "regex"], &["serde"]), 1);
        assert_eq!(count(&["serde"], &["serde", "regex"]), 1);
        assert_eq!(count(&["a", "serde"], &["serde"]), 0);
    }
}
