//! A test waits for a condition, never for a time: a sleep is too short on a busy machine and too long on an idle one.

use super::Finding;
use super::exception::allows;
use crate::rust_source::{finds_word, is_test_path, mask, test_lines};
use crate::tree::{File, Tree};

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust().flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let masked = mask(&file.text);
    // Under virtual time a sleep is exact and costs nothing.
    if finds_word(&masked, "virtual_time") || file.krate() == Some("konsul-runtime") {
        return Vec::new();
    }
    let tests = test_lines(&masked);
    let whole = is_test_path(&file.path) && !file.path.contains("/examples/");
    let source: Vec<&str> = file.text.lines().collect();
    let sleeps =
        masked.lines().enumerate().filter(|(at, line)| (whole || tests[*at]) && finds_word(line, "sleep("));
    let judged = sleeps.filter(|(at, _)| !allows(&source, *at, "sleep"));
    judged.map(|(at, _)| Finding::at(&file.path, at + 1, MESSAGE)).collect()
}

const MESSAGE: &str = "a sleep in a test stands for a condition: await the condition with a deadline \
    (konsul-testkit has helpers), or write `// tidy: sleep because …` when the passing of time is what is tested";

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        check(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn it_fires_in_tests_only() {
        assert_eq!(count("crates/a/tests/b.rs", "clock.sleep(x).await;"), 1);
        assert_eq!(count("crates/a/src/b.rs", "#[cfg(test)]\nmod tests {\n fn f() { sleep(x); }\n}\n"), 1);
        assert_eq!(count("crates/a/src/b.rs", "clock.sleep(x).await;"), 0);
    }

    #[test]
    fn virtual_time_may_pass() {
        let text = "use konsul_runtime::virtual_time::Sim;\ntime::sleep(x).await;";
        assert_eq!(count("crates/konsul-watch/tests/b.rs", text), 0);
        assert_eq!(count("crates/konsul-runtime/tests/b.rs", "time::sleep(x).await;"), 0);
    }

    #[test]
    fn a_reason_lets_it_pass() {
        let text = "// tidy: sleep because virtual time is what is tested\nclock.sleep(x).await;";
        assert_eq!(count("crates/a/tests/b.rs", text), 0);
    }
}
