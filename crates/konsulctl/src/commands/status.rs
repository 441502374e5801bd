//! `status`: whether the server is well, on one screen.

use std::time::{Duration, Instant};

use clap::Args;
use konsul_client::v2::V2;
use konsul_client::v2::api::backup::Backups;
use konsul_client::v2::api::system::{Health, Host, Server, System, Usage};
use konsul_client::{Client, Consistency, Error};
use serde::Serialize;

use super::session::{in_words, now};
use super::{Covered, covers};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Column, Format, Row, bytes};
use crate::run::Run;

/// What each command covers.
pub(crate) const OPERATIONS: &[Covered] = &[covers("status", &["system", "usage", "backup_list"])];

const MORE: &str = "\
Examples:
  konsulctl status
  konsulctl status --output json

Exit codes: 0 the server is well and somebody leads; 1 it is not, and why is said; 5 it cannot be reached.";

/// Shows whether the server is well, and who leads.
#[derive(Debug, Args)]
#[command(after_help = MORE)]
pub struct Status {}

impl Status {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let screen = Screen::ask(&client).await.map_err(|e| run.failed(&e))?;
        run.out().one(&screen)?;
        if let (Format::Table, Some(system)) = (run.format(), &screen.system) {
            run.out().line("")?;
            run.out().list(&system.servers, "the server knows of no servers")?;
        }
        screen.judge()
    }
}

/// Everything on the screen. What cannot be had now is left out.
#[derive(Serialize)]
struct Screen {
    address: String,
    round_trip_ms: f64,
    health: Health,
    system: Option<System>,
    usage: Option<Usage>,
    backups: Option<Backups>,
}

impl Screen {
    async fn ask(client: &Client) -> Result<Screen, Error> {
        let begun = Instant::now();
        let health = client.v2().health().await?;
        let round_trip = begun.elapsed();
        // Whatever this server has: also one that nobody leads can say what it is.
        let stale = Some(Consistency::Stale);
        let v2: V2<'_> = client.v2();
        let system = told(v2.system(stale).await)?;
        let usage = told(v2.usage(stale).await)?;
        let backups = told(v2.backup_list().await)?;
        Ok(Screen {
            address: client.address().to_owned(),
            round_trip_ms: round_trip.as_secs_f64() * 1000.0,
            health,
            system,
            usage,
            backups,
        })
    }

    fn judge(&self) -> Outcome {
        let leaderless = self.system.as_ref().is_some_and(|system| system.leader.is_none());
        if !self.health.live || !self.health.ready {
            let mut failure = Failure::with(Exit::Failed, "the server is not well");
            for reason in &self.health.reasons {
                failure = failure.detail(reason.clone());
            }
            return Err(failure.next("look at its log: konsulctl debug, or `konsul monitor`"));
        }
        if leaderless {
            return Err(Failure::with(
                Exit::Failed,
                "nobody leads: writes wait until the servers have elected a leader",
            ));
        }
        Ok(())
    }
}

/// A refusal leaves a line out; a server that is gone ends the command.
fn told<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.status().is_some() => Ok(None),
        Err(error) => Err(error),
    }
}

fn health(health: &Health) -> String {
    let word = match (health.live, health.ready) {
        (true, true) => "well",
        (true, false) => "not ready",
        (false, _) => "broken",
    };
    let reasons = health.reasons.iter().map(String::as_str);
    std::iter::once(word).chain(reasons).collect::<Vec<_>>().join(": ")
}

fn leader(system: &System) -> String {
    let Some(address) = &system.leader else { return "nobody".to_owned() };
    match system.servers.iter().find(|server| server.leader) {
        Some(server) if server.node_name == system.node_name => format!("this server ({address})"),
        Some(server) => format!("{} ({address})", server.node_name),
        None => address.clone(),
    }
}

fn of_total(free: u64, total: u64) -> String {
    if total == 0 {
        return String::new();
    }
    let percent = free as f64 * 100.0 / total as f64;
    format!("{} of {} free ({percent:.0} %)", bytes(free), bytes(total))
}

