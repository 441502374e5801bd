//! `debug`: Consul's bundle for a report, as far as what is in it is built. Secrets are taken out, which Consul leaves to
//! its user.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgMatches, Command};
use konsul_client::Client;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::bundle::{Bundle, Scrubber};
use crate::commands::debug::read_log;
use crate::commands::session::now;
use crate::console::Console;
use crate::consul::connection::{client_flags, connect, is_on, text};
use crate::consul::leaf;
use crate::consul::words::{arguments, option, switched_on};
use crate::failure::{Failure, Outcome};
use crate::output::parse_duration;
use crate::signals::Signals;

const MORE: &str = "\
Examples:
  konsul debug -duration=10s -interval=5s
  konsul debug -capture=agent,logs -duration=10s -output=report

Tokens, passwords and private keys are taken out. konsulctl debug collects more of what Konsul has.";

/// What can be captured, and what is by default.
const CAPTURES: [&str; 5] = ["agent", "host", "logs", "members", "metrics"];

pub(crate) fn command() -> Command {
    client_flags(leaf("konsul debug [OPTIONS]", "Collects what a report needs", MORE))
        .arg(
            option("capture", "LIST", "agent, host, logs, members, metrics")
                .default_value("agent,host,logs,members,metrics"),
        )
        .arg(option("duration", "DURATION", "How long figures and logs are collected").default_value("5m"))
        .arg(option("interval", "DURATION", "Between two looks at the figures").default_value("30s"))
        .arg(option("output", "PATH", "The file or folder, without .tar.gz").default_value(""))
        .arg(option("since", "DURATION", "Not built yet"))
        .args(switched_on(
            "archive",
            "no-archive",
            "Pack it into one file, as is usual; -archive=false makes a folder",
        ))
        .arg(arguments("", "").hide(true))
}

struct Wanted {
    capture: Vec<String>,
    duration: Duration,
    interval: Duration,
    output: String,
    archive: bool,
}

impl Wanted {
    fn of(matches: &ArgMatches) -> Result<Wanted, Failure> {
        if text(matches, "since").is_some() {
            return Err(Failure::new("-since is not built yet: logs are collected from now on"));
        }
        let of = |name: &str| text(matches, name).unwrap_or_default();
        let span = |name: &str| {
            parse_duration(of(name))
                .map_err(|e| Failure::new(format!("Capture validation failed: -{name}: {e}")))
        };
        let capture: Vec<String> = of("capture").split(',').map(|word| word.trim().to_owned()).collect();
        if let Some(word) = capture.iter().find(|word| !CAPTURES.contains(&word.as_str())) {
            let known = CAPTURES.join(", ");
            let why = if word == "pprof" { "not built yet" } else { "unknown" };
            return Err(Failure::new(format!(
                "Capture validation failed: -capture={word} is {why}; there are {known}"
            )));
        }
        let (duration, interval) = (span("duration")?, span("interval")?);
        if interval.is_zero() {
            return Err(Failure::new("Capture validation failed: interval must be longer than 0s"));
        }
        let stamp = now().to_string().replace(':', "-").replace(".", "-");
        let output = match of("output") {
            "" => format!("consul-debug-{stamp}"),
            given => given.trim_end_matches(".tar.gz").to_owned(),
        };
        Ok(Wanted { capture, duration, interval, output, archive: !is_on(matches, "no-archive") })
    }

    fn wants(&self, what: &str) -> bool {
        self.capture.iter().any(|word| word == what)
    }

    fn target(&self) -> String {
        if self.archive { format!("{}.tar.gz", self.output) } else { self.output.clone() }
    }
}

