//! Deciders reach neither tokio nor a clock nor a source of chance, not even through somebody else's crate.

use super::graph::{Chain, Graph, linked};
use super::{Finding, layers};
use crate::error::Result;

/// What a decider may not be linked with.
const FORBIDDEN: &[(&str, &str)] = &[
    ("tokio", "tasks and timers"),
    ("mio", "sockets"),
    ("hyper", "sockets"),
    ("chrono", "a clock"),
    ("time", "a clock"),
    ("jiff", "a clock"),
    ("web-time", "a clock"),
    ("quanta", "a clock"),
    ("rand", "chance"),
    ("rand_core", "chance"),
    ("rand_xoshiro", "chance"),
    ("rand_chacha", "chance"),
    ("getrandom", "chance"),
    ("fastrand", "chance"),
    ("ahash", "a hash that differs by process"),
];

/// Edges that are let pass, each with its reason: who pulls in what.
const ALLOWED: &[(&str, &str, &str)] = &[
    ("imbl", "rand_core", "the trait that its hash map's generator implements; it draws from a fixed seed"),
    (
        "imbl",
        "rand_xoshiro",
        "the generator of its hash map, which the deciders do not use; it is seeded with a constant",
    ),
    ("rand_xoshiro", "rand_core", "see imbl"),
];

/// The rule, over every decider of the workspace.
///
/// # Errors
///
/// When cargo cannot resolve a crate.
pub fn check(graph: &Graph) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for member in graph.crates.iter().filter(|member| layers::DECIDERS.contains(&member.name.as_str())) {
        findings.extend(judge(&member.manifest(), &linked(&member.name)?));
    }
    Ok(findings)
}

fn judge(manifest: &str, chains: &[Chain]) -> Vec<Finding> {
    let hits = chains.iter().filter_map(|chain| {
        let [.., parent, last] = chain.as_slice() else {
            return None;
        };
        let (_, brings) = FORBIDDEN.iter().find(|(name, _)| name == last)?;
        let allowed = ALLOWED.iter().any(|(from, to, _)| from == parent && to == last);
        (!allowed).then(|| {
            let chain = chain.join(" -> ");
            Finding::on(
                manifest,
                format!("a decider is linked with {brings}: {chain}. Take it as an argument instead"),
            )
        })
    });
    hits.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_chain(chain: &[&str], expect: usize) {
        let chain = chain.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(judge("crates/konsul-state/Cargo.toml", &[chain]).len(), expect);
    }

    #[test]
    fn it_fires_on_everything_forbidden() {
        for (name, _) in FORBIDDEN {
            check_chain(&["konsul-state", "some-crate", name], 1);
        }
    }

    #[test]
    fn what_imbl_brings_is_allowed_to_imbl_alone() {
        check_chain(&["konsul-state", "imbl", "rand_core"], 0);
        check_chain(&["konsul-state", "rand_core"], 1);
        check_chain(&["konsul-state", "imbl", "rand"], 1);
    }

    #[test]
    fn every_exception_has_a_reason() {
        assert!(ALLOWED.iter().all(|(_, _, reason)| reason.len() >= 8));
    }
}
