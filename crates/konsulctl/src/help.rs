//! Help that fits: the text below the options is written once, and laid out for the width of whoever reads it.
//!
//! Such a text has an `Examples:` block, whose lines are commands with a remark after two or more blanks, and paragraphs.
//! Paragraphs are filled; a remark that does not fit beside its command goes below it.

use clap::{Arg, ArgAction, Command};

use crate::output::{filled, text_width};

/// Columns for readers whose width is not known.
pub(crate) const USUAL: usize = 100;

/// A remark begins after so many blanks.
const GAP: &str = "  ";

/// Lays the texts of a command and all below it out for so many columns. The options of the connection are in the help
/// of the root alone, so that a command's own are seen.
pub(crate) fn dress(mut root: Command, columns: usize) -> Command {
    let columns = columns.max(20);
    root = text(root, columns).term_width(columns);
    below(root, columns)
}

fn below(mut command: Command, columns: usize) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in names {
        command = command.mut_subcommand(name, |sub| {
            let help =
                Arg::new("help").short('h').long("help").help("Print help").action(ArgAction::HelpShort);
            below(text(sub.disable_help_flag(true).arg(help), columns).term_width(columns), columns)
        });
    }
    command
}

/// Of a command whose exit codes mean no more than everywhere.
const USUAL_CODES: &str = "\n\nExit codes: 0 done; 1 and above as `konsulctl --help` lists them.";

fn text(command: Command, columns: usize) -> Command {
    let is_leaf = command.get_subcommands().next().is_none();
    let whole = |text: String| match is_leaf && !text.contains("Exit codes:") {
        true => text + USUAL_CODES,
        false => text,
    };
    let short = command.get_after_help().map(|text| lay_out(&whole(text.to_string()), columns));
    let long = command.get_after_long_help().map(|text| lay_out(&text.to_string(), columns));
    let command = match short {
        Some(text) => command.after_help(text),
        None => command,
    };
    match long {
        Some(text) => command.after_long_help(text),
        None => command,
    }
}

fn lay_out(text: &str, columns: usize) -> String {
    let paragraphs: Vec<String> = text.split("\n\n").map(|paragraph| one(paragraph, columns)).collect();
    paragraphs.join("\n\n")
}

/// A paragraph: lines that begin with blanks stay lines, the others are filled.
fn one(paragraph: &str, columns: usize) -> String {
    let (mut out, mut prose) = (Vec::new(), String::new());
    for line in paragraph.lines() {
        if !line.starts_with(' ') {
            if !prose.is_empty() {
                prose.push(' ');
            }
            prose.push_str(line);
            continue;
        }
        fill(&std::mem::take(&mut prose), columns, &mut out);
        example(line, columns, &mut out);
    }
    fill(&prose, columns, &mut out);
    out.join("\n")
}

fn fill(prose: &str, columns: usize, out: &mut Vec<String>) {
    if !prose.is_empty() {
        out.extend(filled(prose, columns));
    }
}

fn example(line: &str, columns: usize, out: &mut Vec<String>) {
    let inner = line.trim_start();
    let indent = line.len() - inner.len();
    let remark = inner.find(GAP).map(|at| (&inner[..at], inner[at..].trim()));
    match remark {
        Some((command, remark)) if text_width(line) > columns => {
            out.push(format!("{}{command}", &line[..indent]));
            let mut remarks = Vec::new();
            fill(remark, columns.saturating_sub(indent + 4).max(10), &mut remarks);
            out.extend(remarks.into_iter().map(|text| format!("{}    {text}", &line[..indent])));
        }
        _ => out.push(line.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Examples:\n  kv get a\n  kv get a > file      the bytes\n\nIt reads\nwhat there is.";

    #[test]
    fn every_command_says_where_its_exit_codes_are() {
        let leaf = |name, text| Command::new(name).after_help(text);
        let told = "Exit codes: 0 there; 3 not.";
        let root = Command::new("ctl").subcommand(leaf("ls", "It lists.")).subcommand(leaf("get", told));
        let root = dress(root, 80);
        let of = |name| root.find_subcommand(name).and_then(Command::get_after_help).map(ToString::to_string);
        assert!(of("ls").is_some_and(|text| text.ends_with("as `konsulctl --help` lists them.")));
        assert_eq!(of("get").as_deref(), Some(told));
    }

    #[test]
    fn paragraphs_are_filled_and_remarks_go_below() {
        assert_eq!(
            lay_out(TEXT, 80),
            "Examples:\n  kv get a\n  kv get a > file      the bytes\n\nIt reads what there is."
        );
        assert_eq!(
            lay_out(TEXT, 20),
            "Examples:\n  kv get a\n  kv get a > file\n      the bytes\n\nIt reads what there\nis."
        );
    }
}
