//! Nothing that is there for tests is in the shipped binary: neither the virtual runtime nor the bugs put in by hand.

use super::Finding;
use super::graph::Graph;
use crate::error::Result;
use crate::process::Command;

/// Features of our crates that only tests may switch on.
const FOR_TESTS: &[&str] = &["mutants", "sim", "test", "testing", "conformance"];

/// What is shipped.
const PRODUCTS: &[&str] = &["konsul"];

/// The rule, over the features with which the shipped packages are built.
///
/// # Errors
///
/// When cargo cannot resolve one of them.
pub fn check(graph: &Graph) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for product in graph.crates.iter().filter(|member| PRODUCTS.contains(&member.name.as_str())) {
        let tree = Command::cargo()
            .words("tree --quiet --locked --edges normal --prefix none --no-dedupe --format {p}|{f}");
        findings.extend(judge(&product.manifest(), &tree.args(["--package", &product.name]).output()?));
    }
    findings.sort();
    findings.dedup();
    Ok(findings)
}

fn judge(manifest: &str, tree: &str) -> Vec<Finding> {
    let ours = tree.lines().filter(|line| line.starts_with("konsul"));
    let pairs = ours.filter_map(|line| line.split_once('|'));
    let hits = pairs.flat_map(|(package, features)| {
        let name = package.split_whitespace().next().unwrap_or_default();
        features.split(',').filter(|feature| FOR_TESTS.contains(feature)).map(move |feature| (name, feature))
    });
    hits.map(|(name, feature)| Finding::on(manifest, message(name, feature))).collect()
}

fn message(name: &str, feature: &str) -> String {
    format!(
        "`{name}` is shipped with its feature `{feature}`, which is for tests: ask for it under [dev-dependencies]"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_feature_in_the_product_is_found() {
        let tree =
            "konsul v0.1.0 (/x)|\nkonsul-storage v0.1.0 (/x)|default,mutants\ntokio v1.0.0|test-util\n";
        assert_eq!(judge("crates/konsul/Cargo.toml", tree).len(), 1);
        assert_eq!(judge("crates/konsul/Cargo.toml", "konsul-storage v0.1.0 (/x)|default\n"), []);
    }
}
