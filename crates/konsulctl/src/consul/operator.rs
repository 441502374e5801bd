//! `operator`: the cluster as its operator sees it.

use std::collections::BTreeMap;

use clap::{ArgMatches, Command};
use konsul_client::operator::{DatacenterUsage, RaftServer};

use crate::console::Console;
use crate::consul::columns::{cells, columns};
use crate::consul::connection::{client_flags, connect, is_on, reading, server_flags};
use crate::consul::words::{arguments, switch};
use crate::consul::{group, leaf};
use crate::failure::{Failure, Outcome};

const PEERS: &str = "\
Example:
  konsul operator raft list-peers";

const USAGE: &str = "\
Example:
  konsul operator usage instances";

pub(crate) fn command() -> Command {
    let both = |command| server_flags(client_flags(command)).arg(arguments("", "").hide(true));
    let peers =
        both(leaf("konsul operator raft list-peers [OPTIONS]", "Lists the servers of the cluster", PEERS));
    let usage =
        both(leaf("konsul operator usage instances [OPTIONS]", "Counts services and instances", USAGE))
            .arg(switch("onlyBillable", "Only what Consul's licences count"))
            .arg(switch("onlyConnect", "Only instances of the mesh"))
            .arg(switch("all-datacenters", "Of every datacentre"));
    group("operator", "Shows the cluster as its operator sees it")
        .subcommand(group("raft", "The servers that agree on everything").subcommand(peers))
        .subcommand(group("usage", "How much there is").subcommand(usage))
}

pub(crate) async fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let Some((_, below)) = matches.subcommand() else { return Ok(()) };
    match below.subcommand() {
        Some(("list-peers", matches)) => list_peers(matches, console).await,
        Some(("instances", matches)) => instances(matches, console).await,
        other => unreachable!("clap lets only known commands through, not {other:?}"),
    }
}

async fn list_peers(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let client = connect(matches, console)?;
    let found = client.operator().raft_configuration(&reading(matches)).await;
    let servers = found.map_err(|e| {
        Failure::new(format!("Error getting peers: Failed to retrieve raft configuration: {e}"))
    })?;
    columns(&peers(&servers)).into_iter().try_for_each(|line| console.line(line))
}

fn peers(servers: &[RaftServer]) -> Vec<Vec<String>> {
    let head =
        ["Node", "ID", "Address", "State", "Voter", "RaftProtocol", "Commit Index", "Trails Leader By"];
    let leader = servers.iter().find(|server| server.leader).map_or(0, |server| server.last_index);
    let row = |server: &RaftServer| {
        let behind = leader.saturating_sub(server.last_index);
        let trails = match (server.leader, behind) {
            (true, _) => "_".to_owned(),
            (false, 0 | 1) => format!("{behind} Commit"),
            (false, _) => format!("{behind} Commits"),
        };
        let state = if server.leader { "leader" } else { "follower" };
        let protocol = if server.protocol_version.is_empty() { "<=1" } else { &server.protocol_version };
        let (voter, index) = (server.voter.to_string(), server.last_index.to_string());
        cells([&server.node, &server.id, &server.address, state, &voter, protocol, &index, &trails])
    };
    std::iter::once(cells(head)).chain(servers.iter().map(row)).collect()
}

async fn instances(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let (billable, connect_only) = (is_on(matches, "onlyBillable"), is_on(matches, "onlyConnect"));
    if billable && connect_only {
        return Err(Failure::new("Cannot specify both -onlyBillable and -onlyConnect flags"));
    }
    let client = connect(matches, console)?;
    let found = client.operator().usage(is_on(matches, "all-datacenters"), &reading(matches)).await;
    let usage = found.map_err(|e| Failure::new(format!("Error fetching usage information: {e}")))?;
    let total: u64 = usage.values().map(|one| one.billable_service_instances).sum();
    console.line(format!("Billable Service Instances Total: {total}"))?;
    if !connect_only {
        console.line("\nBillable Services")?;
        services(&usage, console)?;
    }
    if !billable {
        console.line("\nConnect Services")?;
        mesh(&usage, console)?;
    }
    Ok(())
}

/// The datacentre stands in front where there are several.
fn wide(rows: &[Vec<String>], console: &mut Console<'_>) -> Outcome {
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(String::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows.first().map_or(0, Vec::len)).map(width).collect();
    rows.iter().try_for_each(|row| {
        let last = row.len() - 1;
        let padded = row.iter().zip(&widths).enumerate();
        let padded = padded.map(
            |(at, (cell, width))| {
                if at == last { cell.clone() } else { format!("{cell:width$}      ") }
            },
        );
        console.line(padded.collect::<String>())
    })
}

fn services(usage: &BTreeMap<String, DatacenterUsage>, console: &mut Console<'_>) -> Outcome {
    let several = usage.len() > 1;
    let row = |dc: &str, of: &DatacenterUsage| {
        let numbers = [of.services.to_string(), of.billable_service_instances.to_string()];
        several.then(|| dc.to_owned()).into_iter().chain(numbers).collect::<Vec<_>>()
    };
    let head = several.then(|| "Datacenter".to_owned()).into_iter();
    let head = head.chain(cells(["Services", "Service instances"])).collect();
    let rows = std::iter::once(head).chain(usage.iter().map(|(dc, of)| row(dc, of)));
    wide(&rows.collect::<Vec<_>>(), console)
}

fn mesh(usage: &BTreeMap<String, DatacenterUsage>, console: &mut Console<'_>) -> Outcome {
    let several = usage.len() > 1;
    let head = several.then(|| "Datacenter".to_owned()).into_iter();
    let mut rows = vec![head.chain(cells(["Type", "Service instances"])).collect::<Vec<_>>()];
    for (dc, of) in usage {
        for (kind, count) in &of.connect_service_instances {
            let row = several.then(|| dc.clone()).into_iter();
            rows.push(row.chain([kind.clone(), count.to_string()]).collect());
        }
    }
    wide(&rows, console)
}
