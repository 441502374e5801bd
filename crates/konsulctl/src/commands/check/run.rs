//! `check run`: a definition tried out, by the runners that the agent has, without a server.

use std::time::Duration;

use clap::Args;
use konsul_checks::{Definition, Kind, Machine, Reach, try_once};
use konsul_config::{CheckDefinition, Definitions, GoDuration};
use serde::Serialize;
use serde_json::json;

use crate::commands::service;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Column, Format, Row, parse_duration};
use crate::payload;
use crate::progress::{Progress, Unit};
use crate::run::Run;
use crate::signals::Signals;

pub(super) const RUN: &str = "\
Examples:
  konsulctl check run api.hcl
  konsulctl check run - <api.hcl
  konsulctl check run --tcp $KONSUL_HTTP_ADDR --run-timeout 2s
  konsulctl check run --enable-script-checks -- /bin/true

Nothing is registered and no server is asked. A file is HCL, JSON or TOML as in the agent's config directory; the checks of \
its services run too, one after the other. Checks that run programs need --enable-script-checks, as on the agent. A check \
on the command line is of a new definition with an interval of 10s, or that of --run-timeout if it is longer. An agent does more than this: it counts results against \
the thresholds, and holds a check critical that changes to and fro too often (check_config.flap_changes).

Exit codes: 0 no check is critical; 1 at least one is; 2 the definition cannot be run; 3 the file has no check of that id; \
130 Ctrl-C, which also ends the program of a check.";

/// The interval of a check on the command line.
const INTERVAL: Duration = Duration::from_secs(10);

/// How often the display of a check that runs moves on.
const TICK: Duration = Duration::from_millis(TICK_MS);
const TICK_MS: u64 = 100;

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
    /// How often it would run [default: 10s, or that of --run-timeout if it is longer]
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
        let mut signals = Signals::listen()?;
        let mut tried = Vec::new();
        for (id, check) in &checks {
            let definition = Definition::wanted_alone(check).ok_or_else(|| {
                Failure::with(Exit::Usage, format!("check {id} says nothing that could be run"))
            })?;
            let progress = run.progress(&doing(id, &definition), 0, Unit::Time);
            let one = tokio::select! {
                one = seen(progress, Tried::of(id, check, &definition, &machine)) => one,
                // What is not waited for any more is killed with all that it started.
                code = signals.next() => return Err(Failure::Told(code)),
            };
            told(&one, tried.is_empty(), run)?;
            tried.push(one);
        }
        if run.format() != Format::Table {
            run.out().list(&tried, "")?;
        }
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
        let interval = self.interval.clone().unwrap_or_else(|| interval_for(self.run_timeout.as_deref()));
        let asked = [
            ("http", self.http.as_deref()),
            ("tcp", self.tcp.as_deref()),
            ("udp", self.udp.as_deref()),
            ("grpc", self.grpc.as_deref()),
            ("h2ping", self.h2ping.as_deref()),
            ("os_service", self.os_service.as_deref()),
        ];
        // It has no name of its own: what it is will do.
        let kind = asked.iter().find(|(_, value)| value.is_some()).map_or("script", |(kind, _)| kind);
        let given = [
            ("timeout", self.run_timeout.as_deref()),
            ("interval", Some(interval.as_str())),
            ("name", Some(kind)),
        ];
        block.extend(
            asked.iter().chain(&given).filter_map(|(key, value)| Some(((*key).to_owned(), json!((*value)?)))),
        );
        if !self.command.is_empty() {
            block.insert("args".to_owned(), json!(self.command));
        }
        let text = json!({ "check": block }).to_string();
        service::parse("the command line", text.as_bytes(), "nothing was run")
    }
}

/// The interval of a check for which none is given. A run takes no longer than the interval, and as long as was asked for.
fn interval_for(timeout: Option<&str>) -> String {
    let longer = |asked: &&str| parse_duration(asked).is_ok_and(|asked| asked > INTERVAL);
    timeout.filter(longer).map_or_else(|| span(INTERVAL), str::to_owned)
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

/// What runs, and for how long at most.
fn doing(id: &str, of: &Definition) -> String {
    match &of.kind {
        Kind::Polled(polled) => format!("check {id} runs, for {} at most:", span(polled.timeout_in_force())),
        _ => format!("check {id}"),
    }
}

/// Shows that something runs where it takes so long that somebody wonders.
async fn seen<T>(mut progress: Progress, work: impl Future<Output = T>) -> T {
    let mut tick = tokio::time::interval(TICK);
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = tick.tick() => progress.add(TICK_MS),
        }
    }
}

/// To people each is shown as soon as it has run, since each has much to say.
fn told(one: &Tried, first: bool, run: &mut Run<'_>) -> Outcome {
    if run.format() != Format::Table {
        return Ok(());
    }
    if !first {
        run.out().line("")?;
    }
    run.out().one(one)?;
    run.console.flush()
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
            notes.push(format!("its service is removed once it has been critical for {}", span(after)));
        }
        Tried {
            id: id.to_owned(),
            kind: check.kind().map_or("", |kind| kind.name()),
            status: result.as_ref().map(|result| result.finding.status.name()),
            asks: definition.asks(),
            output: result.as_ref().map(|result| result.finding.output.to_string()).unwrap_or_default(),
            took_ms: result.as_ref().map(|result| millis(result.took)),
            timeout: result.map(|result| span(result.timeout)),
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

/// A span as definitions write it.
fn span(of: Duration) -> String {
    GoDuration(i64::try_from(of.as_nanos()).unwrap_or(i64::MAX)).to_string()
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
            self.output.trim_end().to_owned(),
            self.took(),
            self.rule.to_owned(),
            self.thresholds(),
            self.notes.join("; "),
        ]
    }

    /// The output as it is, and the time as a number of milliseconds.
    fn plain(&self) -> Vec<String> {
        let mut cells = self.cells();
        cells[1] = self.status.unwrap_or_default().to_owned();
        cells[4].clone_from(&self.output);
        cells[5] = self.took_ms.map(|took| took.to_string()).unwrap_or_default();
        cells
    }
}
