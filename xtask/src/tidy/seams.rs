//! Time, tasks and chance come through `konsul-runtime`; only it and the rim may name where they come from.
//!
//! In product code the rule looks at everything but tests. In the deciders it looks at tests too: a decider whose
//! test needs a clock is no decider.

use super::exception::allows;
use super::{Finding, layers};
use crate::rust_source::{finds_word, is_test_path, mask, test_lines};
use crate::tree::{File, Tree};

/// Crates that may name the clock, the scheduler and the random generator: the seam itself, and the rim where
/// nothing is simulated.
pub const RIM: &[&str] = &[
    "konsul-runtime",
    "konsul-agent",
    "konsul",
    "konsulctl",
    "konsul-testkit",
    "konsul-template",
    "konsul-proxy",
];

/// What is named only there, and what everybody else uses.
const WORDS: &[(&str, &str)] = &[
    ("tokio::time", "take timers from konsul-runtime"),
    ("tokio::spawn", "start tasks through konsul-runtime"),
    ("tokio::task::spawn", "start tasks through konsul-runtime"),
    ("Instant::now", "ask the clock of konsul-runtime"),
    ("SystemTime", "ask the clock of konsul-runtime; a decider gets the time as an argument"),
    ("thread::sleep", "await a timer of konsul-runtime"),
    ("rand::", "draw from the generator of konsul-runtime"),
    ("getrandom::", "draw from the generator of konsul-runtime"),
];

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.crate_sources().filter(|file| !at_the_rim(file)).flat_map(check_file).collect()
}

fn at_the_rim(file: &File) -> bool {
    file.krate().is_some_and(|krate| RIM.contains(&krate))
}

fn check_file(file: &File) -> Vec<Finding> {
    let decider = file.krate().is_some_and(|krate| layers::DECIDERS.contains(&krate));
    if is_test_path(&file.path) && !decider {
        return Vec::new();
    }
    let masked = mask(&file.text);
    let tests = test_lines(&masked);
    let source: Vec<&str> = file.text.lines().collect();
    let judged = masked.lines().enumerate().filter(|(at, _)| decider || !tests[*at]);
    judged
        .filter_map(|(at, line)| {
            let (word, instead) = WORDS.iter().find(|(word, _)| finds_word(line, word))?;
            let message = format!("`{word}` is named only in konsul-runtime and at the rim: {instead}");
            (!allows(&source, at, "seam")).then(|| Finding::at(&file.path, at + 1, message))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_text(path: &str, text: &str, expect: usize) {
        assert_eq!(check(&Tree::of(&[(path, text)])).len(), expect, "{text}");
    }

    #[test]
    fn it_fires_below_the_rim() {
        for (word, _) in WORDS {
            check_text("crates/konsul-watch/src/a.rs", &format!("fn f() {{ {word}(); }}"), 1);
        }
    }

    #[test]
    fn the_rim_and_the_seam_may() {
        check_text("crates/konsul-runtime/src/clock.rs", "use tokio::time;", 0);
        check_text("crates/konsul/src/main.rs", "std::time::Instant::now()", 0);
    }

    #[test]
    fn words_in_comments_and_strings_are_no_use() {
        check_text("crates/konsul-watch/src/a.rs", "// SystemTime is not read here\nlet a = \"rand::\";", 0);
    }

    #[test]
    fn tests_may_except_in_deciders() {
        let text = "#[cfg(test)]\nmod tests {\n use std::time::SystemTime;\n}\n";
        check_text("crates/konsul-watch/src/a.rs", text, 0);
        check_text("crates/konsul-state/src/a.rs", text, 1);
    }

    #[test]
    fn an_exception_with_its_reason_is_let_pass() {
        let text = "// tidy: seam because the wall clock only measures the run\nlet t = Instant::now();";
        check_text("crates/konsul-sim/src/a.rs", text, 0);
    }
}
