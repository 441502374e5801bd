//! Every crate takes its lints, edition, licence and version from the root manifest.

use super::Finding;
use crate::tree::{File, Tree};

const LINES: &[(&str, &str)] = &[
    ("version.workspace = true", "[package]"),
    ("edition.workspace = true", "[package]"),
    ("rust-version.workspace = true", "[package]"),
    ("license.workspace = true", "[package]"),
    ("publish.workspace = true", "[package]"),
    ("[lints]\nworkspace = true", "the manifest"),
];

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let manifests = tree.files.iter().filter(|file| is_member(&file.path));
    manifests.flat_map(check_file).collect()
}

fn is_member(path: &str) -> bool {
    path == "xtask/Cargo.toml" || (path.starts_with("crates/") && path.ends_with("/Cargo.toml"))
}

fn check_file(file: &File) -> Vec<Finding> {
    // Whole lines: `rust-version…` is not `version…`.
    let text = format!("\n{}", file.text);
    let missing = LINES.iter().filter(|(line, _)| !text.contains(&format!("\n{line}\n")));
    missing.map(|(line, place)| Finding::on(&file.path, message(line, place))).collect()
}

fn message(line: &str, place: &str) -> String {
    format!("write `{}` in {place}: it is shared by all crates", line.replace('\n', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_missing_line_is_found() {
        let whole: String = LINES.iter().map(|(line, _)| format!("{line}\n")).collect();
        assert_eq!(check(&Tree::of(&[("crates/a/Cargo.toml", &whole)])), []);
        for (line, _) in LINES {
            let less = format!("\n{whole}").replace(&format!("\n{line}\n"), "\n");
            assert_eq!(check(&Tree::of(&[("crates/a/Cargo.toml", &less)])).len(), 1, "{line}");
        }
    }
}
