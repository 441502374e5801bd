//! `lock run`: a command under a lock.
//!
//! A session is made and kept alive, the lock is taken with it, the command runs, the lock is given back and the session
//! ended, however the command ends. If the lock is lost, the command is stopped: asked to end first, and ended when the
//! grace time is over. See `lease` for when it counts as lost.

use std::time::Duration;

use clap::Args;
use konsul_client::v2::Retry;
use konsul_client::v2::api::lock::LockGrant;
use konsul_client::v2::api::session::SessionCreate;
use konsul_client::{Client, Error};

use super::lease::{Held, Lease, Lost};
use crate::child::{Child, Spec, Stdin, code_of, code_of_start};
use crate::clock::since_boot;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::run::Run;
use crate::signals::Signals;

pub(super) const MORE: &str = "\
Examples:
  konsulctl lock run deploy -- sh -c 'echo deploying under grant $KONSUL_LOCK_FENCING'
  konsulctl lock run backup --wait 0s -- true

The command finds these variables: KONSUL_LOCK_NAME, KONSUL_LOCK_SESSION, and KONSUL_LOCK_FENCING, the number of the
grant: give it along with every write to what the lock guards, which then refuses lower numbers. So a holder that lost
the lock without noticing does no harm.

If the lock is lost (the server says so, or could not be asked for so long that the session may have ended), the command
and what it started get SIGTERM, and SIGKILL after the grace time. Ctrl-C does the same and gives the lock back.

Exit codes: the command's own (128 and the signal's number if a signal ended it); 126 it cannot be run; 127 it does not
exist; 4 the lock was not granted, or was lost; 5 no server; 130, 143, 129 ended by Ctrl-C, SIGTERM, SIGHUP.";

/// The longest wait that is asked for in one call.
const CALL: Duration = Duration::from_secs(50);

/// Between two questions where the server did not wait.
const PAUSE: Duration = Duration::from_millis(500);

/// How long giving back may take at the end: the session's time to live does the rest.
const RELEASE: Duration = Duration::from_secs(5);

/// The command, and its lock.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The lock's name
    name: String,
    /// The command and its arguments, after --
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
    /// How long to wait for the lock; 0s does not wait [default: as long as it takes]
    #[arg(long, value_name = "DURATION", value_parser = crate::cli::duration)]
    wait: Option<Duration>,
    /// The session's time to live, 10s to 24h: a holder that vanishes keeps the lock for up to twice that
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = crate::cli::duration)]
    ttl: Duration,
    /// From SIGTERM to SIGKILL
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = crate::cli::duration)]
    grace: Duration,
    /// How long the lock stays free after a holder lost it, up to 60s [default: the server's 15s]
    #[arg(long, value_name = "DURATION")]
    lock_delay: Option<String>,
    /// A note for people who look who holds it [default: this machine, process and command]
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

pub(super) async fn run(arguments: Arguments, run: &mut Run<'_>) -> Outcome {
    let mut signals = Signals::listen()?;
    let client = run.client()?;
    let mut lease = tokio::select! {
        lease = begin(&arguments, &client) => lease.map_err(|e| run.failed(&e))?,
        code = signals.next() => return Err(Failure::Told(code)),
    };
    let outcome = under_lease(&arguments, &client, &mut lease, &mut signals, run).await;
    end(&client, lease.session(), run).await;
    outcome
}

async fn begin(arguments: &Arguments, client: &Client) -> Result<Lease, Error> {
    let wanted = SessionCreate {
        name: format!("konsulctl lock run {}", arguments.name),
        ttl: Some(format!("{}ms", arguments.ttl.as_millis())),
        lock_delay: arguments.lock_delay.clone(),
        ..SessionCreate::default()
    };
    let sent = since_boot();
    let session = client.v2().session_create(&wanted).await?;
    Ok(Lease::new(client.clone(), session.id, arguments.ttl, arguments.grace, sent))
}

/// Gives back what is left. The command has ended: what fails here the session's time to live makes good.
async fn end(client: &Client, session: &str, run: &mut Run<'_>) {
    let ended =
        tokio::time::timeout(RELEASE, client.v2().retrying(Retry::NEVER).session_destroy(session)).await;
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) if error.is_not_found() => {}
        Ok(Err(error)) => {
            run.note(&format!("the session {session} could not be ended, its time will: {error}"));
        }
        Err(_) => run.note(&format!("the session {session} could not be ended, its time will: no answer")),
    }
}

async fn under_lease(
    arguments: &Arguments,
    client: &Client,
    lease: &mut Lease,
    signals: &mut Signals,
    run: &mut Run<'_>,
) -> Outcome {
    let session = lease.session().to_owned();
    let granted = tokio::select! {
        granted = acquire(arguments, client, &session, run) => granted,
        lost = lease.keep(None) => return Err(lost_failure(&arguments.name, &lost)),
        code = signals.next() => return Err(Failure::Told(code)),
    };
    let grant = granted?;
    let held = Held { name: arguments.name.clone(), fencing: grant.fencing };
    run.console.flush()?;
    let mut child = start(arguments, &grant, run)?;
    let ended = supervise(&mut child, lease, &held, signals, arguments.grace).await;
    release(client, &grant).await;
    finish(ended, &arguments.name, run)
}

