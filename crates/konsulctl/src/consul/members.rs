//! `members`: the nodes that an agent knows.

use clap::{ArgMatches, Command};
use konsul_client::agent::Member;
use regex::Regex;

use crate::console::Console;
use crate::consul::columns::{cells, columns};
use crate::consul::connection::{client_flags, connect, is_on, text};
use crate::consul::leaf;
use crate::consul::words::{arguments, option, switch};
use crate::failure::{Failure, Outcome};

const MORE: &str = "\
Examples:
  konsul members
  konsul members -detailed -status=alive

Exit codes: 0 there are some; 2 none matches; 1 any failure.";

pub(crate) fn command() -> Command {
    client_flags(leaf("konsul members [OPTIONS]", "Lists the members of the cluster", MORE))
        .arg(switch("detailed", "Show all tags"))
        .arg(switch("wan", "The servers' own network between datacentres"))
        .arg(option("status", "REGEX", "Only members whose status matches").default_value(".*"))
        .arg(option("segment", "NAME", "Only members of this network segment"))
        .arg(option("filter", "EXPRESSION", "Not built yet"))
        .arg(arguments("", "").hide(true))
}

pub(crate) async fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    if text(matches, "filter").is_some() {
        return Err(Failure::new(
            "-filter is not built yet: filter expressions come with the service catalogue",
        ));
    }
    let status = text(matches, "status").unwrap_or(".*");
    let status = Regex::new(&format!("^(?:{status})$"))
        .map_err(|e| Failure::new(format!("Failed to compile status regexp: {e}")))?;
    let client = connect(matches, console)?;
    let found = client.agent().members(is_on(matches, "wan")).await;
    let mut members = found.map_err(|e| Failure::new(format!("Error retrieving members: {e}")))?;
    let segment = text(matches, "segment");
    members.retain(|member| status.is_match(status_of(member)) && segment.is_none_or(|s| is_in(member, s)));
    if members.is_empty() {
        return Err(Failure::Told(2));
    }
    members
        .sort_by_key(|member| (!is_server(member), tag(member, "segment").to_owned(), member.name.clone()));
    let rows = if is_on(matches, "detailed") { detailed(&members) } else { standard(&members) };
    columns(&rows).into_iter().try_for_each(|line| console.line(line))
}

fn tag<'m>(member: &'m Member, name: &str) -> &'m str {
    member.tags.get(name).map_or("", String::as_str)
}

fn is_server(member: &Member) -> bool {
    tag(member, "role") == "consul"
}

/// Servers are in every segment.
fn is_in(member: &Member, segment: &str) -> bool {
    is_server(member) || tag(member, "segment") == segment
}

fn status_of(member: &Member) -> &'static str {
    match member.status {
        1 => "alive",
        2 => "leaving",
        3 => "left",
        4 => "failed",
        _ => "none",
    }
}

fn address(member: &Member) -> String {
    let bare = format!("{}:{}", member.addr, member.port);
    if member.addr.contains(':') { format!("[{}]:{}", member.addr, member.port) } else { bare }
}

fn standard(members: &[Member]) -> Vec<Vec<String>> {
    let head =
        cells(["Node", "Address", "Status", "Type", "Build", "Protocol", "DC", "Partition", "Segment"]);
    let row = |member: &Member| {
        let build = tag(member, "build").split(':').next().unwrap_or_default();
        let partition = Some(tag(member, "ap")).filter(|name| !name.is_empty()).unwrap_or("default");
        let (kind, segment) = match (is_server(member), tag(member, "segment")) {
            (true, _) => ("server", "<all>"),
            (false, "") => ("client", "<default>"),
            (false, segment) => ("client", segment),
        };
        let (address, protocol) = (address(member), tag(member, "vsn"));
        cells([
            &member.name,
            &address,
            status_of(member),
            kind,
            build,
            protocol,
            tag(member, "dc"),
            partition,
            segment,
        ])
    };
    std::iter::once(head).chain(members.iter().map(row)).collect()
}

fn detailed(members: &[Member]) -> Vec<Vec<String>> {
    let head = cells(["Node", "Address", "Status", "Tags"]);
    let row = |member: &Member| {
        let tags: Vec<String> = member.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
        cells([&member.name, &address(member), status_of(member), &tags.join(",")])
    };
    std::iter::once(head).chain(members.iter().map(row)).collect()
}
