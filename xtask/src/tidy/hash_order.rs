//! No hash map below the waist without saying why its order cannot matter.
//!
//! The order in which a `HashMap` yields its entries differs from process to process. In a decider it would make
//! replicas differ; in an engine it would make a seed of the simulator unrepeatable.

use super::Finding;
use super::exception::allows;
use crate::rust_source::{finds_word, is_test_path, mask, test_lines};
use crate::tree::{File, Tree};

/// The rooms in which a hash map must give its reason.
const BELOW_THE_WAIST: &[&str] = &[
    "konsul-types",
    "konsul-state",
    "konsul-filter",
    "konsul-acl",
    "konsul-mesh",
    "konsul-storage",
    "konsul-raft",
    "konsul-watch",
    "konsul-replica",
];

const WORDS: &[&str] = &["HashMap", "HashSet"];

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let judged = tree.crate_sources().filter(|file| {
        file.krate().is_some_and(|krate| BELOW_THE_WAIST.contains(&krate)) && !is_test_path(&file.path)
    });
    judged.flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let masked = mask(&file.text);
    let tests = test_lines(&masked);
    // One reason serves a file: it names what is never iterated.
    let source: Vec<&str> = file.text.lines().collect();
    if (0..source.len()).any(|at| allows(&source, at, "hash-order-free")) {
        return Vec::new();
    }
    let code =
        masked.lines().enumerate().filter(|(at, line)| !tests[*at] && !line.trim_start().starts_with("use "));
    let hits = code.filter_map(|(at, line)| {
        let word = WORDS.iter().find(|word| finds_word(line, word))?;
        let message = format!(
            "`{word}` has no order that replicas and seeds share: use a `BTreeMap` or `imbl::OrdMap`, or write \
             `// tidy: hash-order-free because …` at its declaration when it is never iterated"
        );
        Some(Finding::at(&file.path, at + 1, message))
    });
    hits.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_text(path: &str, text: &str, expect: usize) {
        assert_eq!(check(&Tree::of(&[(path, text)])).len(), expect, "{text}");
    }

    #[test]
    fn it_fires_below_the_waist_only() {
        check_text("crates/konsul-state/src/a.rs", "let m: HashMap<u8, u8>;", 1);
        check_text("crates/konsul-watch/src/a.rs", "let m = HashSet::new();", 1);
        check_text("crates/konsul-http/src/a.rs", "let m: HashMap<u8, u8>;", 0);
    }

    #[test]
    fn a_reason_lets_it_pass() {
        let text = "// tidy: hash-order-free because it is only looked up by key\nlet m: HashMap<u8, u8>;";
        check_text("crates/konsul-state/src/a.rs", text, 0);
        check_text("crates/konsul-state/src/a.rs", "// tidy: hash-order-free\nlet m: HashMap<u8, u8>;", 1);
    }
}
