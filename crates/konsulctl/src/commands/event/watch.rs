//! `event watch`: events as they are fired.
//!
//! A blocking read says that something was fired; the list of what the server keeps says what. Events have a place of their
//! own in time, counted without gaps, so that one that fell out of the list unseen is noticed and told.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use konsul_client::blocking::{Step, Watch as Blocking};
use konsul_client::v2::api::event::Event;
use konsul_client::{Client, Error, ReadOptions};

use crate::failure::{Failure, Outcome};
use crate::handler::Handler;
use crate::run::Run;
use crate::signals::Signals;

pub(super) const MORE: &str = "\
Examples:
  konsulctl event watch
  konsulctl event watch --name deploy --count 1
  konsulctl event watch --name deploy -- ./deploy.sh

The command gets each event as a line of JSON on its standard input, in the form that --output json prints. If it fails,
the watch ends. Events from before the watch are not shown.

Exit codes: 0 after --count events; 1 the command failed; 5 no server; 6 the connection broke; 130 Ctrl-C.";

/// How long one read waits.
const WAIT: Duration = Duration::from_secs(60);

/// Which events, and what for.
#[derive(Debug, Args)]
pub struct Watch {
    /// Only those of this name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Ends after so many events
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// A command for each event, after --
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl Watch {
    pub(super) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let mut signals = Signals::listen()?;
        let client = run.client()?;
        let handler = (!self.command.is_empty()).then(|| Handler { words: self.command.clone() });
        let mut feed =
            Feed { client: &client, name: self.name.as_deref(), blocking: Blocking::new(WAIT), seen: None };
        let mut left = self.count;
        loop {
            let news = tokio::select! {
                news = feed.next() => news.map_err(|e| run.failed(&e))?,
                code = signals.next() => return Err(Failure::Told(code)),
            };
            if news.missed > 0 {
                run.note(&format!(
                    "{} events fell out of the server's list before they could be read",
                    news.missed
                ));
            }
            for event in news.events {
                show(&event, handler.as_ref(), run, &mut signals).await?;
                left = left.map(|left| left - 1);
                if left == Some(0) {
                    return Ok(());
                }
            }
        }
    }
}

async fn show(event: &Event, handler: Option<&Handler>, run: &mut Run<'_>, signals: &mut Signals) -> Outcome {
    let Some(handler) = handler else { return run.out().item(event) };
    let mut input = serde_json::to_vec(event).map_err(|e| Failure::new(e.to_string()))?;
    input.push(b'\n');
    let env = vec![
        ("KONSUL_EVENT_NAME".to_owned(), event.name.clone()),
        ("KONSUL_EVENT_ID".to_owned(), event.id.clone()),
    ];
    handler.run(&input, env, signals).await
}

struct Feed<'a> {
    client: &'a Client,
    name: Option<&'a str>,
    blocking: Blocking,
    /// The last event known, by its logical time; `None` before the first look.
    seen: Option<u64>,
}

struct News {
    events: Vec<Event>,
    missed: u64,
}

impl Feed<'_> {
    /// What was fired since the last look; waits until something was.
    async fn next(&mut self) -> Result<News, Error> {
        loop {
            if self.seen.is_some() {
                self.wait().await?;
            }
            let kept = self.client.v2().event_list(None).all().await?;
            let newest = kept.iter().map(|event| event.logical_time).max().unwrap_or(0);
            let Some(seen) = self.seen.replace(newest) else {
                // From now on: what was there at the first look is known.
                continue;
            };
            // A restore of a backup may take the count back: then all of it is new.
            let seen = if newest < seen { 0 } else { seen };
            let new: BTreeMap<u64, Event> = kept
                .into_iter()
                .filter(|event| event.logical_time > seen)
                .map(|event| (event.logical_time, event))
                .collect();
            let missed = missed(seen, &new);
            let events = new.into_values().filter(|event| self.name.is_none_or(|name| event.name == name));
            let events: Vec<Event> = events.collect();
            if !events.is_empty() || missed > 0 {
                return Ok(News { events, missed });
            }
        }
    }

    async fn wait(&mut self) -> Result<(), Error> {
        loop {
            let options = self.blocking.options(&ReadOptions::default());
            let answer = self.client.event().list(None, &options).await?;
            if self.blocking.advance(answer.meta) != Step::Unchanged {
                return Ok(());
            }
        }
    }
}

/// How many events between the last one known and the oldest new one are gone. The list is of the newest for this node:
/// gaps inside it are events for other nodes.
fn missed(seen: u64, new: &BTreeMap<u64, Event>) -> u64 {
    const KEPT: usize = 256;
    match new.first_key_value() {
        Some((oldest, _)) if new.len() >= KEPT => oldest.saturating_sub(seen + 1),
        _ => 0,
    }
}
