//! `lock`: a command under a lock, or under one of several places, on keys that every Consul client understands.
//!
//! With one holder it is a key that a session holds, `PREFIX/.lock`; with more it is Consul's semaphore. Both give the
//! same three steps, [`Place`]: acquire, watch until it is lost, release. A child whose place is lost is stopped.

mod exclusive;
mod semaphore;
mod session;

use std::time::Duration;

use clap::{ArgMatches, Command};
use konsul_client::{Client, Error};

use crate::child::{Child, Spec, Stdin};
use crate::clock::since_boot;
use crate::console::Console;
use crate::consul::connection::{client_flags, connect, is_on, server_flags, text};
use crate::consul::input;
use crate::consul::leaf;
use crate::consul::shell::{script, status_text};
use crate::consul::words::{arguments, option, switch, switched_on};
use crate::failure::{Failure, Outcome};
use crate::output::parse_duration;
use crate::signals::Signals;
use exclusive::Exclusive;
use semaphore::Semaphore;
use session::Session;

const MORE: &str = "\
Examples:
  konsul lock service/db/leader ./run-as-leader.sh
  konsul lock -n=3 -timeout=10s batch/workers ./work.sh
  konsul lock -child-exit-code deploy make deploy

The command finds CONSUL_LOCK_HELD=true. When the lock is lost it gets SIGTERM, and SIGKILL after 5 s.
For a lock with a queue and fencing numbers: konsulctl lock run.

Exit codes: 0 the command ran, however it ended; 1 no lock, or it was lost; 2 with -child-exit-code, the command failed.";

/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(5);

/// Between two tries while a lock's delay runs.
const RETRY: Duration = Duration::from_secs(5);

/// The longest that a read waits for a change.
const WAIT: Duration = Duration::from_secs(15);

pub(crate) fn command() -> Command {
    server_flags(client_flags(leaf(
        "konsul lock [OPTIONS] PREFIX COMMAND...",
        "Runs a command under a lock",
        MORE,
    )))
    .arg(option("n", "NUMBER", "How many may hold it at once").default_value("1"))
    .arg(option("name", "NAME", "The session's name").default_value(""))
    .arg(
        option("timeout", "DURATION", "How long to wait for it; 0s for as long as it takes")
            .default_value("0s"),
    )
    .arg(option("try", "DURATION", "An older name of -timeout").hide(true))
    .arg(
        option("monitor-retry", "NUMBER", "How often a failed look at the lock is repeated")
            .default_value("3"),
    )
    .arg(switch("pass-stdin", "Hand standard input on to the command"))
    .arg(switch("child-exit-code", "Exit with 2 if the command failed"))
    .arg(switch("verbose", "Say what happens"))
    .args(switched_on(
        "shell",
        "no-shell",
        "Run the command through a shell, as is usual; -shell=false does not",
    ))
    .arg(arguments("PREFIX COMMAND", "Below which key the lock is, and what to run"))
}

/// What was asked for.
struct Wanted {
    prefix: String,
    name: String,
    limit: u64,
    wait: Option<Duration>,
    retries: u32,
    verbose: bool,
}

impl Wanted {
    fn of(matches: &ArgMatches) -> Result<Wanted, Failure> {
        let given = input::arguments(matches);
        let number = |flag: &str| text(matches, flag).unwrap_or_default().parse::<i64>();
        let limit = number("n").map_err(|_| Failure::new("-n takes a number"))?;
        if limit <= 0 {
            return Err(Failure::new("Lock holder limit must be positive"));
        }
        let [prefix, command @ ..] = given.as_slice() else {
            return Err(Failure::new("Key prefix and child command must be specified"));
        };
        if command.is_empty() {
            return Err(Failure::new("Key prefix and child command must be specified"));
        }
        let retries = number("monitor-retry").map_err(|_| Failure::new("-monitor-retry takes a number"))?;
        if retries < 0 {
            return Err(Failure::new("Number for 'monitor-retry' must be >= 0"));
        }
        let prefix = input::key(prefix).trim_end_matches('/').to_owned();
        let usual = format!("Consul lock for '{}' at '{prefix}'", command.join(" "));
        let name = text(matches, "name").filter(|name| !name.is_empty()).map_or(usual, str::to_owned);
        Ok(Wanted {
            prefix,
            name,
            limit: limit.unsigned_abs(),
            wait: wait(matches)?,
            retries: u32::try_from(retries).unwrap_or(u32::MAX),
            verbose: is_on(matches, "verbose"),
        })
    }
}

