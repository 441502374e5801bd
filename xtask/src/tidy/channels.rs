//! No channel without a bound: what is queued must have an answer at its limit.

use super::Finding;
use super::exception::allows;
use crate::rust_source::{finds_word, mask};
use crate::tree::{File, Tree};

const WORDS: &[&str] = &[
    "unbounded_channel",
    "UnboundedSender",
    "UnboundedReceiver",
    "unbounded(",
    "mpsc_unbounded",
    "std::sync::mpsc::channel",
];

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.crate_sources().flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let masked = mask(&file.text);
    let source: Vec<&str> = file.text.lines().collect();
    let hits = masked.lines().enumerate().filter_map(|(at, line)| {
        let word = WORDS.iter().find(|word| finds_word(line, word))?;
        let message = format!(
            "`{word}` has no bound: use a bounded channel of konsul-runtime and say what happens when it is full"
        );
        (!allows(&source, at, "unbounded")).then(|| Finding::at(&file.path, at + 1, message))
    });
    hits.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fires_on_each_word() {
        for word in WORDS {
            let tree = Tree::of(&[("crates/konsul-watch/src/a.rs", &format!("let c = {word};"))]);
            assert_eq!(check(&tree).len(), 1, "{word}");
        }
    }

    #[test]
    fn a_foreign_trait_may_ask_for_one_with_the_reason_written_down() {
        let text = "// tidy: unbounded because the trait asks for it, and its caller bounds it\nlet c = unbounded();";
        assert_eq!(check(&Tree::of(&[("crates/konsul-raft/src/a.rs", text)])), []);
    }

    #[test]
    fn bounded_channels_pass() {
        let tree = Tree::of(&[("crates/konsul-watch/src/a.rs", "let c = channel(16); // not unbounded(…)")]);
        assert_eq!(check(&tree), []);
    }
}
