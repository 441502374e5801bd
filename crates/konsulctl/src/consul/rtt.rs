//! `rtt`: the estimated round-trip time between two nodes.

use clap::{ArgMatches, Command};
use serde::Deserialize;

use crate::console::Console;
use crate::consul::connection::{client_flags, connect, is_on};
use crate::consul::leaf;
use crate::consul::words::{ARGUMENTS, arguments, switch};
use crate::failure::{Failure, Outcome};

const MORE: &str = "\
Examples:
  konsul rtt web-host db-host
  konsul rtt web-host

With one node the other is the agent's. The estimate is made from stored coordinates; nothing is measured.";

pub(crate) fn command() -> Command {
    client_flags(leaf(
        "konsul rtt [OPTIONS] NODE1 [NODE2]",
        "Estimates the round-trip time between two nodes",
        MORE,
    ))
    .arg(switch("wan", "Between servers of datacentres, named as NODE.DATACENTRE"))
    .arg(arguments("NODE", "The nodes"))
}

/// A coordinate as `/v1/coordinate/nodes` has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Place {
    node: String,
    segment: String,
    coord: Coordinate,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Coordinate {
    vec: Vec<f64>,
    adjustment: f64,
    height: f64,
}

/// A datacentre as `/v1/coordinate/datacenters` has it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Area {
    #[serde(rename = "AreaID")]
    area_id: String,
    coordinates: Vec<Place>,
}

impl Coordinate {
    /// Vivaldi's distance in seconds, as Consul's client reckons it; `None` for other dimensions.
    fn distance(&self, other: &Coordinate) -> Option<f64> {
        if self.vec.len() != other.vec.len() {
            return None;
        }
        let square: f64 = self.vec.iter().zip(&other.vec).map(|(a, b)| (a - b).powi(2)).sum();
        let raw = square.sqrt() + self.height + other.height;
        let adjusted = raw + self.adjustment + other.adjustment;
        Some(if adjusted > 0.0 { adjusted } else { raw })
    }
}

pub(crate) async fn run(matches: &ArgMatches, console: &mut Console<'_>) -> Outcome {
    let nodes: Vec<String> = matches.get_many::<String>(ARGUMENTS).unwrap_or_default().cloned().collect();
    let (from, to) = match &nodes[..] {
        [one] => (one.clone(), None),
        [one, other] => (one.clone(), Some(other.clone())),
        _ => return Err(Failure::new("One or two node names must be specified")),
    };
    let client = connect(matches, console)?;
    let wan = is_on(matches, "wan");
    let path = if wan { "/v1/coordinate/datacenters" } else { "/v1/coordinate/nodes" };
    let got = client.agent().raw(path).await;
    let got = got.map_err(|e| Failure::new(format!("Error getting coordinates: {e}")))?;
    let places = places(got, wan)?;
    let to = match to {
        Some(to) => to,
        None => agent(&client, wan).await?,
    };
    let (one, other) = pair(&places, &from, &to)?;
    let dist = one.distance(other).ok_or_else(|| Failure::new("Coordinates have different dimensions"))?;
    let area = if wan { "WAN" } else { "LAN" };
    console.line(format!("Estimated {from} <-> {to} rtt: {:.3} ms (using {area} coordinates)", dist * 1000.0))
}

fn places(got: serde_json::Value, wan: bool) -> Result<Vec<Place>, Failure> {
    let failed = |e: serde_json::Error| Failure::new(format!("Error getting coordinates: {e}"));
    if !wan {
        return serde_json::from_value(got).map_err(failed);
    }
    let areas: Vec<Area> = serde_json::from_value(got).map_err(failed)?;
    Ok(areas.into_iter().filter(|area| area.area_id == "wan").flat_map(|area| area.coordinates).collect())
}

/// The agent's own name, between datacentres with its own behind a dot.
async fn agent(client: &konsul_client::Client, wan: bool) -> Result<String, Failure> {
    let about = client.agent().raw("/v1/agent/self").await;
    let about = about.map_err(|e| Failure::new(format!("Unable to look up agent info: {e}")))?;
    let text = |name: &str| about.pointer(name).and_then(|text| text.as_str()).unwrap_or_default().to_owned();
    let (node, datacenter) = (text("/Config/NodeName"), text("/Config/Datacenter"));
    Ok(if wan { format!("{node}.{datacenter}") } else { node })
}

/// The coordinates of two nodes in a segment that both are in.
fn pair<'p>(places: &'p [Place], from: &str, to: &str) -> Result<(&'p Coordinate, &'p Coordinate), Failure> {
    let of = |name: &str| -> Vec<&Place> {
        places.iter().filter(|place| place.node.eq_ignore_ascii_case(name)).collect()
    };
    let (ones, others) = (of(from), of(to));
    for (name, found) in [(from, &ones), (to, &others)] {
        if found.is_empty() {
            return Err(Failure::new(format!("Could not find a coordinate for node {name:?}")));
        }
    }
    let both = ones.iter().find_map(|one| {
        let other = others.iter().find(|other| other.segment == one.segment)?;
        Some((&one.coord, &other.coord))
    });
    both.ok_or_else(|| Failure::new("Could not find coordinates of both nodes in one segment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(node: &str, segment: &str, x: f64) -> Place {
        let coord = Coordinate { vec: vec![x, 0.0], adjustment: 0.0, height: 0.001 };
        Place { node: node.into(), segment: segment.into(), coord }
    }

    #[test]
    fn nodes_are_compared_within_a_segment() {
        let places = [place("a", "", 0.0), place("b", "", 0.01), place("b", "s", 9.0), place("c", "s", 0.0)];
        let (one, other) = pair(&places, "A", "b").expect("both are in the default segment");
        let distance = one.distance(other).expect("equal dimensions");
        assert!((distance - 0.012).abs() < 1e-9, "{distance}");
        let text = |from, to| format!("{:?}", pair(&places, from, to).expect_err("no pair"));
        assert!(text("a", "x").contains("Could not find a coordinate for node"));
        assert!(text("a", "c").contains("in one segment"));
    }
}
