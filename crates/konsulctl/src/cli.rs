//! The tree of native commands: global options, and one variant for each group.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Effects, Styles};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Args, ColorChoice, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use clap_complete::ArgValueCompleter;

use crate::commands::{
    backup, bench, check, completion, context, debug, dns, event, figures, info, kv, lock, node, query,
    service, session, snapshot, status, txn, version, watch,
};
use crate::console::Console;
use crate::exit::{self, Exit};
use crate::failure::{Failure, Outcome};
use crate::help;
use crate::output::Format;
use crate::run::Run;

const ABOUT: &str = "Speaks to Konsul: keys, sessions, locks, watches, backups";

const MORE: &str = "\
Examples:
  konsulctl kv put app/color blue
  konsulctl kv get app/color
  konsulctl kv ls app/
  konsulctl status

Where the server is: --server, or --context, or KONSUL_HTTP_ADDR (CONSUL_HTTP_ADDR), or the context in use, or
127.0.0.1:8500. `konsulctl context ls` lists the named ones.

A command's own help (konsulctl kv put --help) has examples. Output: a table on a terminal, lines of cells parted by tabs
into a pipe; -o json and -o yaml have the fields of the API.";

/// The command line of `konsulctl`.
#[derive(Debug, Parser)]
#[command(name = "konsulctl", about = ABOUT, styles = STYLES)]
#[command(disable_help_subcommand = true, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// The options of every command.
    #[command(flatten)]
    pub globals: Globals,
    /// The command.
    #[command(subcommand)]
    pub command: Group,
}

/// The options of every command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// The server: host:port, http://…, https://… or unix:///path [env: KONSUL_HTTP_ADDR, CONSUL_HTTP_ADDR]
    #[arg(short, long, global = true, value_name = "ADDRESS", display_order = 900)]
    pub server: Option<String>,
    /// A named server of `konsulctl context` [env: KONSUL_CONTEXT]
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "server", display_order = 901)]
    #[arg(add = ArgValueCompleter::new(crate::complete::contexts))]
    pub context: Option<String>,
    /// The namespace [env: KONSUL_NAMESPACE, CONSUL_NAMESPACE] [default: default]
    #[arg(short, long, global = true, value_name = "NAME", display_order = 902)]
    pub namespace: Option<String>,
    /// The form of the output: table on a terminal, plain into a pipe, unless said otherwise
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        value_name = "FORM",
        hide_possible_values = true,
        display_order = 903
    )]
    #[arg(
        help = "The form of the output: table, json, yaml or plain [default: table on a terminal, else plain]"
    )]
    pub output: Option<Format>,
    /// How long to wait for an answer, such as 5s or 1m
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration, display_order = 904)]
    pub timeout: Option<Duration>,
    /// No colour, also on a terminal [env: NO_COLOR]
    #[arg(long, global = true, display_order = 905)]
    pub no_color: bool,
    /// A file with the token [env: KONSUL_HTTP_TOKEN_FILE, CONSUL_HTTP_TOKEN_FILE]
    #[arg(long, global = true, value_name = "FILE", display_order = 910, hide_short_help = true)]
    pub token_file: Option<PathBuf>,
    /// The token itself. Other users of this machine can read it in the list of processes: prefer --token-file
    #[arg(long, global = true, value_name = "TOKEN", conflicts_with = "token_file", hide = true)]
    pub token: Option<String>,
    /// Certificates that the server's must come from [env: KONSUL_CACERT, CONSUL_CACERT]
    #[arg(long, global = true, value_name = "FILE", display_order = 911, hide_short_help = true)]
    pub ca_file: Option<PathBuf>,
    /// A directory of such files [env: KONSUL_CAPATH, CONSUL_CAPATH]
    #[arg(long, global = true, value_name = "DIRECTORY", display_order = 912, hide_short_help = true)]
    pub ca_path: Option<PathBuf>,
    /// The certificate to show [env: KONSUL_CLIENT_CERT, CONSUL_CLIENT_CERT]
    #[arg(long, global = true, value_name = "FILE", display_order = 913, hide_short_help = true)]
    pub client_cert: Option<PathBuf>,
    /// Its key [env: KONSUL_CLIENT_KEY, CONSUL_CLIENT_KEY]
    #[arg(long, global = true, value_name = "FILE", display_order = 914, hide_short_help = true)]
    pub client_key: Option<PathBuf>,
    /// The name that the server's certificate must have [env: KONSUL_TLS_SERVER_NAME, CONSUL_TLS_SERVER_NAME]
    #[arg(long, global = true, value_name = "NAME", display_order = 915, hide_short_help = true)]
    pub tls_server_name: Option<String>,
    /// Do not check the server's certificate: for experiments, since anybody can then read the token
    #[arg(long, global = true, display_order = 916, hide_short_help = true)]
    pub insecure_skip_verify: bool,
}

