//! The checked-in reference page is the one that the commands make; `UPDATE=1` rewrites it. And what holds of every
//! command: it has an example, a line in the table of what it covers, and help that fits.

use std::collections::BTreeSet;
use std::path::Path;

use clap::Command;

#[test]
fn the_reference_page_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/reference/konsulctl.md");
    let wanted = konsulctl::reference::page();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &wanted).expect("the page can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "{} is stale; run: UPDATE=1 cargo test -p konsulctl --test reference",
        path.display()
    );
}

fn leaves(command: &Command, path: &str, out: &mut Vec<(String, Command)>) {
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let path = format!("{path} {}", sub.get_name());
        if sub.has_subcommands() {
            leaves(sub, &path, out);
        } else {
            out.push((path.trim().to_owned(), sub.clone()));
        }
    }
}

fn all() -> Vec<(String, Command)> {
    at(100)
}

fn at(columns: usize) -> Vec<(String, Command)> {
    let mut root = konsulctl::cli::command_for(columns);
    root.build();
    let mut out = Vec::new();
    leaves(&root, "", &mut out);
    out
}

#[test]
fn every_command_says_what_it_covers_and_nothing_else_does() {
    let there: BTreeSet<String> = all().into_iter().map(|(path, _)| path).collect();
    let said: Vec<&str> = konsulctl::commands().iter().map(|line| line.path).collect();
    let once: BTreeSet<String> = said.iter().map(|path| (*path).to_owned()).collect();
    assert_eq!(said.len(), once.len(), "a command is in the table twice: {said:?}");
    assert_eq!(there, once);
}

#[test]
fn every_command_has_an_example_of_itself() {
    for (path, command) in all() {
        let more = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let wanted = format!("konsulctl {path}");
        assert!(more.starts_with("Examples:\n") && more.contains(&wanted), "{path}: {more}");
    }
}

#[test]
fn every_argument_is_explained() {
    for (path, command) in all() {
        for arg in command.get_arguments() {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(!help.is_empty(), "{path}: {} has no help", arg.get_id());
            assert!(!help.ends_with('.'), "{path}: the help of {} ends with a full stop", arg.get_id());
        }
    }
}

/// Words have no place to break inside: paths, commands and examples may be longer than a narrow terminal.
#[test]
fn the_help_of_every_command_fits() {
    for columns in [40, 80, 200] {
        for (path, mut command) in at(columns) {
            let help = command.render_help().to_string();
            let text = help.split("Examples:").next().unwrap_or_default();
            for line in text.lines().filter(|line| line.trim().contains(' ') && !line.contains("Usage:")) {
                let wide = line.chars().count();
                assert!(wide <= columns, "{path} at {columns}: {wide} columns: {line}");
            }
        }
    }
}

/// The same changes over another kind of stream: the command takes one of the two.
const OTHER_WAYS: &[&str] = &["watch_socket"];

#[test]
fn every_operation_of_the_api_has_the_command_that_it_names() {
    let commands = konsulctl::commands();
    for (_, operation) in konsul_client::v2::api::operations::all() {
        let path = operation.cli.strip_prefix("konsulctl ").expect("the name of the binary comes first");
        let id = operation.id.as_str();
        let command = commands.iter().find(|line| line.path == path);
        let command =
            command.unwrap_or_else(|| panic!("{id} names `{}`, which is no command", operation.cli));
        assert!(
            command.operations.contains(&id) || OTHER_WAYS.contains(&id),
            "{id} names `{}`, which does not say that it calls it",
            operation.cli
        );
    }
}

#[test]
fn every_operation_that_a_command_names_exists() {
    let ids: BTreeSet<&str> =
        konsul_client::v2::api::operations::all().map(|(_, operation)| operation.id.as_str()).collect();
    for line in konsulctl::commands() {
        for id in line.operations {
            assert!(ids.contains(id), "{} names the operation {id}, which does not exist", line.path);
        }
    }
}
