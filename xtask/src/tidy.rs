//! The rules of the house as programs: `cargo xtask tidy`, a part of `check`.
//!
//! Each rule is a function from what it looks at (the [`Tree`] of files, or the [`graph::Graph`] of crates) to
//! [`Finding`]s, in a file of its own under `tidy/`, with tests that show that it fires and that it lets good
//! code pass. A finding names the place, what is wrong, and what to do instead.
//!
//! Exceptions are written where they are taken, as a comment `// tidy: WORD because REASON` on the line or the
//! line above, for the few rules that allow one; or in a ratchet file under `xtask/ratchet/`, whose entries may
//! only shrink. There is no way to switch a rule off.

pub mod channels;
pub mod crate_names;
pub mod dependencies;
pub mod exception;
pub mod graph;
pub mod hash_order;
pub mod heads;
pub mod hosts;
pub mod layers;
pub mod length;
pub mod manifests;
pub mod markdown;
pub mod paths;
pub mod purity;
pub mod seams;
pub mod sleeps;
pub mod test_features;
pub mod unfinished;

use std::fmt;

use crate::error::{Error, Result};
use crate::tree::Tree;

/// One thing that is against a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, or the manifest of the crate.
    pub path: String,
    /// Counted from 1; 0 when it is about the file as a whole.
    pub line: usize,
    /// What is wrong, and what to do instead.
    pub message: String,
}

impl Finding {
    /// A finding on one line, counted from 1.
    pub fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }

    /// A finding about a file as a whole.
    pub fn on(path: &str, message: impl Into<String>) -> Self {
        Self::at(path, 0, message)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.message),
            line => write!(f, "{}:{line}: {}", self.path, self.message),
        }
    }
}

/// A rule over the text of the tree.
pub type TreeRule = fn(&Tree) -> Vec<Finding>;

/// Every rule that needs nothing but the files, by name.
pub const TREE_RULES: &[(&str, TreeRule)] = &[
    ("seams", seams::check),
    ("channels", channels::check),
    ("hash order", hash_order::check),
    ("paths of one machine", paths::check),
    ("registry hosts", hosts::check),
    ("heads", heads::check),
    ("length", length::check),
    ("unfinished", unfinished::check),
    ("sleeps", sleeps::check),
    ("markdown", markdown::check),
    ("book", crate::book::check),
    ("manifests", manifests::check),
];

/// A rule over the crates and their dependencies.
pub type GraphRule = fn(&graph::Graph) -> Vec<Finding>;

/// Every rule about crates, by name.
pub const GRAPH_RULES: &[(&str, GraphRule)] = &[
    ("who leans on whom", layers::check),
    ("crate names", crate_names::check),
    ("shared dependencies", dependencies::check),
];

/// A rule that asks cargo to resolve crates.
pub type ResolvedRule = fn(&graph::Graph) -> Result<Vec<Finding>>;

/// Every rule about what crates are linked with, by name.
pub const RESOLVED_RULES: &[(&str, ResolvedRule)] =
    &[("deciders are pure", purity::check), ("nothing for tests in the product", test_features::check)];

/// Runs every rule and prints what it found.
///
/// # Errors
///
/// [`Error::Found`] when there was a finding; or when the tree or the graph cannot be read.
pub fn run(_words: &[String]) -> Result<()> {
    let tree = Tree::read()?;
    let graph = graph::Graph::read()?;
    let mut findings: Vec<(&str, Finding)> = Vec::new();
    let mut add = |name: &'static str, found: Vec<Finding>| {
        findings.extend(found.into_iter().map(|finding| (name, finding)));
    };
    TREE_RULES.iter().for_each(|(name, rule)| add(name, rule(&tree)));
    GRAPH_RULES.iter().for_each(|(name, rule)| add(name, rule(&graph)));
    for (name, rule) in RESOLVED_RULES {
        add(name, rule(&graph)?);
    }
    report(&findings)
}

fn report(findings: &[(&str, Finding)]) -> Result<()> {
    for (rule, finding) in findings {
        println!("{finding} [{rule}]");
    }
    if findings.is_empty() {
        let rules = TREE_RULES.len() + GRAPH_RULES.len() + RESOLVED_RULES.len();
        println!("tidy: {rules} rules, nothing found");
        return Ok(());
    }
    Err(Error::Found(format!("tidy: {} findings", findings.len())))
}