fn disk(host: &Host) -> String {
    if host.disk_bytes == 0 {
        "none: all is in memory".to_owned()
    } else {
        of_total(host.disk_free_bytes, host.disk_bytes)
    }
}

fn held(usage: &Usage) -> String {
    let sum = |of: fn(&konsul_client::v2::api::system::NamespaceUsage) -> u64| -> u64 {
        usage.namespaces.iter().map(of).sum()
    };
    let (keys, size, sessions) = (sum(|n| n.keys), sum(|n| n.bytes), sum(|n| n.sessions));
    let namespaces = match usage.namespaces.len() {
        0 | 1 => String::new(),
        many => format!(" in {many} namespaces"),
    };
    format!("{} ({}){namespaces}, {}", many(keys, "key"), bytes(size), many(sessions, "session"))
}

fn many(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

fn backups(backups: &Backups) -> String {
    if !backups.enabled {
        return "off".to_owned();
    }
    match &backups.last_run {
        None => "none yet".to_owned(),
        Some(last) => match &last.failure {
            None => format!("the last one {}", in_words(last.at, now())),
            Some(why) => format!("the last one failed {}: {why}", in_words(last.at, now())),
        },
    }
}

impl Row for Screen {
    const COLUMNS: &'static [Column] = &[
        Column::text("SERVER", 9),
        Column::text("HEALTH", 9),
        Column::text("LEADER", 8),
        Column::text("INDEX", 7),
        Column::text("HOLDS", 6),
        Column::text("BACKUPS", 5),
        Column::text("MEMORY", 4),
        Column::text("DISK", 5),
        Column::text("ANSWERED IN", 3),
    ];

    fn cells(&self) -> Vec<String> {
        let of = |text: Option<String>| text.unwrap_or_else(|| "not known now".to_owned());
        let system = self.system.as_ref();
        let server = system.map_or_else(
            || self.address.clone(),
            |s| format!("{} at {}, konsul {}, {}", s.node_name, self.address, s.version, s.datacenter),
        );
        let host = system.map(|system| &system.host);
        vec![
            server,
            health(&self.health),
            of(system.map(leader)),
            of(system.map(|system| system.index.to_string())),
            of(self.usage.as_ref().map(held)),
            of(self.backups.as_ref().map(backups)),
            of(host.map(|host| of_total(host.memory_available_bytes, host.memory_bytes))),
            of(host.map(disk)),
            millis(Duration::from_secs_f64(self.round_trip_ms / 1000.0)),
        ]
    }

    fn plain(&self) -> Vec<String> {
        let system = self.system.as_ref();
        let of = |text: Option<String>| text.unwrap_or_default();
        vec![
            self.address.clone(),
            health(&self.health),
            of(system.and_then(|system| system.leader.clone())),
            of(system.map(|system| system.index.to_string())),
            of(self
                .usage
                .as_ref()
                .map(|usage| usage.namespaces.iter().map(|n| n.keys).sum::<u64>().to_string())),
            of(self.backups.as_ref().and_then(|b| Some(b.last_run.as_ref()?.at.to_string()))),
            of(system.map(|system| system.host.memory_available_bytes.to_string())),
            of(system.map(|system| system.host.disk_free_bytes.to_string())),
            format!("{:.3}", self.round_trip_ms),
        ]
    }
}

/// A short time for people.
pub(crate) fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

impl Row for Server {
    const COLUMNS: &'static [Column] = &[
        Column::text("NODE", 9),
        Column::text("ADDRESS", 8),
        Column::text("STATE", 8),
        Column::number("LAST INDEX", 5),
        Column::whole("ID", 2),
    ];

    fn cells(&self) -> Vec<String> {
        let state = match (self.leader, self.voter) {
            (true, _) => "leader",
            (_, true) => "follower",
            _ => "learner",
        };
        vec![
            self.node_name.clone(),
            self.address.clone(),
            state.to_owned(),
            self.last_index.to_string(),
            self.id.clone(),
        ]
    }
}
