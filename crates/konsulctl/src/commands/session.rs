//! `session`: leases that keys and locks hang on.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand, ValueEnum};
use konsul_client::v2::api::session::{Behavior, Session as Found, SessionCreate};
use konsul_client::v2::api::time::Timestamp;
use serde::Serialize;

use super::{Covered, covers};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Column, Row, ago};
use crate::run::Run;

/// What each command covers.
pub(crate) const OPERATIONS: &[Covered] = &[
    covers("session create", &["session_create"]),
    covers("session list", &["session_list"]),
    covers("session get", &["session_get"]),
    covers("session renew", &["session_renew"]),
    covers("session destroy", &["session_destroy"]),
];

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub enum Session {
    /// Makes a session and prints its id
    #[command(after_help = CREATE)]
    Create(Create),
    /// Lists the sessions that live
    #[command(visible_alias = "ls", after_help = LIST)]
    List(List),
    /// Shows a session
    #[command(after_help = GET)]
    Get(Id),
    /// Starts a session's time to live anew
    #[command(after_help = RENEW)]
    Renew(Id),
    /// Ends a session, if it lives: its locks go to the next in their queues, its keys are freed or removed
    #[command(after_help = DESTROY)]
    Destroy(Id),
}

const CREATE: &str = "\
Examples:
  konsulctl session create --name deploy --ttl 30s
  konsulctl session create --ttl 10s --behavior delete --lock-delay 0s

A script keeps the id: SESSION=$(konsulctl session create --ttl 30s)";

const LIST: &str = "\
Examples:
  konsulctl session list
  konsulctl session list --output json";

const GET: &str = "\
Examples:
  konsulctl session get $SESSION

Exit codes: 0 it lives; 3 it does not.";

const RENEW: &str = "\
Examples:
  konsulctl session renew $SESSION

Exit codes: 0 renewed; 3 it has ended.";

const DESTROY: &str = "\
Examples:
  konsulctl session destroy $SESSION";

/// What a new session is to be.
#[derive(Debug, Args)]
pub struct Create {
    /// A name for people
    #[arg(long, value_name = "NAME", default_value = "")]
    name: String,
    /// It ends unless it is renewed within this time, 10s to 24h; without it, only when its node fails
    #[arg(long, value_name = "DURATION")]
    ttl: Option<String>,
    /// How long a lock stays free after the session lost it, up to 60s [default: 15s]
    #[arg(long, value_name = "DURATION")]
    lock_delay: Option<String>,
    /// What becomes of the keys that it holds
    #[arg(long, value_enum, default_value_t = Ending::Release)]
    behavior: Ending,
    /// The node that it lives with [default: the answering one]
    #[arg(long, value_name = "NODE")]
    node: Option<String>,
    /// A check of the node that must not be critical; repeat it for more [default: the node's liveness]
    #[arg(long = "node-check", value_name = "CHECK")]
    node_checks: Vec<String>,
}

/// What becomes of a session's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Ending {
    /// They stay, and nobody holds them
    Release,
    /// They are removed
    Delete,
}

/// Which sessions are listed.
#[derive(Debug, Args)]
pub struct List {
    /// Only those of this node
    #[arg(long, value_name = "NODE")]
    node: Option<String>,
}

/// One session.
#[derive(Debug, Args)]
pub struct Id {
    /// The session's id
    #[arg(value_name = "SESSION")]
    id: String,
}

impl Session {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        match self {
            Session::Create(arguments) => create(arguments, run).await,
            Session::List(arguments) => list(&arguments, run).await,
            Session::Get(arguments) => get(&arguments.id, run).await,
            Session::Renew(arguments) => renew(&arguments.id, run).await,
            Session::Destroy(arguments) => destroy(&arguments.id, run).await,
        }
    }
}

