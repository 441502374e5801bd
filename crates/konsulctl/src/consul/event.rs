//! `event`: fires an event.

use clap::{ArgMatches, Command};
use konsul_client::event::NewEvent;

use crate::console::Console;
use crate::consul::connection::{client_flags, connect, server_flags, text};
use crate::consul::input;
use crate::consul::leaf;
use crate::consul::words::{arguments, option};
use crate::failure::{Failure, Outcome};

const MORE: &str = "\
Examples:
  konsul event -name=deploy 4f2c            with a payload
  konsul event -name=restart -service=web   only for agents with that service";

pub(crate) fn command() -> Command {
    server_flags(client_flags(leaf("konsul event [OPTIONS] -name=NAME [PAYLOAD]", "Fires an event", MORE)))
        .arg(option("name", "NAME", "The event's name"))
        .arg(option("node", "REGEX", "Only nodes whose name matches").default_value(""))
        .arg(option("service", "REGEX", "Only nodes with a service whose name matches").default_value(""))
        .arg(
            option("tag", "REGEX", "Only services with a tag that matches; needs -service").default_value(""),
        )
        .arg(arguments("PAYLOAD", "Bytes to carry; @file and - are not special here, as in Consul"))
}

pub(crate) async fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let of = |name| text(matches, name).unwrap_or_default().to_owned();
    let name = of("name");
    if name.is_empty() {
        return Err(Failure::new("Event name must be specified; add -name=NAME"));
    }
    if !of("tag").is_empty() && of("service").is_empty() {
        return Err(Failure::new("Cannot provide tag filter without service filter; add -service=REGEX"));
    }
    let payload = input::at_most_one(matches)?.as_bytes().to_vec();
    let client = connect(matches, console)?;
    let event = NewEvent { name, payload, node: of("node"), service: of("service"), tag: of("tag") };
    let fired = client.event().fire(event).await;
    let fired = fired.map_err(|e| Failure::new(format!("Error firing event: {e}")))?;
    console.line(format!("Event ID: {}", fired.id))
}
