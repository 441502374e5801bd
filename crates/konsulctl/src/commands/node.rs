//! `node`: the nodes of the catalogue.

use clap::{Args, Subcommand};
use konsul_client::v2::api::coordinate::{Coordinate, Distance};
use konsul_client::v2::discovery::Narrow;

use super::{Covered, covers};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Format, Listing};
use crate::run::Run;

/// What each command covers.
pub(crate) const OPERATIONS: &[Covered] = &[
    covers("node ls", &["node_list"]),
    covers("node show", &["node_services"]),
    covers("node rtt", &["coordinate_distance", "coordinate_list"]),
];

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub enum Node {
    /// Lists nodes
    #[command(visible_alias = "list", after_help = LIST)]
    Ls(List),
    /// Shows a node with its instances and checks
    #[command(visible_alias = "get", after_help = SHOW)]
    Show(Show),
    /// Estimates the round-trip time between two nodes, or lists where nodes stand
    #[command(after_help = RTT)]
    Rtt(Rtt),
}

const RTT: &str = "\
Examples:
  konsulctl node rtt web-host db-host
  konsulctl node rtt

The estimate is made from coordinates that were stored; nothing is measured. Without nodes every coordinate is listed.

Exit codes: 0 there is an estimate; 3 one of the nodes is not there, or has no coordinate.";

const LIST: &str = "\
Examples:
  konsulctl node ls
  konsulctl node ls --node-meta zone:a
  konsulctl node ls --near _agent";

const SHOW: &str = "\
Examples:
  konsulctl node show db-host
  konsulctl node show db-host -o json

Exit codes: 0 it is there; 3 it is not.";

/// Which nodes are listed.
#[derive(Debug, Args)]
pub struct List {
    /// A pair that the node must have; repeat it for more
    #[arg(long = "node-meta", value_name = "KEY:VALUE")]
    node_meta: Vec<String>,
    /// An expression of Consul's filter language
    #[arg(long, value_name = "EXPRESSION")]
    filter: Option<String>,
    /// Nearest first: a node's name, _agent for the answering one, _ip for this machine
    #[arg(long, value_name = "NODE")]
    near: Option<String>,
}

/// One node.
#[derive(Debug, Args)]
pub struct Show {
    /// Its name, its id, or the id's beginning
    name: String,
}

/// Between whom.
#[derive(Debug, Args)]
pub struct Rtt {
    /// One node
    #[arg(requires = "to")]
    from: Option<String>,
    /// The other
    to: Option<String>,
}

impl Node {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        match self {
            Node::Ls(arguments) => list(arguments, run).await,
            Node::Rtt(arguments) => rtt(arguments, run).await,
            Node::Show(arguments) => show(&arguments.name, run).await,
        }
    }
}

async fn list(arguments: List, run: &mut Run<'_>) -> Outcome {
    let client = run.client()?;
    let List { node_meta, filter, near } = arguments;
    let mut pages = client.v2().node_list(&Narrow { node_meta, filter, near, ..Narrow::default() });
    let mut listing = Listing::default();
    while let Some(page) = pages.page().await.map_err(|e| run.failed(&e))? {
        run.out().page(&mut listing, &page.items)?;
    }
    run.out().end(&listing, "no node is registered")
}

async fn show(name: &str, run: &mut Run<'_>) -> Outcome {
    let client = run.client()?;
    let found = client.v2().node_services(name).await.map_err(|e| run.failed(&e))?;
    let Some(found) = found else {
        return Err(
            Failure::with(Exit::NotFound, format!("there is no node {name}")).next("konsulctl node ls")
        );
    };
    if run.format() != Format::Table {
        return run.out().one(&Whole(found));
    }
    run.out().one(&found.node)?;
    if !found.services.is_empty() {
        run.out().line("")?;
        run.out().list(&found.services, "")?;
    }
    if !found.checks.is_empty() {
        run.out().line("")?;
        run.out().list(&found.checks, "")?;
    }
    Ok(())
}