fn wait(matches: &ArgMatches) -> Result<Option<Duration>, Failure> {
    let given = text(matches, "try").or_else(|| text(matches, "timeout")).unwrap_or("0s");
    if given.starts_with('-') {
        return Err(Failure::new("Timeout must be positive"));
    }
    let wait = parse_duration(given).map_err(|e| Failure::new(format!("-timeout={given}: {e}")))?;
    Ok((!wait.is_zero()).then_some(wait))
}

/// A place under the lock.
enum Place {
    Exclusive(Exclusive),
    Semaphore(Semaphore),
}

/// Why a place was not had, or not given back.
#[derive(Debug)]
enum Trouble {
    Call(Error),
    /// In Consul's words.
    Said(String),
    /// Others hold it: it cannot be tidied up.
    InUse,
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        Trouble::Call(error)
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trouble::Call(error) => error.fmt(f),
            Trouble::Said(text) => f.write_str(text),
            Trouble::InUse => f.write_str("Lock in use"),
        }
    }
}

impl Place {
    fn new(client: &Client, session: &str, wanted: &Wanted) -> Place {
        let (client, session, prefix) = (client.clone(), session.to_owned(), &wanted.prefix);
        if wanted.limit == 1 {
            Place::Exclusive(Exclusive { client, session, key: under(prefix, ".lock") })
        } else {
            let limit = wanted.limit;
            Place::Semaphore(Semaphore { client, session, prefix: prefix.clone(), limit })
        }
    }

    /// Takes it; `false` if it was not to be had within the time.
    async fn acquire(&self, deadline: Option<Duration>) -> Result<bool, Trouble> {
        match self {
            Place::Exclusive(place) => place.acquire(deadline).await,
            Place::Semaphore(place) => place.acquire(deadline).await,
        }
    }

    /// Waits for the next change, at most [`WAIT`]; answers whether it is still held.
    async fn look(&self, index: &mut u64) -> Result<bool, Error> {
        match self {
            Place::Exclusive(place) => place.look(index).await,
            Place::Semaphore(place) => place.look(index).await,
        }
    }

    async fn release(&self) -> Result<(), Trouble> {
        match self {
            Place::Exclusive(place) => place.release().await,
            Place::Semaphore(place) => place.release().await,
        }
    }

    async fn clean_up(&self) -> Result<(), Trouble> {
        match self {
            Place::Exclusive(place) => place.clean_up().await,
            Place::Semaphore(place) => place.clean_up().await,
        }
    }

    /// Ends when it is lost.
    async fn lost(&self, retries: u32) {
        let (mut index, mut failures) = (0, 0);
        loop {
            match self.look(&mut index).await {
                Ok(true) => failures = 0,
                Ok(false) => return,
                Err(_) if failures < retries => {
                    failures += 1;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Err(_) => return,
            }
        }
    }
}

fn under(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") }
}

/// What is left of the time to acquire; `None` for as long as it takes.
fn left(deadline: Option<Duration>) -> Option<Duration> {
    deadline.map(|deadline| deadline.saturating_sub(since_boot()))
}

pub(crate) async fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let wanted = Wanted::of(matches)?;
    let client = connect(matches, console)?;
    let mut signals = Signals::listen()?;
    let known = client.agent().whoami().await;
    known.map_err(|e| Failure::new(format!("Error querying Consul agent: {e}")))?;
    say(&wanted, console, &format!("Setting up lock at path: {}", under(&wanted.prefix, ".lock")))?;
    let session = Session::create(&client, &wanted.name).await;
    let mut session = session
        .map_err(|e| Failure::new(format!("Lock acquisition failed: failed to create session: {e}")))?;
    let place = Place::new(&client, &session.id, &wanted);
    let outcome = under_session(matches, &wanted, &place, &mut session, &mut signals, console).await;
    session.end().await;
    outcome
}

