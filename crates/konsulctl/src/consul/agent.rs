//! `info`, `leave`, `reload`, `monitor`: commands about one agent.

use clap::{ArgMatches, Command};

use crate::console::Console;
use crate::consul::connection::{client_flags, connect, is_on, text};
use crate::consul::input;
use crate::consul::leaf;
use crate::consul::words::{arguments, option, switch};
use crate::failure::{Failure, Outcome};

pub(crate) fn commands() -> [Command; 4] {
    let none = || arguments("", "").hide(true);
    [
        client_flags(leaf("konsul info [OPTIONS]", "Shows an agent's figures", "Example:\n  konsul info")).arg(none()),
        client_flags(leaf("konsul leave [OPTIONS]", "Makes an agent leave its cluster and stop", "Example:\n  konsul leave")).arg(none()),
        client_flags(leaf("konsul reload [OPTIONS]",
            "Makes an agent read its configuration again",
            "Example:\n  konsul reload\n\nThe agent's log says which options changed and which need a restart.",
        ))
        .arg(none()),
        client_flags(leaf("konsul monitor [OPTIONS]",
            "Shows an agent's log as it is written",
            "Example:\n  konsul monitor -log-level=debug",
        ))
        .arg(option("log-level", "LEVEL", "trace, debug, info, warn or error").default_value("INFO"))
        .arg(switch("log-json", "One JSON object a line"))
        .arg(none()),
    ]
}

pub(crate) async fn run(name: &str, matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let surplus = input::arguments(matches).len();
    if surplus > 0 {
        return Err(Failure::new(format!("Too many arguments (expected 0, got {surplus})")));
    }
    match name {
        "info" => info(matches, console).await,
        "leave" => leave(matches, console).await,
        "reload" => reload(matches, console).await,
        "monitor" => monitor(matches, console).await,
        other => unreachable!("clap lets only known commands through, not {other}"),
    }
}

async fn info(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let client = connect(matches, console)?;
    let agent =
        client.agent().whoami().await.map_err(|e| Failure::new(format!("Error querying agent: {e}")))?;
    for (group, figures) in agent.stats {
        console.line(format!("{group}:"))?;
        for (name, value) in figures {
            console.line(format!("\t{name} = {value}"))?;
        }
    }
    Ok(())
}

async fn leave(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let client = connect(matches, console)?;
    client.agent().leave().await.map_err(|e| Failure::new(format!("Error leaving: {e}")))?;
    console.line("Graceful leave complete")
}

async fn reload(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let client = connect(matches, console)?;
    client.agent().reload().await.map_err(|e| Failure::new(format!("Error reloading: {e}")))?;
    console.line("Configuration reload triggered")
}

async fn monitor(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let client = connect(matches, console)?;
    let level = text(matches, "log-level").unwrap_or("INFO");
    let started = client.agent().monitor(level, is_on(matches, "log-json")).await;
    let mut log = started.map_err(|e| Failure::new(format!("Error starting monitor: {e}")))?;
    loop {
        match log.piece().await {
            Ok(Some(piece)) => console.write(&piece)?,
            // A log has no end of its own: either way the agent is gone.
            Ok(None) | Err(_) => break,
        }
        console.flush()?;
    }
    console.line("")?;
    Err(Failure::new(
        "Remote side ended the monitor! This usually means that the\nremote side has exited or crashed.",
    ))
}
