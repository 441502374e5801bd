//! `check run`: a definition tried out, by the runners that the agent has, without a server.

use std::time::Duration;

use clap::Args;
use konsul_checks::{Definition, Kind, Machine, Reach, try_once};
use konsul_config::{CheckDefinition, Definitions};
use serde::Serialize;
use serde_json::json;

use crate::commands::service;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Column, Format, Row};
use crate::payload;
use crate::run::Run;

pub(super) const RUN: &str = "\
Examples:
  konsulctl check run api.hcl
  konsulctl check run - <api.hcl
  konsulctl check run --tcp $KONSUL_HTTP_ADDR --run-timeout 2s
  konsulctl check run --enable-script-checks -- /bin/true

Nothing is registered and no server is asked. A file is HCL, JSON or TOML as in the agent's config directory; the checks of \
its services run too. Checks that run programs need --enable-script-checks, as on the agent. A check without a name on the \
command line is of a new definition with an interval of 10s.

Exit codes: 0 no check is critical; 1 at least one is; 2 the definition cannot be run.";

/// What is run.
#[derive(Debug, Args)]
pub struct Once {
    /// A file with definitions of checks, or - for standard input
    #[arg(value_name = "FILE", required_unless_present_any = ["inline", "command"])]
    #[arg(conflicts_with_all = ["inline", "command", "interval", "run_timeout"])]
    file: Option<String>,
    /// Of a file's checks only the one with this id
    #[arg(long, value_name = "ID", requires = "file")]
    id: Option<String>,
    /// Asks this URL
    #[arg(long, value_name = "URL", group = "inline")]
    http: Option<String>,
    /// Connects to host:port
    #[arg(long, value_name = "ADDRESS", group = "inline")]
    tcp: Option<String>,
    /// Sends a datagram to host:port
    #[arg(long, value_name = "ADDRESS", group = "inline")]
    udp: Option<String>,
    /// Asks host:port/service over gRPC
    #[arg(long, value_name = "ADDRESS", group = "inline")]
    grpc: Option<String>,
    /// Sends a ping of HTTP/2 to host:port
    #[arg(long, value_name = "ADDRESS", group = "inline")]
    h2ping: Option<String>,
    /// Asks systemd about this unit
    #[arg(long, value_name = "UNIT", group = "inline")]
    os_service: Option<String>,
    /// How often it would run
    #[arg(long, value_name = "DURATION")]
    interval: Option<String>,
    /// How long a run may take
    #[arg(long = "run-timeout", value_name = "DURATION")]
    run_timeout: Option<String>,
    /// Lets checks run programs
    #[arg(long)]
    enable_script_checks: bool,
    /// Follows redirects, as an agent does with `check_config.allow_redirects`
    #[arg(long)]
    allow_redirects: bool,
    /// Goes to link-local addresses, as an agent does with `check_config.allow_link_local`
    #[arg(long)]
    allow_link_local: bool,
    /// A program and its arguments
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "inline")]
    command: Vec<String>,
}

impl Once {
    pub(super) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let checks = self.checks(run)?;
        let barred = checks.iter().find(|(_, check)| runs_program(check) && !self.enable_script_checks);
        if let Some((id, _)) = barred {
            let what = format!("check {id} runs a program, which is not allowed; nothing was run");
            return Err(Failure::with(Exit::Usage, what)
                .next("look at what it runs, then allow it: --enable-script-checks"));
        }
        let reach = Reach { redirects: self.allow_redirects, link_local: self.allow_link_local };
        let machine = Machine { reach, ..Machine::default() };
        let mut tried = Vec::new();
        for (id, check) in &checks {
            let definition = Definition::wanted_alone(check).ok_or_else(|| {
                Failure::with(Exit::Usage, format!("check {id} says nothing that could be run"))
            })?;
            tried.push(Tried::of(id, check, &definition, &machine).await);
        }
        show(&tried, run)?;
        verdict(&tried)
    }

    fn checks(&self, run: &mut Run<'_>) -> Result<Vec<(String, CheckDefinition)>, Failure> {
        let found = match self.file.as_deref() {
            Some("-") => service::parse("standard input", &payload::read("-", run)?, "nothing was run")?,
            Some(path) => {
                let bytes = payload::read(&format!("@{path}"), run)?;
                service::parse(path, &bytes, "nothing was run")?
            }
            None => self.inline()?,
        };
        let mut checks = all(&found);
        if let Some(id) = &self.id {
            checks.retain(|(one, _)| one == id);
        }
        if !checks.is_empty() {
            return Ok(checks);
        }
        let file = self.file.as_deref().unwrap_or_default();
        Err(match &self.id {
            Some(id) => Failure::with(Exit::NotFound, format!("{file} defines no check {id}")),
            None => Failure::with(Exit::Usage, format!("{file} defines no check")),
        })
    }

    /// The options as a file would say them, so that they are held to the same rules.
    fn inline(&self) -> Result<Definitions, Failure> {
        let mut block = serde_json::Map::new();
        let interval = self.interval.as_deref().unwrap_or("10s");
        let given = [
            ("http", self.http.as_deref()),
            ("tcp", self.tcp.as_deref()),
            ("udp", self.udp.as_deref()),
            ("grpc", self.grpc.as_deref()),
            ("h2ping", self.h2ping.as_deref()),
            ("os_service", self.os_service.as_deref()),
            ("timeout", self.run_timeout.as_deref()),
            ("interval", Some(interval)),
            ("name", Some("check")),
        ];
        block.extend(given.iter().filter_map(|(key, value)| Some(((*key).to_owned(), json!((*value)?)))));
        if !self.command.is_empty() {
            block.insert("args".to_owned(), json!(self.command));
        }
        let text = json!({ "check": block }).to_string();
        service::parse("the command line", text.as_bytes(), "nothing was run")
    }
}