fn say(wanted: &Wanted, console: &mut Console<'_>, text: &str) -> Outcome {
    if !wanted.verbose {
        return Ok(());
    }
    console.line(text)?;
    console.flush()
}

async fn under_session(
    matches: &ArgMatches,
    wanted: &Wanted,
    place: &Place,
    session: &mut Session,
    signals: &mut Signals,
    console: &mut Console<'_>,
) -> Outcome {
    say(wanted, console, "Attempting lock acquisition")?;
    let deadline = wanted.wait.map(|wait| since_boot() + wait);
    let acquired = tokio::select! {
        acquired = place.acquire(deadline) => acquired,
        () = session.keep() => Err(Trouble::Said("session could not be renewed".to_owned())),
        _ = signals.next() => Ok(false),
    };
    match acquired {
        Ok(true) => {}
        Ok(false) => return Err(Failure::new("Shutdown triggered or timeout during lock acquisition")),
        Err(trouble) => return Err(Failure::new(format!("Lock acquisition failed: {trouble}"))),
    }
    let child_failed = supervise(matches, wanted, place, session, signals, console).await?;
    place.release().await.map_err(|e| Failure::new(format!("Lock release failed: {e}")))?;
    match place.clean_up().await {
        Ok(()) => say(wanted, console, "Cleanup succeeded")?,
        Err(Trouble::InUse) => say(wanted, console, "Cleanup aborted, lock in use")?,
        Err(trouble) => return Err(Failure::new(format!("Lock cleanup failed: {trouble}"))),
    }
    if child_failed && is_on(matches, "child-exit-code") { Err(Failure::Told(2)) } else { Ok(()) }
}

/// Runs the command until it ends, the lock is lost or a signal comes. Whether it failed by itself.
async fn supervise(
    matches: &ArgMatches,
    wanted: &Wanted,
    place: &Place,
    session: &mut Session,
    signals: &mut Signals,
    console: &mut Console<'_>,
) -> Result<bool, Failure> {
    let mut child = match start(matches, console) {
        Ok(child) => child,
        Err(error) => {
            console.warn(&format!("Error executing handler: {error}"));
            return Ok(true);
        }
    };
    let word = tokio::select! {
        status = child.wait() => {
            let told = status.map(|status| (status.success(), status_text(status)));
            let (well, text) = told.unwrap_or_else(|error| (false, error.to_string()));
            if !well {
                console.warn(&format!("Error running handler: {text}"));
            }
            say(wanted, console, "Child terminated, releasing lock")?;
            return Ok(!well);
        }
        () = place.lost(wanted.retries) => "Lock lost, killing child",
        () = session.keep() => "Lock lost, killing child",
        _ = signals.next() => "Shutdown triggered, killing child",
    };
    say(wanted, console, word)?;
    // How it ends changes nothing now.
    let _ = child.stop(GRACE).await;
    Ok(false)
}

fn start(matches: &ArgMatches, console: &mut Console<'_>) -> std::io::Result<Child> {
    let given = input::arguments(matches);
    let words = script(given.get(1..).unwrap_or_default(), !is_on(matches, "no-shell"), console);
    let stdin = match (is_on(matches, "pass-stdin"), console.stdin_is_terminal()) {
        (false, _) => Stdin::Nothing,
        (true, false) => Stdin::Inherited,
        (true, true) => Stdin::Terminal,
    };
    let env = vec![("CONSUL_LOCK_HELD".to_owned(), "true".to_owned())];
    Child::start(&Spec { words, env, stdin })
}
