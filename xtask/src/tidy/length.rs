//! No file over 600 lines, unless it is listed with its reason; a listed file may not grow.
//!
//! The list is `xtask/ratchet/long-files.txt`: `PATH LINES REASON`, one a line, `#` for comments. An entry whose
//! file has become short enough, or shorter than its number by a tenth, must be taken out or lowered.

use super::Finding;
use crate::tree::Tree;

/// From here on a file needs a reason.
const LINES_MAX: usize = 600;

/// Where the reasons are.
pub const LIST: &str = "xtask/ratchet/long-files.txt";

struct Entry<'a> {
    path: &'a str,
    lines_max: usize,
}

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let list = tree.get(LIST).map_or("", |file| file.text.as_str());
    let (entries, mut findings) = parse(list);
    for file in tree.rust() {
        let lines = file.text.lines().count();
        let listed = entries.iter().find(|entry| entry.path == file.path);
        findings.extend(judge(&file.path, lines, listed));
    }
    let gone = entries.iter().filter(|entry| tree.get(entry.path).is_none());
    findings.extend(
        gone.map(|entry| Finding::on(LIST, format!("`{}` is no file: take its line out", entry.path))),
    );
    findings
}

fn judge(path: &str, lines: usize, listed: Option<&Entry<'_>>) -> Option<Finding> {
    let message = match listed {
        None if lines > LINES_MAX => format!(
            "{lines} lines, more than {LINES_MAX}: split it where it has two jobs, or list it in {LIST} with the reason"
        ),
        Some(_) if lines <= LINES_MAX => format!("{lines} lines: short enough now, take it out of {LIST}"),
        Some(entry) if lines > entry.lines_max => {
            format!("{lines} lines, grown past the {} it is listed with in {LIST}: split it", entry.lines_max)
        }
        Some(entry) if lines * 10 < entry.lines_max * 9 => {
            format!("{lines} lines: lower its number in {LIST} from {}", entry.lines_max)
        }
        _ => return None,
    };
    Some(Finding::on(path, message))
}

fn parse(list: &str) -> (Vec<Entry<'_>>, Vec<Finding>) {
    let (mut entries, mut findings) = (Vec::new(), Vec::new());
    for (at, line) in list.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        match parse_line(line) {
            Some(entry) => entries.push(entry),
            None => {
                findings.push(Finding::at(LIST, at + 1, "write `PATH LINES REASON`, the reason in words"));
            }
        }
    }
    (entries, findings)
}

fn parse_line(line: &str) -> Option<Entry<'_>> {
    let (path, rest) = line.split_once(' ')?;
    let (lines_max, reason) = rest.trim_start().split_once(' ')?;
    (reason.split_whitespace().count() >= 3).then_some(())?;
    Some(Entry { path, lines_max: lines_max.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(lines: usize, list: &str) -> Vec<Finding> {
        check(&Tree::of(&[("crates/a/src/b.rs", &"//\n".repeat(lines)), (LIST, list)]))
    }

    #[test]
    fn a_long_file_needs_a_reason() {
        assert_eq!(findings(600, "").len(), 0);
        assert_eq!(findings(601, "").len(), 1);
        assert_eq!(findings(601, "crates/a/src/b.rs 650 a list of flags\n").len(), 0);
        assert_eq!(findings(601, "crates/a/src/b.rs 650 because\n").len(), 2);
    }

    #[test]
    fn a_listed_file_may_shrink_and_not_grow() {
        let list = "# why\ncrates/a/src/b.rs 900 a list of flags\n";
        assert_eq!(findings(901, list).len(), 1);
        assert_eq!(findings(850, list).len(), 0);
        assert_eq!(findings(700, list).len(), 1);
        assert_eq!(findings(100, list).len(), 1);
    }

    #[test]
    fn an_entry_without_a_file_is_found() {
        assert_eq!(findings(10, "crates/a/src/gone.rs 900 a list of flags\n").len(), 1);
    }
}