/// The groups of commands.
#[derive(Debug, Subcommand)]
pub enum Group {
    /// Keys and values: read, write, list, search, history, copy
    #[command(subcommand)]
    Kv(kv::Kv),
    /// Services: their instances, which one to take, who needs whom
    #[command(subcommand)]
    Service(service::Service),
    /// Nodes, with what is on them
    #[command(subcommand)]
    Node(node::Node),
    /// Health checks, and what became of them
    #[command(subcommand)]
    Check(check::Check),
    /// How the instances of a service stand, and what is wrong with them
    Health(check::Health),
    /// Prepared queries
    #[command(subcommand)]
    Query(query::Query),
    /// Asks Konsul's DNS, and says what each record stands for
    Dns(dns::Dns),
    /// Sessions: leases that keys and locks hang on
    #[command(subcommand)]
    Session(session::Session),
    /// Locks, and commands that run under one
    #[command(subcommand)]
    Lock(lock::Lock),
    /// Several operations, all or none
    Txn(txn::Txn),
    /// Shows changes as they happen, or runs a command for each
    Watch(watch::Watch),
    /// Events: fires and lists them
    #[command(subcommand)]
    Event(event::Event),
    /// Backups of the whole state
    #[command(subcommand)]
    Snapshot(snapshot::Snapshot),
    /// Backups that the server takes by itself
    #[command(subcommand)]
    Backup(backup::Backup),
    /// Whether the server is well, and who leads
    Status(status::Status),
    /// What the server is: build, machine, figures
    Info(info::Info),
    /// Every bound that is in force
    Limits(figures::Limits),
    /// How much each namespace holds
    Usage(figures::Usage),
    /// The main figures of the last hour
    Metrics(figures::Metrics),
    /// Shows or changes how much the server logs
    LogLevel(figures::LogLevel),
    /// Collects what a bug report needs, without secrets
    Debug(debug::Debug),
    /// Named servers with their credentials and certificates
    #[command(subcommand)]
    Context(context::Context),
    /// A small load with a live display and a latency histogram
    Bench(bench::Bench),
    /// Prints a completion script for a shell
    Completion(completion::Completion),
    /// Shows what build this is, and the server's
    Version(version::Version),
}

impl Group {
    async fn run(self, run: &mut Run<'_>) -> Outcome {
        match self {
            Group::Kv(group) => group.run(run).await,
            Group::Service(group) => group.run(run).await,
            Group::Node(group) => group.run(run).await,
            Group::Check(group) => group.run(run).await,
            Group::Health(group) => group.run(run).await,
            Group::Query(group) => group.run(run).await,
            Group::Dns(group) => group.run(run).await,
            Group::Session(group) => group.run(run).await,
            Group::Lock(group) => group.run(run).await,
            Group::Txn(group) => group.run(run).await,
            Group::Watch(group) => group.run(run).await,
            Group::Event(group) => group.run(run).await,
            Group::Snapshot(group) => group.run(run).await,
            Group::Backup(group) => group.run(run).await,
            Group::Status(group) => group.run(run).await,
            Group::Info(group) => group.run(run).await,
            Group::Limits(group) => group.run(run).await,
            Group::Usage(group) => group.run(run).await,
            Group::Metrics(group) => group.run(run).await,
            Group::LogLevel(group) => group.run(run).await,
            Group::Debug(group) => group.run(run).await,
            Group::Context(group) => group.run(run).await,
            Group::Bench(group) => group.run(run).await,
            Group::Completion(group) => group.run(run).await,
            Group::Version(group) => group.run(run).await,
        }
    }
}

/// Bold and the eight plain colours: readable on light and dark.
const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().effects(Effects::BOLD))
    .usage(AnsiColor::Green.on_default().effects(Effects::BOLD))
    .literal(AnsiColor::Cyan.on_default().effects(Effects::BOLD))
    .placeholder(AnsiColor::Cyan.on_default())
    .error(AnsiColor::Red.on_default().effects(Effects::BOLD));

/// A duration as Go writes it.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    crate::output::parse_duration(text)
}

/// The whole tree, for help, completion and the reference page.
pub fn command() -> clap::Command {
    command_for(help::USUAL)
}

/// The same with help for so many columns.
pub fn command_for(columns: usize) -> clap::Command {
    let more = format!("{MORE}\n\n{}", exit::text());
    let root = Cli::command().version(konsul_config::build::VERSION).after_help(more);
    let help = Arg::new("help").short('h').long("help").help("Print help").action(ArgAction::HelpLong);
    help::dress(root.disable_help_flag(true).arg(help), columns)
}

/// Parses and runs one command, and answers the exit code.
pub(crate) fn run(words: &[String], mut console: Console<'_>) -> u8 {
    if words.iter().take_while(|word| *word != "--").any(|word| word == "--no-color") {
        console.set_plain();
    }
    let cli = match parse(words, &console) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, &mut console),
    };
    let executor = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(executor) => executor,
        Err(error) => {
            let what = format!("the system gives no event queue: {error}");
            return console.fail(&Failure::with(Exit::Failed, what).next("look at `ulimit -n`"));
        }
    };
    let mut run = Run::new(cli.globals, console);
    let result = executor.block_on(Box::pin(cli.command.run(&mut run)));
    // A thread that still reads a terminal or a pipe must not hold up the end.
    executor.shutdown_background();
    run.end(result)
}

fn parse(words: &[String], console: &Console<'_>) -> Result<Cli, clap::Error> {
    let choice = if console.colour() { ColorChoice::Always } else { ColorChoice::Never };
    let command = command_for(console.width().unwrap_or(help::USUAL)).color(choice);
    Cli::from_arg_matches(&command.try_get_matches_from(words)?)
}

/// Shows help, or what is wrong with the words.
fn usage(error: &clap::Error, console: &mut Console<'_>) -> u8 {
    let styled = error.render();
    let text = if console.colour() { styled.ansi().to_string() } else { styled.to_string() };
    let result = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => console.write(text.as_bytes()),
        _ => Err(Failure::Because { text, code: Exit::Usage.code() }),
    };
    match result.and_then(|()| console.flush()) {
        Ok(()) => Exit::Done.code(),
        Err(failure) => console.fail(&failure),
    }
}
