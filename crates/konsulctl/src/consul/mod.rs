//! Consul's own commands: arguments, output and exit codes are Consul's where Consul has the command, so that a script
//! written for `consul` runs after a rename. What goes beyond is named in the help of each command.
//!
//! [`run`] takes the words after the program's name. `words` turns Go's way of writing flags (one dash, `-flag=value`)
//! into clap's; the command connects (`connection`), calls, prints.

mod agent;
mod catalog;
mod columns;
mod config;
mod connection;
mod debug;
mod event;
mod input;
mod keygen;
mod kv;
mod lock;
mod maint;
mod members;
mod not_built;
mod operator;
mod quoting;
pub(crate) use quoting::json_string;
mod rtt;
mod services;
mod shell;
mod snapshot;
mod status;
mod storage;
mod validate;
mod version;
mod watch;
mod words;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command};

use crate::console::Console;
use crate::failure::{Failure, Outcome};

/// What Consul's command exits with when it is called without a command, or with one that does not exist.
const NO_COMMAND: u8 = 127;

const AGENT: &str = "agent";

/// Commands that people look for here, and that Consul does not have.
const ONLY_NATIVE: &[&str] = &[
    "backup",
    "bench",
    "check",
    "completion",
    "context",
    "health",
    "limits",
    "log-level",
    "metrics",
    "node",
    "query",
    "service",
    "session",
    "txn",
    "usage",
];

fn root(program: &str) -> Command {
    let mut root = group(program, "Speaks to a Konsul agent, or any Consul agent.")
        .subcommand(kv::command())
        .subcommand(snapshot::command())
        .subcommand(event::command())
        .subcommand(lock::command())
        .subcommand(watch::command())
        .subcommand(catalog::command())
        .subcommand(maint::command())
        .subcommand(services::command())
        .subcommand(members::command())
        .subcommand(rtt::command())
        .subcommand(operator::command())
        .subcommand(debug::command())
        .subcommand(keygen::command())
        .subcommand(storage::command())
        .subcommand(status::command())
        .subcommand(validate::command())
        .subcommand(config::command())
        .subcommand(version::command());
    for command in agent::commands() {
        root = root.subcommand(command);
    }
    // The binary runs it; here it is only named in the help.
    let agent = Command::new(AGENT).about("Runs an agent; see konsul agent -help");
    if program == "konsul" { root.subcommand(agent.display_order(0)) } else { root }
}

/// A command that only has others below it.
pub(crate) fn group(name: &str, about: &'static str) -> Command {
    Command::new(name.to_owned())
        .about(about)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .disable_version_flag(true)
}

/// A command that does something. `usage` is the whole of its usage line, which ends in its name where it takes no
/// arguments; `more` has its examples.
pub(crate) fn leaf(usage: &'static str, about: &'static str, more: &'static str) -> Command {
    let name = usage.split(' ').take_while(|word| *word != "[OPTIONS]").last().unwrap_or(usage);
    Command::new(name).about(about).override_usage(usage).after_help(more).disable_version_flag(true)
}

pub(crate) fn run(program: &str, words: &[String], console: &mut Console<'_>) -> Outcome {
    let mut root = root(program);
    let first = words.first().map(String::as_str);
    if matches!(first, Some("-v" | "-version" | "--version")) {
        return version::short(console);
    }
    let Some(first) = first else {
        return no_command(&mut root, None, console);
    };
    // Its words are the agent's, which clap does not know.
    if let Some((command, words)) = config::asked_for(words) {
        return config::run_words(command, words, console);
    }
    if let Some(failure) = not_built::asked_for(words) {
        return Err(failure);
    }
    if !first.starts_with('-') && root.find_subcommand(first).is_none() {
        return no_command(&mut root, Some(first), console);
    }
    root.build();
    let words = words::for_clap(&root, words);
    let words = std::iter::once(program.to_owned()).chain(words);
    let matches = match root.try_get_matches_from_mut(words) {
        Ok(matches) => matches,
        Err(error) => return usage(&error, console),
    };
    match matches.subcommand() {
        Some((name, matches)) => dispatch(name, matches, console),
        None => no_command(&mut root, None, console),
    }
}

fn dispatch(name: &str, matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    // A command that awaits nothing needs no executor, and `validate` should not fail for want of one.
    match name {
        "validate" => return validate::run(matches, console),
        "config" => return config::run(matches, console),
        "version" => return version::run(matches, console),
        "storage" => return storage::run(matches, console),
        "keygen" => return keygen::run(console),
        AGENT => return Err(Failure::new("Error! Agents are run by the konsul binary: konsul agent -dev")),
        _ => {}
    }
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let executor =
        executor.map_err(|e| Failure::new(format!("Error! The system gives no event queue: {e}")))?;
    executor.block_on(async {
        match name {
            "kv" => kv::run(matches, console).await,
            "snapshot" => snapshot::run(matches, console).await,
            "event" => event::run(matches, console).await,
            "lock" => lock::run(matches, console).await,
            "watch" => watch::run(matches, console).await,
            "catalog" => catalog::run(matches, console).await,
            "services" => services::run(matches, console).await,
            "maint" => maint::run(matches, console).await,
            "rtt" => rtt::run(matches, console).await,
            "members" => members::run(matches, console).await,
            "operator" => operator::run(matches, console).await,
            "debug" => debug::run(matches, console).await,
            "status" => status::run(matches, console).await,
            other => agent::run(other, matches, console).await,
        }
    })
}

/// Shows help or what is wrong with the words. Go's flag package, and so Consul, exits with 1 on bad flags.
fn usage(error: &clap::Error, console: &mut Console<'_>) -> Outcome {
    let styled = error.render();
    let text = if console.colour() { styled.ansi().to_string() } else { styled.to_string() };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => console.write(text.as_bytes()),
        _ => Err(Failure::new(text)),
    }
}

fn no_command(root: &mut Command, word: Option<&str>, console: &mut Console<'_>) -> Outcome {
    let help = root.render_help();
    let help = if console.colour() { help.ansi().to_string() } else { help.to_string() };
    let text = match word {
        Some(word) if ONLY_NATIVE.contains(&word) => {
            format!(
                "{word:?} is no command of Consul's. Konsul's own command has it: konsulctl {word}\n\n{help}"
            )
        }
        Some(word) => format!("{word:?} is no command.\n\n{help}"),
        None => help,
    };
    Err(Failure::Because { text, code: NO_COMMAND })
}
