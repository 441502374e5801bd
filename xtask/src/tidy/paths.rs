//! No path of one machine: what works only where it was written works nowhere else.

use super::Finding;
use crate::tree::{File, Tree};

// Put together from two halves so that this file does not break its own rule.
const FOREIGN: &[(&str, &str)] =
    &[("/wo", "rk/"), ("/fa", "rm/"), ("/ho", "me/"), ("/ro", "ot/"), ("/Us", "ers/")];

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.files.iter().flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let words: Vec<String> = FOREIGN.iter().map(|(head, tail)| format!("{head}{tail}")).collect();
    let hits = file.text.lines().enumerate().filter_map(|(at, line)| {
        let word = words.iter().find(|word| starts_path(line, word))?;
        let message =
            format!("`{word}…` is a path of one machine: use a temporary directory or a relative path");
        Some(Finding::at(&file.path, at + 1, message))
    });
    hits.collect()
}

// `a/home/b` and `./home/` are no absolute paths, and neither is a URL's `example.org/home/`.
fn starts_path(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '~' | '}' | '*' | ':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fires_on_each_path() {
        for (head, tail) in FOREIGN {
            let tree = Tree::of(&[("docs/src/a.md", &format!("see `{head}{tail}x`"))]);
            assert_eq!(check(&tree).len(), 1, "{head}{tail}");
        }
    }

    #[test]
    fn a_word_inside_a_longer_path_passes() {
        let text = format!("frame{}frame.md and v1{}x", "/wo".to_owned() + "rk/", "/ho".to_owned() + "me/");
        assert_eq!(check(&Tree::of(&[("a.md", &text)])), []);
    }
}
