//! `check`: health checks, what became of them, and reports for those with a time to live; and `health`.

mod run;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use konsul_client::v2::api::catalog::Status;
use konsul_client::v2::api::registration::{CheckDefinition, CheckUpdate};
use konsul_client::v2::discovery::{CheckSelect, Narrow};
use konsul_client::v2::watch::{ServiceTarget, Target};
use serde::Serialize;

use super::{Covered, covers, live, service};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Column, Format, Listing, Row};
use crate::run::Run;

/// What each command covers.
pub(crate) const OPERATIONS: &[Covered] = &[
    covers("check ls", &["check_list", "agent_checks"]),
    covers("check history", &["check_history"]),
    covers("check run", &[]),
    covers("check register", &["agent_check_register"]),
    covers("check deregister", &["agent_check_deregister"]),
    covers("check pass", &["agent_check_update"]),
    covers("check warn", &["agent_check_update"]),
    covers("check fail", &["agent_check_update"]),
    covers("health", &["service_instances", "watch"]),
];

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub enum Check {
    /// Lists checks
    #[command(visible_alias = "list", after_help = LIST)]
    Ls(List),
    /// Shows since when a check stands so, and what it said at each change
    #[command(after_help = HISTORY)]
    History(History),
    /// Runs a check once, here and now, and says what it did
    #[command(after_help = run::RUN)]
    Run(Box<run::Once>),
    /// Registers a check with the agent
    #[command(after_help = REGISTER)]
    Register(Register),
    /// Removes a check from the agent
    #[command(after_help = DEREGISTER)]
    Deregister(Id),
    /// Reports that a check with a time to live passes
    #[command(after_help = PASS)]
    Pass(Report),
    /// Reports that it warns
    #[command(after_help = WARN)]
    Warn(Report),
    /// Reports that it is critical
    #[command(after_help = FAIL)]
    Fail(Report),
}

const LIST: &str = "\
Examples:
  konsulctl check ls
  konsulctl check ls --status critical
  konsulctl check ls --service web
  konsulctl check ls --local                 what this agent keeps";

const HISTORY: &str = "\
Examples:
  konsulctl check history beat
  konsulctl check history up --node db-host -o json

Exit codes: 0 the check is there; 3 it is not.";

const REGISTER: &str = "\
Examples:
  konsulctl check register beat --ttl 30s
  konsulctl check register api --http http://127.0.0.1:8080/health --interval 10s --service web-1
  konsulctl check register --file checks.hcl

Several checks of a file go in one request, each for itself.

Exit codes: 0 all are registered; 1 at least one is not; 2 the definition cannot be used; 3 there is no such instance.";

const DEREGISTER: &str = "\
Examples:
  konsulctl check deregister beat

Exit codes: 0 it is gone; 3 this agent keeps no such check.";

const PASS: &str = "\
Examples:
  konsulctl check pass beat
  konsulctl check pass beat '42 jobs done'

Exit codes: 0 it is noted; 3 this agent keeps no such check; 4 the check has no time to live.";

const WARN: &str = "\
Examples:
  konsulctl check warn beat 'the queue grows'

Exit codes: 0 it is noted; 3 this agent keeps no such check; 4 the check has no time to live.";

const FAIL: &str = "\
Examples:
  konsulctl check fail beat 'no worker is left'

Exit codes: 0 it is noted; 3 this agent keeps no such check; 4 the check has no time to live.";

/// Which checks are listed.
#[derive(Debug, Args)]
pub struct List {
    /// Those that the answering agent keeps
    #[arg(long, conflicts_with_all = ["node", "service", "status"])]
    local: bool,
    /// Those on this node
    #[arg(long, value_name = "NODE", conflicts_with = "service")]
    node: Option<String>,
    /// Those of this service's instances
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,
    /// Those that stand so: passing, warning or critical
    #[arg(long, value_name = "STATUS", value_parser = ["passing", "warning", "critical"])]
    status: Option<String>,
    /// An expression of Consul's filter language
    #[arg(long, value_name = "EXPRESSION")]
    filter: Option<String>,
}

/// Which check's past.
#[derive(Debug, Args)]
pub struct History {
    /// The check's id
    id: String,
    /// Its node [default: the only one that has such a check]
    #[arg(long, value_name = "NODE")]
    node: Option<String>,
}

