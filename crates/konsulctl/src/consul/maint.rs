//! `maint`: maintenance of the agent's node or of an instance on it.

use clap::{ArgMatches, Command};

use crate::console::Console;
use crate::consul::connection::{client_flags, connect, is_on, query_failed, text};
use crate::consul::leaf;
use crate::consul::words::{arguments, option, switch};
use crate::failure::{Failure, Outcome};

const MORE: &str = "\
Examples:
  konsul maint                                      what is in maintenance
  konsul maint -enable -reason='new disk'           the node
  konsul maint -enable -service=web-1               an instance
  konsul maint -disable";

pub(crate) fn command() -> Command {
    client_flags(leaf("konsul maint [OPTIONS]", "Shows or changes what is in maintenance", MORE))
        .arg(switch("enable", "Into maintenance"))
        .arg(switch("disable", "Out of maintenance"))
        .arg(option("service", "ID", "An instance; without it the node"))
        .arg(option("reason", "TEXT", "Why, for people; with -enable"))
        .arg(arguments("", "").hide(true))
}

pub(crate) async fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let (enable, disable) = (is_on(matches, "enable"), is_on(matches, "disable"));
    let (service, reason) = (text(matches, "service"), text(matches, "reason"));
    if enable && disable {
        return Err(Failure::new("Only one of -enable or -disable may be provided"));
    }
    if !enable && reason.is_some() {
        return Err(Failure::new("Reason may only be provided with -enable"));
    }
    if !enable && !disable && service.is_some() {
        return Err(Failure::new("Service requires either -enable or -disable"));
    }
    let client = connect(matches, console)?;
    if !enable && !disable {
        return list(&client, console).await;
    }
    let done = client.agent().maintenance(service, enable, reason.unwrap_or_default()).await;
    let doing = if enable { "enabling" } else { "disabling" };
    let what = if service.is_some() { "service" } else { "node" };
    done.map_err(|e| Failure::new(format!("Error {doing} {what} maintenance: {e}")))?;
    let is = if enable { "enabled" } else { "disabled" };
    match service {
        Some(id) => console.line(format!("Service maintenance is now {is} for {id:?}")),
        None => console.line(format!("Node maintenance is now {is}")),
    }
}

async fn list(client: &konsul_client::Client, console: &mut Console<'_>) -> Outcome {
    let checks = client.agent().raw("/v1/agent/checks").await.map_err(|e| query_failed(&e))?;
    for (id, check) in checks.as_object().into_iter().flatten() {
        let field = |name: &str| check[name].as_str().unwrap_or_default().to_owned();
        let (kind, label, name) = if id == "_node_maintenance" {
            ("Node", "Name:  ", field("Node"))
        } else if id.starts_with("_service_maintenance:") {
            ("Service", "ID:    ", field("ServiceID"))
        } else {
            continue;
        };
        console.line(format!("{kind}:"))?;
        console.line(format!("  {label} {name}"))?;
        console.line(format!("  Reason: {}\n", field("Notes")))?;
    }
    Ok(())
}
