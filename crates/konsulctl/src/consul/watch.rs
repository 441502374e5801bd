//! `watch`: what is there, once, or a command for each change of it.

mod go_json;
mod source;

use std::time::Duration;

use clap::{ArgMatches, Command};
use konsul_client::Client;
use konsul_client::blocking::{Step, Watch as Blocking};

use crate::child::{Child, Spec, Stdin};
use crate::console::Console;
use crate::consul::connection::{all_flags, connect, is_on, reading};
use crate::consul::input;
use crate::consul::leaf;
use crate::consul::shell::{script, status_text};
use crate::consul::words::{arguments, option, switch, switched_on};
use crate::failure::{Failure, Outcome};
use crate::signals::Signals;
use source::{Source, TYPES};

const MORE: &str = "\
Examples:
  konsul watch -type=key -key=app/color
  konsul watch -type=keyprefix -prefix=app/ ./handler.sh
  konsul watch -type=service -service=web -passingonly ./balancer.sh
  konsul watch -type=checks -state=critical
  konsul watch -type=event -name=deploy -shell=false /usr/local/bin/deploy

Without a command it prints what there is as JSON, and ends. With one it runs it now and at each change, with the JSON on
its standard input and the index in CONSUL_INDEX.

Exit codes: 0 printed, or ended by a signal; 1 any failure, also of the command.";

/// How long one read waits.
const WAIT: Duration = Duration::from_secs(300);

/// The first pause after a read that failed; it grows with the square of failures.
const PAUSE: Duration = Duration::from_secs(5);

/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(180);

/// From SIGTERM to SIGKILL for a command that runs when a signal comes.
const GRACE: Duration = Duration::from_secs(5);

pub(crate) fn command() -> Command {
    all_flags(leaf("konsul watch [OPTIONS] [COMMAND...]", "Runs a command for each change", MORE))
        .arg(option("type", "TYPE", TYPES))
        .arg(option("key", "KEY", "The key, for -type=key"))
        .arg(option("prefix", "PREFIX", "The prefix, for -type=keyprefix"))
        .arg(option("name", "NAME", "The event's name, for -type=event").default_value(""))
        .arg(option("service", "NAME", "The service, for -type=service; or whose checks, for -type=checks"))
        .arg(option("tag", "TAG", "A tag of its instances, for -type=service"))
        .arg(switch("passingonly", "Only instances of which every check passes, for -type=service"))
        .arg(option(
            "state",
            "STATE",
            "How the checks stand, for -type=checks: any, passing, warning or critical",
        ))
        .args(switched_on(
            "shell",
            "no-shell",
            "Run the command through a shell, as is usual; -shell=false does not",
        ))
        .arg(arguments("COMMAND", "What to run"))
}

pub(crate) async fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let source = Source::of(matches)?;
    let client = connect(matches, console)?;
    let mut signals = Signals::listen()?;
    // A first call that fails ends the command; later ones are made again.
    let known = client.agent().whoami().await;
    known.map_err(|e| Failure::new(format!("Error querying Consul agent: {e}")))?;
    let handler = input::arguments(matches);
    let words = script(&handler, !is_on(matches, "no-shell"), console);
    let base = reading(matches);
    let mut watch = Watch { source, client, blocking: Blocking::new(WAIT), failures: 0, last: None };
    loop {
        let news = tokio::select! {
            news = watch.next(&base, console) => news,
            _ = signals.next() => return Ok(()),
        };
        if handler.is_empty() {
            return console.line(news.indented());
        }
        let (index, input) = (watch.blocking.index(), news.compact() + "\n");
        if !handle(&words, index, &input, &mut signals).await? {
            return Ok(());
        }
    }
}

struct Watch {
    source: Source,
    client: Client,
    blocking: Blocking,
    failures: u32,
    last: Option<String>,
}

impl Watch {
    /// What is there, when it is not what was there at the last call.
    async fn next(
        &mut self,
        base: &konsul_client::ReadOptions,
        console: &mut Console<'_>,
    ) -> go_json::Document {
        loop {
            let options = self.blocking.options(base);
            let (document, meta) = match self.source.read(&self.client, &options).await {
                Ok(found) => found,
                Err(error) => {
                    self.pause(&error, console).await;
                    continue;
                }
            };
            self.failures = 0;
            if self.blocking.advance(meta) == Step::Unchanged {
                continue;
            }
            let text = document.compact();
            if self.last.replace(text.clone()) != Some(text) {
                return document;
            }
        }
    }

    async fn pause(&mut self, error: &konsul_client::Error, console: &mut Console<'_>) {
        self.failures += 1;
        let pause = PAUSE.saturating_mul(self.failures.saturating_mul(self.failures)).min(PAUSE_MAX);
        console.warn(&format!("Watch errored: {error}, retry in {}s", pause.as_secs()));
        tokio::time::sleep(pause).await;
    }
}

/// Runs the command. `false` if a signal came meanwhile.
async fn handle(words: &[String], index: u64, input: &str, signals: &mut Signals) -> Result<bool, Failure> {
    let spec = Spec {
        words: words.to_vec(),
        env: vec![("CONSUL_INDEX".to_owned(), index.to_string())],
        stdin: Stdin::Piped,
    };
    let mut child = Child::start(&spec).map_err(|e| Failure::new(format!("Error starting handler: {e}")))?;
    let stdin = child.stdin();
    let ended = {
        let feed = async {
            if let Some(mut stdin) = stdin {
                // A handler need not read what it does not want to know.
                let _ = tokio::io::AsyncWriteExt::write_all(&mut stdin, input.as_bytes()).await;
            }
        };
        tokio::select! {
            ((), status) = async { tokio::join!(feed, child.wait()) } => Some(status),
            _ = signals.next() => None,
        }
    };
    match ended {
        None => {
            // How it ends changes nothing now.
            let _ = child.stop(GRACE).await;
            Ok(false)
        }
        Some(Ok(status)) if status.success() => Ok(true),
        Some(Ok(status)) => Err(Failure::new(format!("Error executing handler: {}", status_text(status)))),
        Some(Err(error)) => Err(Failure::new(format!("Error executing handler: {error}"))),
    }
}