/// A check that is registered.
#[derive(Debug, Args)]
pub struct Register {
    /// Its id
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    id: Option<String>,
    /// A file with definitions of checks
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// A name for people [default: the id]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The instance that it is of [default: the node]
    #[arg(long, value_name = "ID")]
    service: Option<String>,
    /// It is critical without a report for so long
    #[arg(long, value_name = "DURATION", group = "kind")]
    ttl: Option<String>,
    /// It asks this URL
    #[arg(long, value_name = "URL", group = "kind")]
    http: Option<String>,
    /// It connects to host:port
    #[arg(long, value_name = "ADDRESS", group = "kind")]
    tcp: Option<String>,
    /// It asks host:port/service over gRPC
    #[arg(long, value_name = "ADDRESS", group = "kind")]
    grpc: Option<String>,
    /// How often it runs
    #[arg(long, value_name = "DURATION")]
    interval: Option<String>,
    /// How long a run may take
    #[arg(long, value_name = "DURATION")]
    timeout: Option<String>,
}

/// One check.
#[derive(Debug, Args)]
pub struct Id {
    /// The check's id
    id: String,
}

/// A report.
#[derive(Debug, Args)]
pub struct Report {
    /// The check's id
    id: String,
    /// What it says
    #[arg(value_name = "OUTPUT", default_value = "", hide_default_value = true)]
    says: String,
}

impl Check {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        match self {
            Check::Ls(arguments) => list(arguments, run).await,
            Check::History(arguments) => history(arguments, run).await,
            Check::Run(arguments) => arguments.run(run).await,
            Check::Register(arguments) => register(arguments, run).await,
            Check::Deregister(arguments) => deregister(&arguments.id, run).await,
            Check::Pass(report) => update(report, Status::Passing, run).await,
            Check::Warn(report) => update(report, Status::Warning, run).await,
            Check::Fail(report) => update(report, Status::Critical, run).await,
        }
    }
}

async fn list(arguments: List, run: &mut Run<'_>) -> Outcome {
    let client = run.client()?;
    if arguments.local {
        let found = client.v2().agent_checks(arguments.filter.as_deref()).await;
        let found = found.map_err(|e| run.failed(&e))?;
        return run.out().list(&found.items, "this agent keeps no check");
    }
    let List { node, service, status, filter, .. } = arguments;
    let narrow = Narrow { filter, ..Narrow::default() };
    let mut pages = client.v2().check_list(&CheckSelect { node, service, status }, &narrow);
    let mut listing = Listing::default();
    while let Some(page) = pages.page().await.map_err(|e| run.failed(&e))? {
        run.out().page(&mut listing, &page.items)?;
    }
    run.out().end(&listing, "no check matches")
}

async fn history(arguments: History, run: &mut Run<'_>) -> Outcome {
    let client = run.client()?;
    let id = arguments.id;
    let node = match arguments.node {
        Some(node) => node,
        None => {
            let filter = Some(format!("CheckID == {id:?}"));
            let narrow = Narrow { filter, ..Narrow::default() };
            let found = client.v2().check_list(&CheckSelect::default(), &narrow).all().await;
            let found = found.map_err(|e| run.failed(&e))?;
            match &found[..] {
                [] => return Err(unknown(&id)),
                [one] => one.node.clone(),
                several => {
                    let nodes: Vec<&str> = several.iter().map(|one| one.node.as_str()).collect();
                    let what = format!("several nodes have a check {id}: {}", nodes.join(", "));
                    return Err(Failure::with(Exit::Usage, what).next("name one with --node"));
                }
            }
        }
    };
    let found = client.v2().check_history(&node, &id).await.map_err(|e| run.failed(&e))?;
    let Some(found) = found else { return Err(unknown(&id)) };
    match run.format() {
        Format::Json | Format::Yaml => run.out().one(&Past(found)),
        _ => run.out().list(&found.transitions, "its status never changed"),
    }
}

fn unknown(id: &str) -> Failure {
    Failure::with(Exit::NotFound, format!("there is no check {id}")).next("konsulctl check ls")
}

/// A check with its past, for programs.
#[derive(Serialize)]
#[serde(transparent)]
struct Past(konsul_client::v2::api::catalog::CheckHistory);

impl Row for Past {
    const COLUMNS: &'static [Column] = &[Column::text("ID", 9), Column::text("STATUS", 8)];

    fn cells(&self) -> Vec<String> {
        vec![self.0.check.id.clone(), self.0.check.status.as_str().to_owned()]
    }
}