async fn rtt(arguments: Rtt, run: &mut Run<'_>) -> Outcome {
    let client = run.client()?;
    let (Some(from), Some(to)) = (arguments.from, arguments.to) else {
        let found = client.v2().coordinate_list(None).all().await.map_err(|e| run.failed(&e))?;
        return run.out().list(&found, "no node has a coordinate");
    };
    let found = client.v2().coordinate_distance(&from, &to).await.map_err(|e| run.failed(&e))?;
    let Some(found) = found else {
        let mut gone = Vec::new();
        for name in [&from, &to] {
            if client.v2().node_services(name).await.map_err(|e| run.failed(&e))?.is_none() {
                gone.push(name.as_str());
            }
        }
        let what = match &gone[..] {
            [] => format!("{from} or {to} was not registered a moment ago"),
            gone => format!("there is no node {}", gone.join(" and no node ")),
        };
        return Err(Failure::with(Exit::NotFound, what).next("konsulctl node ls"));
    };
    if found.rtt_seconds.is_none() {
        let what = match &found.unknown[..] {
            [] => format!("the coordinates of {from} and {to} cannot be compared"),
            unknown => format!("there is no coordinate of {}", unknown.join(" and ")),
        };
        return Err(Failure::with(Exit::NotFound, what)
            .detail("Coordinates are stored by whoever measures: PUT /v1/coordinate/update.")
            .next("konsulctl node rtt"));
    }
    run.out().one(&found)
}

impl crate::output::Row for Distance {
    const COLUMNS: &'static [crate::output::Column] = &[
        crate::output::Column::text("FROM", 8),
        crate::output::Column::text("TO", 8),
        crate::output::Column::text("RTT", 9),
    ];

    fn cells(&self) -> Vec<String> {
        let rtt = self.rtt_seconds.map(|seconds| format!("{:.3} ms", seconds * 1000.0));
        vec![self.from.clone(), self.to.clone(), rtt.unwrap_or_default()]
    }

    fn plain(&self) -> Vec<String> {
        let rtt = self.rtt_seconds.map(|seconds| seconds.to_string());
        vec![self.from.clone(), self.to.clone(), rtt.unwrap_or_default()]
    }
}

impl crate::output::Row for Coordinate {
    const COLUMNS: &'static [crate::output::Column] = &[
        crate::output::Column::text("NODE", 9),
        crate::output::Column::text("SEGMENT", 4),
        crate::output::Column::text("VEC", 6),
        crate::output::Column::number("HEIGHT", 5),
        crate::output::Column::number("ADJUSTMENT", 4),
        crate::output::Column::number("ERROR", 3),
    ];

    fn cells(&self) -> Vec<String> {
        let vec: Vec<String> = self.vec.iter().map(ToString::to_string).collect();
        vec![
            self.node.clone(),
            self.segment.clone(),
            vec.join(","),
            self.height.to_string(),
            self.adjustment.to_string(),
            self.error.to_string(),
        ]
    }
}

/// A node with all of it, for programs.
#[derive(serde::Serialize)]
#[serde(transparent)]
struct Whole(konsul_client::v2::api::catalog::NodeServices);

impl crate::output::Row for Whole {
    const COLUMNS: &'static [crate::output::Column] = &[
        crate::output::Column::text("NODE", 9),
        crate::output::Column::text("STATUS", 8),
        crate::output::Column::text("ADDRESS", 7),
        crate::output::Column::text("SERVICES", 6),
    ];

    fn cells(&self) -> Vec<String> {
        let ids: Vec<&str> = self.0.services.iter().map(|one| one.id.as_str()).collect();
        vec![
            self.0.node.name.clone(),
            self.0.status.as_str().to_owned(),
            self.0.node.address.clone(),
            ids.join(","),
        ]
    }
}