async fn create(arguments: Create, run: &mut Run<'_>) -> Outcome {
    let wanted = SessionCreate {
        name: arguments.name,
        node: arguments.node,
        ttl: arguments.ttl,
        lock_delay: arguments.lock_delay,
        behavior: match arguments.behavior {
            Ending::Release => Behavior::Release,
            Ending::Delete => Behavior::Delete,
        },
        node_checks: (!arguments.node_checks.is_empty()).then_some(arguments.node_checks),
        service_checks: Vec::new(),
    };
    let client = run.client()?;
    let made = client.v2().session_create(&wanted).await.map_err(|e| run.failed(&e))?;
    let id = made.id.clone();
    run.out().done(&id, &Made(made))
}

async fn list(arguments: &List, run: &mut Run<'_>) -> Outcome {
    let client = run.client()?;
    let listed = client.v2().session_list(arguments.node.as_deref()).all().await;
    let found = listed.map_err(|e| run.failed(&e))?;
    run.out().list(&found, "no session lives")
}

async fn get(id: &str, run: &mut Run<'_>) -> Outcome {
    let client = run.client()?;
    match client.v2().session_get(id).await.map_err(|e| run.failed(&e))? {
        Some(session) => run.out().one(&session),
        None => Err(gone(id)),
    }
}

async fn renew(id: &str, run: &mut Run<'_>) -> Outcome {
    let client = run.client()?;
    match client.v2().session_renew(id).await.map_err(|e| run.failed(&e))? {
        Some(session) => {
            let sentence = match &session.ttl {
                Some(ttl) => format!("Renewed {id} for {ttl}"),
                None => format!("{id} has no time to live: it needs no renewal"),
            };
            run.out().done(&sentence, &session)
        }
        None => Err(gone(id)),
    }
}

async fn destroy(id: &str, run: &mut Run<'_>) -> Outcome {
    let client = run.client()?;
    client.v2().session_destroy(id).await.map_err(|e| run.failed(&e))?;
    run.out().done(&format!("Ended {id}"), &Named { id: id.to_owned() })
}

fn gone(id: &str) -> Failure {
    Failure::with(Exit::NotFound, format!("there is no session {id}: it never was, or it has ended"))
        .next("konsulctl session list")
}

/// A new session: a script wants its id alone.
#[derive(Serialize)]
#[serde(transparent)]
struct Made(Found);

impl Row for Made {
    const COLUMNS: &'static [Column] = &[Column::whole("ID", 9)];

    fn cells(&self) -> Vec<String> {
        vec![self.0.id.clone()]
    }
}

/// A session of which only the id is left.
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

impl Row for Found {
    const COLUMNS: &'static [Column] = &[
        Column::whole("ID", 9),
        Column::text("NAME", 8),
        Column::text("NODE", 5),
        Column::text("TTL", 7),
        Column::text("EXPIRES", 6),
        Column::text("BEHAVIOR", 4),
        Column::text("LOCK DELAY", 3),
        Column::text("CHECKS", 2),
        Column::number("CREATED AT", 1),
    ];

    fn cells(&self) -> Vec<String> {
        let expires = self.expires_at.map(|at| in_words(at, now())).unwrap_or_default();
        line(self, expires)
    }

    fn plain(&self) -> Vec<String> {
        line(self, self.expires_at.map(|at| at.to_string()).unwrap_or_default())
    }
}

fn line(session: &Found, expires: String) -> Vec<String> {
    let behavior = match session.behavior {
        Behavior::Release => "release",
        Behavior::Delete => "delete",
    };
    let checks = session.node_checks.iter().chain(session.service_checks.iter().map(|check| &check.id));
    vec![
        session.id.clone(),
        session.name.clone(),
        session.node.clone(),
        session.ttl.clone().unwrap_or_default(),
        expires,
        behavior.to_owned(),
        session.lock_delay.clone(),
        checks.map(String::as_str).collect::<Vec<_>>().join(","),
        session.create_index.to_string(),
    ]
}

/// The time now, as the server writes times.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// How far a point in time is from now. The clocks of two machines differ: a moment ago is said as such.
pub(crate) fn in_words(at: Timestamp, now: Timestamp) -> String {
    if at >= now {
        format!("in {}", ago(Duration::from_millis(at.0 - now.0)))
    } else {
        format!("{} ago", ago(Duration::from_millis(now.0 - at.0)))
    }
}