async fn register(arguments: Register, run: &mut Run<'_>) -> Outcome {
    let client = run.client()?;
    if let Some(path) = &arguments.file {
        let found = service::read(path)?;
        if !found.services.is_empty() {
            let what = format!("{} defines services too", path.display());
            return Err(Failure::with(Exit::Usage, what).next("konsulctl service register FILE"));
        }
        let body = |one: &konsul_config::Placed<konsul_config::CheckDefinition>| {
            (one.definition.id_in(None, 1, 1), service::check_body(&one.definition))
        };
        let checks: Vec<_> = found.checks.iter().map(body).collect();
        if checks.len() > 1 {
            return service::register_all(&client, &[], &checks, false, run).await;
        }
        for (id, body) in checks {
            client.v2().agent_check_register(&id, &body).await.map_err(|e| run.failed(&e))?;
            run.out().done(&format!("Registered {id}"), &Named { id })?;
        }
        return Ok(());
    }
    let id = arguments.id.unwrap_or_default();
    let definition = CheckDefinition {
        name: arguments.name.unwrap_or_else(|| id.clone()),
        service_id: arguments.service,
        ttl: arguments.ttl,
        http: arguments.http.unwrap_or_default(),
        tcp: arguments.tcp.unwrap_or_default(),
        grpc: arguments.grpc.unwrap_or_default(),
        interval: arguments.interval,
        timeout: arguments.timeout,
        ..CheckDefinition::default()
    };
    client.v2().agent_check_register(&id, &definition).await.map_err(|e| run.failed(&e))?;
    run.out().done(&format!("Registered {id}"), &Named { id })
}

async fn deregister(id: &str, run: &mut Run<'_>) -> Outcome {
    let client = run.client()?;
    client.v2().agent_check_deregister(id).await.map_err(|e| run.failed(&e))?;
    run.out().done(&format!("Deregistered {id}"), &Named { id: id.to_owned() })
}

async fn update(report: Report, status: Status, run: &mut Run<'_>) -> Outcome {
    let client = run.client()?;
    let update = CheckUpdate { status, output: report.says };
    client.v2().agent_check_update(&report.id, &update).await.map_err(|e| run.failed(&e))?;
    run.out().done(&format!("{} is {}", report.id, status.as_str()), &Named { id: report.id.clone() })
}

/// A check of which only the id is told.
#[derive(Serialize)]
struct Named {
    id: String,
}

impl Row for Named {
    const COLUMNS: &'static [Column] = &[Column::whole("ID", 9)];

    fn cells(&self) -> Vec<String> {
        vec![self.id.clone()]
    }
}

/// What `health` shows.
#[derive(Debug, Args)]
#[command(after_help = HEALTH)]
pub struct Health {
    /// The service
    name: String,
    /// Stays, and shows what changes: on a terminal as a table that is drawn again, else a line for each change
    #[arg(long)]
    watch: bool,
}

const HEALTH: &str = "\
Examples:
  konsulctl health web
  konsulctl health web -o json
  konsulctl health web --watch

Exit codes: 0 at least one instance can be used; 1 all of them are critical; 3 there is none; 130 Ctrl-C with --watch.";

impl Health {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        if self.watch {
            let of = ServiceTarget { name: self.name.clone(), ..ServiceTarget::default() };
            let empty = "no instance is registered";
            return live::run(Target::Service(of), &self.name, empty, run).await;
        }
        let client = run.client()?;
        let found = client.v2().service_instances(&self.name, &Narrow::default()).all().await;
        let found = found.map_err(|e| run.failed(&e))?;
        if found.is_empty() {
            let failure = Failure::with(Exit::NotFound, format!("there is no service {}", self.name));
            return Err(failure.next("konsulctl service ls"));
        }
        run.out().list(&found, "")?;
        if run.format() == Format::Table {
            let bad: Vec<_> = found
                .iter()
                .flat_map(|one| &one.checks)
                .filter(|check| check.status != Status::Passing)
                .cloned()
                .collect();
            if !bad.is_empty() {
                run.out().line("")?;
                run.out().list(&bad, "")?;
            }
        }
        let usable = found.iter().any(|one| one.status != Some(Status::Critical));
        if usable { Ok(()) } else { Err(Failure::with(Exit::Failed, "every instance is critical")) }
    }
}
