//! `catalog`: datacentres, nodes and services, as the catalogue has them.

use clap::{Arg, ArgAction, ArgMatches, Command};
use konsul_client::catalog::{Node, NodeQuery};

use crate::console::Console;
use crate::consul::columns::{cells, columns};
use crate::consul::connection::{all_flags, client_flags, connect, is_on, query_failed, reading, text};
use crate::consul::words::{arguments, option, switch};
use crate::consul::{group, leaf};
use crate::failure::Outcome;

const DATACENTERS: &str = "\
Example:
  konsul catalog datacenters";

const NODES: &str = "\
Examples:
  konsul catalog nodes
  konsul catalog nodes -detailed -node-meta=zone=a
  konsul catalog nodes -service=web";

const SERVICES: &str = "\
Examples:
  konsul catalog services
  konsul catalog services -tags
  konsul catalog services -node=db-host";

fn meta() -> Arg {
    Arg::new("node-meta")
        .long("node-meta")
        .value_name("KEY=VALUE")
        .help("Only nodes with this pair; repeat it for more")
        .action(ArgAction::Append)
}

pub(crate) fn command() -> Command {
    let none = || arguments("", "").hide(true);
    let datacenters = client_flags(leaf(
        "konsul catalog datacenters [OPTIONS]",
        "Lists the datacentres that are known",
        DATACENTERS,
    ));
    let nodes = all_flags(leaf("konsul catalog nodes [OPTIONS]", "Lists nodes", NODES))
        .arg(switch("detailed", "Show addresses and pairs too"))
        .arg(option("near", "NODE", "Nearest first; _agent for the answering one"))
        .arg(meta())
        .arg(option("service", "NAME", "Only nodes with an instance of this service"))
        .arg(option("filter", "EXPRESSION", "Only nodes of which it holds"));
    let services = all_flags(leaf("konsul catalog services [OPTIONS]", "Lists services", SERVICES))
        .arg(option("node", "NODE", "Only services on this node"))
        .arg(meta())
        .arg(switch("tags", "Show tags too"));
    group("catalog", "Shows what is registered")
        .subcommand(datacenters.arg(none()))
        .subcommand(nodes.arg(none()))
        .subcommand(services.arg(none()))
}

pub(crate) async fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    match matches.subcommand() {
        Some(("datacenters", matches)) => datacenters(matches, console).await,
        Some(("nodes", matches)) => nodes(matches, console).await,
        Some(("services", matches)) => services(matches, console).await,
        other => unreachable!("clap lets only known commands through, not {other:?}"),
    }
}

async fn datacenters(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let client = connect(matches, console)?;
    let found = client.catalog().datacenters().await.map_err(|e| query_failed(&e))?;
    found.into_iter().try_for_each(|name| console.line(name))
}

/// Pairs are given with an equals sign here, and sent with a colon.
fn pairs(matches: &ArgMatches) -> Vec<String> {
    let given = matches.get_many::<String>("node-meta").into_iter().flatten();
    given.map(|pair| pair.replacen('=', ":", 1)).collect()
}

async fn nodes(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let client = connect(matches, console)?;
    let owned = |name| text(matches, name).map(str::to_owned);
    let query = NodeQuery {
        service: owned("service"),
        near: owned("near"),
        meta: pairs(matches),
        filter: owned("filter"),
    };
    let found = client.catalog().nodes(&query, &reading(matches)).await.map_err(|e| query_failed(&e))?;
    if found.is_empty() {
        return console.line("No nodes match the given query - try expanding your search");
    }
    let rows = if is_on(matches, "detailed") { detailed(&found) } else { standard(&found) };
    columns(&rows).into_iter().try_for_each(|line| console.line(line))
}

fn standard(nodes: &[Node]) -> Vec<Vec<String>> {
    let row = |node: &Node| {
        let id = node.id.get(..8).unwrap_or(&node.id);
        cells([&node.node, id, &node.address, &node.datacenter])
    };
    std::iter::once(cells(["Node", "ID", "Address", "DC"])).chain(nodes.iter().map(row)).collect()
}

fn detailed(nodes: &[Node]) -> Vec<Vec<String>> {
    let told = |pairs: &Option<std::collections::BTreeMap<String, String>>| {
        let each = pairs.iter().flatten().map(|(key, value)| format!("{key}={value}"));
        each.collect::<Vec<_>>().join(", ")
    };
    let row = |node: &Node| {
        let (tagged, meta) = (told(&node.tagged_addresses), told(&node.meta));
        cells([&node.node, &node.id, &node.address, &node.datacenter, &tagged, &meta])
    };
    let head = cells(["Node", "ID", "Address", "DC", "TaggedAddresses", "Meta"]);
    std::iter::once(head).chain(nodes.iter().map(row)).collect()
}

async fn services(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let client = connect(matches, console)?;
    let options = reading(matches);
    let found = match text(matches, "node") {
        Some(node) => client.catalog().services_on(node, &options).await,
        None => client.catalog().services(&pairs(matches), &options).await,
    };
    let found = found.map_err(|e| query_failed(&e))?;
    if found.is_empty() {
        return console.line("No services match the given query - try expanding your search");
    }
    if !is_on(matches, "tags") {
        return found.into_keys().try_for_each(|name| console.line(name));
    }
    let row = |(name, mut tags): (String, Vec<String>)| {
        tags.sort();
        vec![name, tags.join(",")]
    };
    let rows: Vec<Vec<String>> = found.into_iter().map(row).collect();
    columns(&rows).into_iter().try_for_each(|line| console.line(line.trim_end()))
}
