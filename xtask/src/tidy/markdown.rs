//! Markdown that diffs well: a final newline, no trailing spaces, one title, and no tabs.

use super::Finding;
use crate::tree::{File, Tree};

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.markdown().flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !file.text.ends_with('\n') || file.text.ends_with("\n\n") {
        findings.push(Finding::on(&file.path, "end the file with exactly one newline"));
    }
    let titles = prose(&file.text).filter(|(_, line)| line.starts_with("# ")).count();
    if is_page(&file.path) && titles != 1 {
        findings
            .push(Finding::on(&file.path, format!("{titles} titles: a page has exactly one line `# Title`")));
    }
    let spaced = file.text.lines().enumerate().filter(|(_, line)| line.ends_with([' ', '\t']));
    findings.extend(spaced.map(|(at, _)| Finding::at(&file.path, at + 1, "take the trailing space away")));
    findings
}

/// Whether a path is a page of the book: a Markdown file of `docs/src`, but neither the table of contents nor a part that
/// another page includes.
pub fn is_page(path: &str) -> bool {
    let part = path == "docs/src/SUMMARY.md" || path.starts_with("docs/src/reference/generated/");
    path.starts_with("docs/src/") && !part
}

/// The lines outside fenced code blocks, with their numbers from 0.
pub fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> usize {
        check(&Tree::of(&[("docs/src/a.md", text)])).len()
    }

    #[test]
    fn it_fires_on_each_fault() {
        assert_eq!(count("# A"), 1);
        assert_eq!(count("# A\n\n"), 1);
        assert_eq!(count("# A \n"), 1);
        assert_eq!(count("text\n"), 1);
        assert_eq!(count("# A\n# B\n"), 1);
    }

    #[test]
    fn a_good_page_passes_with_comments_in_its_code() {
        assert_eq!(count("# A\n\n```sh\n# not a title\n```\n"), 0);
    }
}
