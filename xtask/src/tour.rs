//! `tour`: runs the commands of a Markdown file against a real node and compares what they print.
//!
//! A tour is made of the fenced blocks marked `console`. In them a line `$ COMMAND` is a command, and the lines up
//! to the next one are what it prints:
//!
//! ```text
//! $ konsul kv get color
//! blue
//! ```
//!
//! In the expected lines `...` stands for anything within a line, and alone on a line for any number of lines.
//! A command that ends in a backslash goes on in the next line. A command that fails must say so in the page:
//! its last expected line is `(exit CODE)`.
//!
//! The life of a tour: [`parse`] reads the steps; [`Node::start`] starts `konsul agent -dev` on a free port and waits
//! until it has a leader; one bash runs all commands, so that a variable set by one is there for the next, in an
//! empty folder, with `konsul` first on the `PATH` and the node's address in the environment; [`matches()`]
//! compares. The address a reader would use, `127.0.0.1:8500`, is replaced by the node's own in commands.

mod node;
mod shell;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::tree;
pub use node::Node;
use shell::Shell;

/// The address that a page names and a run replaces.
const DEFAULT_ADDRESS: &str = "127.0.0.1:8500";

/// One command of a tour and what it should print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The line of the command in its file, counted from 1.
    pub line: usize,
    /// What bash is given.
    pub command: String,
    /// The expected lines.
    pub expect: Vec<String>,
}

/// Runs the tour of the README, or of the file named by `--file`, with the binary named by `--bin`.
///
/// # Errors
///
/// [`Error::Usage`] without a binary, else as [`run_file`].
pub fn run(words: &[String]) -> Result<()> {
    let value = |name: &str| words.iter().position(|word| word == name).and_then(|at| words.get(at + 1));
    let bin = value("--bin")
        .ok_or_else(|| Error::Usage("tour needs `--bin PATH`, the konsul to run".to_owned()))?;
    let file = value("--file").map_or_else(|| tree::root().join("README.md"), PathBuf::from);
    let steps = run_file(Path::new(bin), &file)?;
    println!("tour: {steps} commands, all as written in {}", file.display());
    Ok(())
}

/// Runs every command of `file` against a node of its own, started from `bin`; returns how many there were.
///
/// # Errors
///
/// [`Error::Found`] at the first command that prints something else, with both texts; or when the file has no
/// command at all, or the node does not start.
pub fn run_file(bin: &Path, file: &Path) -> Result<usize> {
    let text = std::fs::read_to_string(file).map_err(|source| Error::file("read", file, source))?;
    let steps = parse(&text);
    if steps.is_empty() {
        return Err(Error::Found(format!("{} has no ```console block with a command", file.display())));
    }
    let node = Node::start(bin)?;
    let mut shell = Shell::start(node.folder(), node.bin_folder(), node.address())?;
    for step in &steps {
        judge(step, &shell.run(&step.command.replace(DEFAULT_ADDRESS, node.address()))?, node.address())?;
    }
    Ok(steps.len())
}

fn judge(step: &Step, printed: &[String], address: &str) -> Result<()> {
    let expect: Vec<String> = step.expect.iter().map(|line| line.replace(DEFAULT_ADDRESS, address)).collect();
    if matches(&expect, printed) {
        return Ok(());
    }
    let Step { line, command, .. } = step;
    let (expect, printed) = (expect.join("\n"), printed.join("\n"));
    Err(Error::Found(format!("line {line}: `{command}`\n── expected\n{expect}\n── printed\n{printed}")))
}

/// The steps in the `console` blocks of a Markdown text.
pub fn parse(markdown: &str) -> Vec<Step> {
    let (mut steps, mut inside): (Vec<Step>, bool) = (Vec::new(), false);
    for (at, line) in markdown.lines().enumerate() {
        if line.starts_with("```") {
            inside = line.trim_end() == "```console";
        } else if inside {
            take(&mut steps, at + 1, line);
        }
    }
    for step in &mut steps {
        trim_end(&mut step.expect);
    }
    steps
}

fn take(steps: &mut Vec<Step>, at: usize, line: &str) {
    if let Some(command) = line.strip_prefix("$ ") {
        steps.push(Step { line: at, command: command.to_owned(), expect: Vec::new() });
        return;
    }
    // Lines before the first command of a block are prose of the page.
    let Some(step) = steps.last_mut() else { return };
    if step.expect.is_empty() && step.command.ends_with('\\') {
        step.command.push('\n');
        step.command.push_str(line);
    } else {
        step.expect.push(line.to_owned());
    }
}

// A blank line before the next command is for the eye.
fn trim_end(lines: &mut Vec<String>) {
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
}

/// Whether `printed` is what `expect` describes; blank lines at the end count for nothing.
pub fn matches(expect: &[String], printed: &[String]) -> bool {
    let Some((first, rest)) = expect.split_first() else {
        return printed.iter().all(|line| line.trim().is_empty());
    };
    if first.trim() == "..." {
        return (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..]));
    }
    let Some((line, others)) = printed.split_first() else {
        return false;
    };
    line_matches(first.trim_end(), line.trim_end()) && matches(rest, others)
}

fn line_matches(pattern: &str, line: &str) -> bool {
    let Some((head, tail)) = pattern.split_once("...") else {
        return pattern == line;
    };
    let Some(rest) = line.strip_prefix(head) else {
        return false;
    };
    let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    ends.into_iter().any(|at| line_matches(tail, &rest[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[track_caller]
    fn check(expect: &str, printed: &str, same: bool) {
        assert_eq!(matches(&lines(expect), &lines(printed)), same, "{expect:?} against {printed:?}");
    }

    #[test]
    fn only_console_blocks_are_read() {
        let text = "```sh\n$ no\n```\n```console\n$ a\nb\n\n$ c \\\n  d\n```\n$ no\n";
        let steps = parse(text);
        assert_eq!(steps.len(), 2);
        assert_eq!(steps[0], Step { line: 5, command: "a".to_owned(), expect: lines("b") });
        assert_eq!(steps[1].command, "c \\\n  d");
    }

    #[test]
    fn dots_stand_for_anything_in_a_line_and_for_lines() {
        check("blue", "blue", true);
        check("blue", "green", false);
        check("index ... of ...", "index 12 of 13", true);
        check("index ...!", "index 12", false);
        check("a\n...\nd", "a\nb\nc\nd", true);
        check("a\n...", "a", true);
        check("a", "a\nb", false);
        check("", "surprise", false);
        check("", "", true);
    }
}
