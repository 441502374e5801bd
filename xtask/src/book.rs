//! The links of every Markdown file, and the completeness of the book.
//!
//! A rule of tidy: a relative link must lead to a file of the tree, an anchor to a heading of that file, and every
//! page under `docs/src` must be in `SUMMARY.md`. Links to other hosts are not followed: a test that needs the
//! network fails for reasons that are not ours.

use std::collections::BTreeSet;

use crate::tidy::Finding;
use crate::tidy::markdown::{is_page, prose};
use crate::tree::{File, Tree};

const BOOK: &str = "docs/src/";
const SUMMARY: &str = "docs/src/SUMMARY.md";

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> = tree.markdown().flat_map(|file| broken_links(tree, file)).collect();
    if let Some(summary) = tree.get(SUMMARY) {
        findings.extend(missing_pages(tree, summary));
    }
    findings
}

fn missing_pages(tree: &Tree, summary: &File) -> Vec<Finding> {
    let listed: BTreeSet<String> =
        links(&summary.text).filter_map(|(_, link)| resolve(SUMMARY, &link).0).collect();
    let pages = tree.markdown().filter(|file| is_page(&file.path));
    let missing = pages.filter(|page| !listed.contains(&page.path));
    missing
        .map(|page| Finding::on(&page.path, format!("the page is not in {SUMMARY}: a reader cannot find it")))
        .collect()
}

fn broken_links(tree: &Tree, file: &File) -> Vec<Finding> {
    let ours = links(&file.text).filter(|(_, link)| !is_foreign(link));
    ours.filter_map(|(at, link)| Some(Finding::at(&file.path, at + 1, broken(tree, file, &link)?))).collect()
}

fn is_foreign(link: &str) -> bool {
    link.contains("://") || link.starts_with("mailto:")
}

fn broken(tree: &Tree, file: &File, link: &str) -> Option<String> {
    let (path, anchor) = resolve(&file.path, link);
    let path = path.unwrap_or_else(|| file.path.clone());
    let is_folder = || tree.files.iter().any(|other| other.path.starts_with(&format!("{path}/")));
    let Some(target) = tree.get(&path) else {
        let leaves = file.path.starts_with(BOOK) && !path.starts_with(BOOK);
        return (leaves || !is_folder()).then(|| format!("`{link}` leads to `{path}`, which is not there"));
    };
    if file.path.starts_with(BOOK) && !path.starts_with(BOOK) {
        return Some(format!(
            "`{link}` leaves the book, whose pages are published alone: name the file instead"
        ));
    }
    let anchor = anchor?;
    let known = headings(&target.text).any(|heading| heading == anchor);
    (!known && target.has_extension("md")).then(|| format!("`{link}`: `{path}` has no heading `{anchor}`"))
}

// The path a link leads to, relative to the root, and its anchor. No path: the page itself.
fn resolve(from: &str, link: &str) -> (Option<String>, Option<String>) {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let anchor = (!anchor.is_empty()).then(|| anchor.to_owned());
    if path.is_empty() {
        return (None, anchor);
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    (Some(parts.join("/")), anchor)
}

/// The targets of inline links outside code, with their lines from 0.
fn links(text: &str) -> impl Iterator<Item = (usize, String)> {
    prose(text).flat_map(|(at, line)| {
        let line = without_code(line);
        let targets: Vec<String> =
            line.match_indices("](").filter_map(|(start, _)| target(&line[start + 2..])).collect();
        targets.into_iter().map(move |target| (at, target))
    })
}

fn target(rest: &str) -> Option<String> {
    let inside = &rest[..rest.find(')')?];
    // `[a](b "title")`: the title is no part of the target.
    inside.split_whitespace().next().map(|target| target.trim_matches(['<', '>']).to_owned())
}

// Text between backquotes is no link, whatever it looks like.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join(" ")
}

/// The anchors of a page, made of its headings as mdBook and the code hosts make them.
fn headings(text: &str) -> impl Iterator<Item = String> {
    let headings = prose(text).filter(|(_, line)| line.starts_with('#'));
    headings.map(|(_, line)| slug(line.trim_start_matches('#').trim()))
}

fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_files(files: &[(&str, &str)], expect: usize) {
        let findings = check(&Tree::of(files));
        assert_eq!(findings.len(), expect, "{findings:?}");
    }

    #[test]
    fn a_link_must_lead_somewhere() {
        check_files(&[("README.md", "[a](ARCHITECTURE.md)")], 1);
        check_files(&[("README.md", "[a](ARCHITECTURE.md)"), ("ARCHITECTURE.md", "")], 0);
        check_files(&[("README.md", "[a](docs)"), ("docs/book.toml", "")], 0);
        check_files(&[("a/b.md", "[a](../c/d.md)"), ("c/d.md", "")], 0);
    }

    #[test]
    fn an_anchor_must_be_a_heading() {
        let page = ("b.md", "# Title\n\n## The life of a `write`\n");
        check_files(&[("a.md", "[x](b.md#the-life-of-a-write)"), page], 0);
        check_files(&[("a.md", "[x](b.md#the-death-of-a-write)"), page], 1);
        check_files(&[("a.md", "# Here\n[x](#here) [y](#there)")], 1);
    }

    #[test]
    fn a_page_must_be_in_the_summary() {
        let pages = [("docs/src/a.md", "# A"), ("docs/src/b/c.md", "# C")];
        check_files(&[pages[0], pages[1], (SUMMARY, "- [A](a.md)\n- [C](b/c.md)")], 0);
        check_files(&[pages[0], pages[1], (SUMMARY, "- [A](a.md)")], 1);
    }

    #[test]
    fn a_page_of_the_book_may_not_lean_on_files_outside() {
        check_files(&[("docs/src/a.md", "[x](../../STYLE.md)"), ("STYLE.md", "")], 1);
    }

    #[test]
    fn code_and_other_hosts_are_no_links_of_ours() {
        check_files(
            &[("a.md", "`[x](nowhere.md)` [y](https://example.org/z)\n```\n[z](nowhere.md)\n```\n")],
            0,
        );
    }
}