/// Gives the lock back at once; the session's end would do it too, but only a release spares the next holder the delay.
async fn release(client: &Client, grant: &LockGrant) {
    let v2 = client.v2().retrying(Retry::NEVER);
    let _ = tokio::time::timeout(RELEASE, v2.lock_release(&grant.name, &grant.session, Some(grant.fencing)))
        .await;
}

async fn acquire(
    arguments: &Arguments,
    client: &Client,
    session: &str,
    run: &mut Run<'_>,
) -> Result<LockGrant, Failure> {
    let note = arguments.note.clone().unwrap_or_else(|| usual_note(&arguments.command));
    let begun = since_boot();
    let mut wait = Duration::ZERO;
    let mut told = false;
    loop {
        let asked_at = since_boot();
        let asked = client.v2().lock_acquire(&arguments.name, session, wait, Some(note.as_bytes())).await;
        let error = match asked {
            Ok(grant) => return Ok(grant),
            Err(error) if is_held(&error) => error,
            Err(error) => return Err(run.failed(&error)),
        };
        let left = arguments.wait.map(|wait| wait.saturating_sub(since_boot() - begun));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(not_granted(arguments, &error));
        }
        if !std::mem::replace(&mut told, true) {
            run.note(&format!("waiting for the lock {:?}: {error}", arguments.name));
        }
        // A refusal that came before its time, as while a lock's delay runs, must not become a storm of questions.
        if since_boot().saturating_sub(asked_at) < wait {
            tokio::time::sleep(PAUSE).await;
        }
        wait = left.unwrap_or(CALL).min(CALL);
    }
}

fn is_held(error: &Error) -> bool {
    matches!(error.code(), Some("lock_held" | "lock_delay"))
}

fn not_granted(arguments: &Arguments, error: &Error) -> Failure {
    let name = &arguments.name;
    let what = match arguments.wait {
        Some(wait) if !wait.is_zero() => {
            format!("the lock {name:?} was not granted within {}", crate::output::ago(wait))
        }
        _ => format!("the lock {name:?} is held"),
    };
    Failure::with(Exit::Conflict, what)
        .detail(error.to_string())
        .next(format!("konsulctl lock get {name}"))
        .next("--wait 1m waits longer; without --wait it waits as long as it takes")
}

/// Who holds a lock, for people: machine, process and command.
fn usual_note(command: &[String]) -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{} on {host}, pid {}", command.join(" "), std::process::id())
}

fn start(arguments: &Arguments, grant: &LockGrant, run: &Run<'_>) -> Result<Child, Failure> {
    let spec = Spec {
        words: arguments.command.clone(),
        env: vec![
            ("KONSUL_LOCK_NAME".to_owned(), grant.name.clone()),
            ("KONSUL_LOCK_SESSION".to_owned(), grant.session.clone()),
            ("KONSUL_LOCK_FENCING".to_owned(), grant.fencing.to_string()),
        ],
        stdin: if run.console.stdin_is_terminal() { Stdin::Terminal } else { Stdin::Inherited },
    };
    Child::start(&spec).map_err(|error| {
        let program = spec.words.first().map_or("", String::as_str);
        let text = format!(
            "Error: the command {program:?} cannot be run: {error}\n Next: give its path, or look at its name"
        );
        Failure::Because { text, code: code_of_start(&error) }
    })
}

/// How a command under a lock came to its end.
enum Ended {
    Itself(std::process::ExitStatus),
    Lost(Lost),
    Asked(u8),
    Unknown(std::io::Error),
}

async fn supervise(
    child: &mut Child,
    lease: &mut Lease,
    held: &Held,
    signals: &mut Signals,
    grace: Duration,
) -> Ended {
    let code = tokio::select! {
        status = child.wait() => return status.map_or_else(Ended::Unknown, Ended::Itself),
        lost = lease.keep(Some(held)) => {
            return child.stop(grace).await.map_or_else(Ended::Unknown, |_| Ended::Lost(lost));
        }
        code = signals.next() => code,
    };
    // The command ends under the lock that it was promised: it is kept until then, unless it is lost now.
    let pid = child.handle();
    tokio::select! {
        stopped = child.stop(grace) => { let _ = stopped; }
        _ = lease.keep(Some(held)) => { pid.kill(); }
        _ = signals.next() => { pid.kill(); }
    }
    child.wait().await.map_or_else(Ended::Unknown, |_| Ended::Asked(code))
}

fn finish(ended: Ended, name: &str, run: &mut Run<'_>) -> Outcome {
    match ended {
        Ended::Itself(status) => match code_of(status) {
            0 => Ok(()),
            code => Err(Failure::Told(code)),
        },
        Ended::Asked(code) => Err(Failure::Told(code)),
        Ended::Lost(lost) => {
            run.note("the command was stopped, since its lock was lost");
            Err(lost_failure(name, &lost))
        }
        Ended::Unknown(error) => {
            Err(Failure::with(Exit::Failed, format!("the command cannot be waited for: {error}")))
        }
    }
}

fn lost_failure(name: &str, lost: &Lost) -> Failure {
    let why = match lost {
        Lost::Ended => "its session has ended".to_owned(),
        Lost::Taken => "the server says that this session does not hold it any more".to_owned(),
        Lost::Expired(obstacle) => format!("its session could not be renewed in time: {obstacle}"),
    };
    Failure::with(Exit::Conflict, format!("the lock {name:?} was lost: {why}"))
        .next("look at what the command had done; `konsulctl status` says whether the server is well")
}