/// Every check, also those in services, with the id that it gets.
fn all(of: &Definitions) -> Vec<(String, CheckDefinition)> {
    let inside = of.services.iter().flat_map(konsul_config::Placed::checks);
    let inside = inside.map(|(id, check, _)| (id, check.clone()));
    let outside = of.checks.iter().map(|one| (one.definition.id_in(None, 1, 1), one.definition.clone()));
    inside.chain(outside).collect()
}

fn runs_program(check: &CheckDefinition) -> bool {
    !check.script_args.is_empty()
}

/// One by one for people, since each has much to say.
fn show(tried: &[Tried], run: &mut Run<'_>) -> Outcome {
    if run.format() != Format::Table {
        return run.out().list(tried, "");
    }
    for (number, one) in tried.iter().enumerate() {
        if number > 0 {
            run.out().line("")?;
        }
        run.out().one(one)?;
    }
    Ok(())
}

fn verdict(tried: &[Tried]) -> Outcome {
    let critical: Vec<&str> =
        tried.iter().filter(|one| one.status == Some("critical")).map(|one| one.id.as_str()).collect();
    if !critical.is_empty() {
        return Err(Failure::with(Exit::Failed, format!("critical: {}", critical.join(", "))));
    }
    if tried.iter().all(|one| one.status.is_none()) {
        let what = "no check of these runs anything: somebody reports for them, or they repeat other checks";
        return Err(Failure::with(Exit::Usage, what)
            .next("konsulctl check pass ID")
            .next("konsulctl check ls"));
    }
    Ok(())
}

/// After so many such results in a row a check that stood otherwise has this status.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Step {
    results: u32,
    status: &'static str,
}

/// A check that was run once.
#[derive(Debug, Serialize)]
struct Tried {
    id: String,
    kind: &'static str,
    /// None for a check that runs nothing.
    status: Option<&'static str>,
    asks: String,
    output: String,
    took_ms: Option<f64>,
    timeout: Option<String>,
    rule: &'static str,
    then: Vec<Step>,
    /// What else would be done with it, and what of its definition is not taken as it stands.
    notes: Vec<String>,
}

impl Tried {
    async fn of(id: &str, check: &CheckDefinition, definition: &Definition, machine: &Machine) -> Tried {
        let result = try_once(definition, machine).await;
        let status = result.as_ref().map(|result| result.finding.status);
        let then = match (&definition.kind, status) {
            (Kind::Polled(polled), Some(status)) => polled
                .thresholds
                .steps(status)
                .into_iter()
                .map(|(results, status)| Step { results, status: status.name() })
                .collect(),
            _ => Vec::new(),
        };
        let mut notes: Vec<String> = definition.adjustments().iter().map(ToString::to_string).collect();
        if let Some(after) = definition.deregister_critical_after {
            notes.push(format!("its service is removed once it has been critical for {after:?}"));
        }
        if matches!(definition.kind, Kind::Polled(_)) {
            notes.push(
                "where it changes to and fro too often it is held critical (check_config.flap_changes)"
                    .into(),
            );
        }
        Tried {
            id: id.to_owned(),
            kind: check.kind().map_or("", |kind| kind.name()),
            status: result.as_ref().map(|result| result.finding.status.name()),
            asks: definition.asks(),
            output: result.as_ref().map(|result| result.finding.output.to_string()).unwrap_or_default(),
            took_ms: result.as_ref().map(|result| millis(result.took)),
            timeout: result.map(|result| format!("{:?}", result.timeout)),
            rule: definition.rule(machine.reach),
            then,
            notes,
        }
    }

    fn took(&self) -> String {
        match (self.took_ms, &self.timeout) {
            (Some(took), Some(timeout)) => format!("{took} ms of at most {timeout}"),
            _ => String::new(),
        }
    }

    /// What the thresholds make of such a result.
    fn thresholds(&self) -> String {
        let says = |step: &Step| format!("{} after {} in a row", step.status, step.results);
        match &self.then[..] {
            [] => String::new(),
            [Step { results: 1, status }] => format!("{status} at once"),
            steps => {
                let steps: Vec<String> = steps.iter().map(says).collect();
                let first = self.status.unwrap_or_default();
                format!("{}; the first result of a new check counts at once: {first}", steps.join(", then "))
            }
        }
    }
}

/// Milliseconds to a hundredth.
fn millis(span: Duration) -> f64 {
    (span.as_secs_f64() * 100_000.0).round() / 100.0
}

impl Row for Tried {
    const COLUMNS: &'static [Column] = &[
        Column::text("CHECK", 9),
        Column::text("STATUS", 8),
        Column::text("KIND", 4),
        Column::text("ASKS", 6),
        Column::text("ANSWER", 7),
        Column::text("TOOK", 5),
        Column::text("RULE", 3),
        Column::text("THEN", 3),
        Column::text("NOTES", 2),
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.status.unwrap_or("none: nothing was run").to_owned(),
            self.kind.to_owned(),
            self.asks.clone(),
            self.output.clone(),
            self.took(),
            self.rule.to_owned(),
            self.thresholds(),
            self.notes.join("; "),
        ]
    }
}