pub(crate) async fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let wanted = Wanted::of(matches)?;
    let client = connect(matches, console)?;
    let version = client.agent().version().await;
    let version = version.map_err(|e| Failure::new(format!("Capture validation failed: error querying target agent: {e}. verify connectivity and agent address")))?;
    let mut signals = Signals::listen()?;
    head(&wanted, &version.human_version, console)?;
    let secrets = ["CONSUL_HTTP_TOKEN", "KONSUL_HTTP_TOKEN", "CONSUL_HTTP_AUTH", "KONSUL_HTTP_AUTH"];
    let secrets = secrets.iter().filter_map(|name| console.env(name));
    let scrubber = Scrubber::knowing(secrets.chain(text(matches, "token").map(str::to_owned)));
    let folder = PathBuf::from(&wanted.output);
    let folder = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut bundle = Bundle::new(&folder, scrubber);
    let collected = collect(&wanted, &client, &mut bundle, &mut signals, console).await;
    bundle.json("index.json", index(&wanted, &version.human_version));
    let target = PathBuf::from(wanted.target());
    let written = if wanted.archive { bundle.write(&target).map(|_| ()) } else { bundle.unpacked(&target) };
    written.map_err(|e| Failure::new(format!("Archive creation failed: {}: {e}", target.display())))?;
    collected?;
    console.line(format!("Saved debug archive: {}", wanted.target()))
}

fn head(wanted: &Wanted, version: &str, console: &mut Console<'_>) -> Outcome {
    console.line("Starting debugger and capturing static information...")?;
    let facts = [
        ("Agent Version", format!("'{version}'")),
        ("Interval", format!("'{}s'", wanted.interval.as_secs_f64())),
        ("Duration", format!("'{}s'", wanted.duration.as_secs_f64())),
        ("Output", format!("'{}'", wanted.target())),
        ("Capture", format!("'{}'", wanted.capture.join(", "))),
    ];
    facts.iter().try_for_each(|(name, fact)| console.line(format!("{name:>18}: {fact}")))?;
    console.flush()
}

fn index(wanted: &Wanted, version: &str) -> Value {
    json!({
        "version": 1,
        "agentVersion": version,
        "interval": format!("{}s", wanted.interval.as_secs_f64()),
        "duration": format!("{}s", wanted.duration.as_secs_f64()),
        "targets": wanted.capture,
    })
}

async fn collect(
    wanted: &Wanted,
    client: &Client,
    bundle: &mut Bundle,
    signals: &mut Signals,
    console: &mut Console<'_>,
) -> Outcome {
    let failed = |what: &str, e: &konsul_client::Error| Failure::new(format!("Error capturing {what}: {e}"));
    for (what, path) in
        [("agent", "/v1/agent/self"), ("host", "/v1/agent/host"), ("members", "/v1/agent/members?wan=1")]
    {
        if wanted.wants(what) {
            let document = client.agent().raw(path).await.map_err(|e| failed(what, &e))?;
            bundle.json(&format!("{what}.json"), document);
        }
    }
    console.line(format!("Beginning capture interval {} (0)", now()))?;
    console.flush()?;
    let logs = async {
        if wanted.wants("logs") {
            read_log(client, "trace", wanted.duration).await
        } else {
            (String::new(), None)
        }
    };
    let both = async { tokio::join!(logs, figures(wanted, client)) };
    let ((log, lost), figures) = tokio::select! {
        both = both => both,
        _ = signals.next() => return Err(Failure::new("Capture interrupted; what was there is saved")),
    };
    if wanted.wants("logs") {
        bundle.text("consul.log", &log);
    }
    if wanted.wants("metrics") {
        bundle.text("metrics.json", &figures.0);
    }
    match lost.or(figures.1) {
        Some(error) => Err(failed("logs and metrics", &error)),
        None => Ok(()),
    }
}

/// The figures at each interval, a line of JSON each.
async fn figures(wanted: &Wanted, client: &Client) -> (String, Option<konsul_client::Error>) {
    let mut lines = String::new();
    let end = Instant::now() + wanted.duration;
    if !wanted.wants("metrics") {
        return (lines, None);
    }
    loop {
        match client.agent().raw("/v1/agent/metrics").await {
            Ok(document) => lines.push_str(&format!("{document}\n")),
            Err(error) => return (lines, Some(error)),
        }
        let next = Instant::now() + wanted.interval;
        if next > end {
            tokio::time::sleep_until(end).await;
            return (lines, None);
        }
        tokio::time::sleep_until(next).await;
    }
}
