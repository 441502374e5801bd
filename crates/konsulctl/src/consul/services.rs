//! `services`: registers instances with the agent, and removes them.

use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command};
use konsul_config::Definitions;
use serde_json::{Value, json};

use crate::console::Console;
use crate::consul::connection::{client_flags, connect, tenancy_flags, text};
use crate::consul::input;
use crate::consul::words::{arguments, option};
use crate::consul::{group, leaf};
use crate::failure::{Failure, Outcome};

const REGISTER: &str = "\
Examples:
  konsul services register -name=web -id=web-1 -port=8080 -tag=v1
  konsul services register db.json

A file with checks is registered with konsulctl service register, or from the agent's config directory.";

const DEREGISTER: &str = "\
Examples:
  konsul services deregister -id=web-1
  konsul services deregister db.json";

fn several(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help).action(ArgAction::Append)
}

pub(crate) fn command() -> Command {
    let both = |command| tenancy_flags(client_flags(command));
    let register = both(leaf(
        "konsul services register [OPTIONS] [FILE...]",
        "Registers instances with the agent",
        REGISTER,
    ))
    .arg(option("name", "NAME", "The service"))
    .arg(option("id", "ID", "The instance's id; the name if not given"))
    .arg(option("address", "ADDRESS", "Where it listens; its node's address if not given"))
    .arg(option("port", "PORT", "Its port"))
    .arg(option("socket", "PATH", "A unix socket instead"))
    .arg(several("tag", "TAG", "A tag; repeat it for more"))
    .arg(several("meta", "KEY=VALUE", "A pair; repeat it for more"))
    .arg(arguments("FILE", "Files of definitions, instead of the flags"));
    let deregister = both(leaf(
        "konsul services deregister [OPTIONS] [FILE...]",
        "Removes instances from the agent",
        DEREGISTER,
    ))
    .arg(option("id", "ID", "The instance's id"))
    .arg(arguments("FILE", "Files of definitions, instead of the flag"));
    group("services", "Registers instances with the agent").subcommand(register).subcommand(deregister)
}

pub(crate) async fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    match matches.subcommand() {
        Some(("register", matches)) => register(matches, console).await,
        Some(("deregister", matches)) => deregister(matches, console).await,
        other => unreachable!("clap lets only known commands through, not {other:?}"),
    }
}

async fn register(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let files = input::arguments(matches);
    let named = text(matches, "name");
    let bodies = match (named, files.is_empty()) {
        (Some(_), false) => return Err(Failure::new("Give either files or -name, not both")),
        (None, true) => {
            return Err(Failure::new("Service registration requires at least one argument or flags."));
        }
        (Some(name), true) => vec![of_flags(name, matches)?],
        (None, false) => of_files(&files)?,
    };
    let client = connect(matches, console)?;
    for body in bodies {
        let done = client.agent().service_register(&body).await;
        let name = body["Name"].as_str().unwrap_or_default();
        done.map_err(|e| Failure::new(format!("Error registering service {name:?}: {e}")))?;
        console.line(format!("Registered service: {name}"))?;
    }
    Ok(())
}

fn of_flags(name: &str, matches: &ArgMatches) -> Result<Value, Failure> {
    let all = |flag| matches.get_many::<String>(flag).into_iter().flatten().map(String::as_str);
    let port: u16 = match text(matches, "port") {
        None => 0,
        Some(port) => port.parse().map_err(|_| Failure::new(format!("{port:?} is no port")))?,
    };
    let pair = |pair: &str| match pair.split_once('=') {
        Some((key, value)) => Ok((key.to_owned(), Value::from(value))),
        None => Err(Failure::new(format!("{pair:?} is no pair: write key=value"))),
    };
    let meta = all("meta").map(pair).collect::<Result<serde_json::Map<_, _>, _>>()?;
    Ok(json!({
        "ID": text(matches, "id").unwrap_or_default(),
        "Name": name,
        "Address": text(matches, "address").unwrap_or_default(),
        "Port": port,
        "SocketPath": text(matches, "socket").unwrap_or_default(),
        "Tags": all("tag").collect::<Vec<_>>(),
        "Meta": meta,
    }))
}

fn read(path: &str) -> Result<Definitions, Failure> {
    let bytes =
        std::fs::read(Path::new(path)).map_err(|e| Failure::new(format!("Error reading {path}: {e}")))?;
    Definitions::read(path, &bytes).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Failure::new(lines.join("\n"))
    })
}

/// What stands in files. What this command would have to leave out is refused rather than lost.
fn of_files(files: &[&str]) -> Result<Vec<Value>, Failure> {
    let mut bodies = Vec::new();
    for file in files {
        let found = read(file)?;
        if !found.checks.is_empty() {
            return Err(Failure::new(format!("{file} defines checks; konsulctl service register takes it")));
        }
        for placed in &found.services {
            let of = &placed.definition;
            let beyond = !of.checks.is_empty()
                || of.proxy.is_some()
                || of.advice.is_some()
                || of.connect_native
                || of.locality.is_some();
            if beyond {
                return Err(Failure::new(format!(
                    "{file}: {} has more than this command sends; konsulctl service register takes it",
                    of.id
                )));
            }
            let tagged: serde_json::Map<String, Value> = of
                .tagged_addresses
                .iter()
                .map(|(kind, at)| (kind.clone(), json!({ "Address": at.address.as_str(), "Port": at.port })))
                .collect();
            bodies.push(json!({
                "ID": of.id.as_str(),
                "Name": of.name.as_str(),
                "Kind": of.kind.name(),
                "Address": of.address,
                "Port": of.port,
                "SocketPath": of.socket_path,
                "Tags": of.tags.iter().collect::<Vec<_>>(),
                "Meta": of.meta.iter().collect::<std::collections::BTreeMap<_, _>>(),
                "TaggedAddresses": tagged,
                "Weights": { "Passing": of.weights.passing, "Warning": of.weights.warning },
                "EnableTagOverride": of.enable_tag_override,
            }));
        }
    }
    Ok(bodies)
}

async fn deregister(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let files = input::arguments(matches);
    let ids = match (text(matches, "id"), files.is_empty()) {
        (Some(_), false) => return Err(Failure::new("Give either files or -id, not both")),
        (None, true) => {
            return Err(Failure::new("Service deregistration requires at least one argument or -id."));
        }
        (Some(id), true) => vec![id.to_owned()],
        (None, false) => {
            let mut ids = Vec::new();
            for file in files {
                ids.extend(read(file)?.services.iter().map(|one| one.definition.id.to_string()));
            }
            ids
        }
    };
    let client = connect(matches, console)?;
    for id in ids {
        let done = client.agent().service_deregister(&id).await;
        done.map_err(|e| Failure::new(format!("Error deregistering service {id:?}: {e}")))?;
        console.line(format!("Deregistered service: {id}"))?;
    }
    Ok(())
}
