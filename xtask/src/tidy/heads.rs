//! Every file says what it is: a `//!` head in each module, at least eight lines of it in each `lib.rs`.

use super::Finding;
use crate::tree::{File, Tree};

/// The least number of `//!` lines that open a crate.
const LIB_HEAD_LINES: usize = 8;

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust().filter_map(check_file).collect()
}

fn check_file(file: &File) -> Option<Finding> {
    let head = head_lines(&file.text);
    if is_crate_root(&file.path) && head < LIB_HEAD_LINES {
        let message = format!(
            "the crate opens with {head} lines of `//!`: say in at least {LIB_HEAD_LINES} what it is, what it is \
             not, and the life of its main thing"
        );
        return Some(Finding::on(&file.path, message));
    }
    (head == 0).then(|| Finding::on(&file.path, "open the file with a `//!` line that says what it is for"))
}

// Tests of a crate are crates of their own, but tell enough in a line.
fn is_crate_root(path: &str) -> bool {
    path.ends_with("/src/lib.rs")
}

// Blank lines, a first shebang and plain comments (a licence, a note of the generator) may come before the head.
fn head_lines(text: &str) -> usize {
    let opening = text.lines().take_while(|line| {
        let line = line.trim_start();
        line.is_empty() || line.starts_with("//") || line.starts_with("#!")
    });
    opening.filter(|line| line.trim_start().starts_with("//!")).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_text(path: &str, text: &str, expect: usize) {
        assert_eq!(check(&Tree::of(&[(path, text)])).len(), expect, "{text}");
    }

    #[test]
    fn a_file_without_a_head_is_found() {
        check_text("crates/konsul-raft/src/a.rs", "fn a() {}\n//! too late\n", 1);
        check_text("crates/konsul-raft/src/a.rs", "//! What it is.\n\nfn a() {}\n", 0);
    }

    #[test]
    fn a_crate_needs_a_longer_one() {
        check_text("crates/konsul-raft/src/lib.rs", "//! What it is.\n", 1);
        check_text("crates/konsul-raft/src/lib.rs", &"//! line\n".repeat(LIB_HEAD_LINES), 0);
    }
}
