//! `node`: the nodes of the catalogue.

use clap::{Args, Subcommand};
use konsul_client::v2::discovery::Narrow;

use super::{Covered, covers};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Format, Listing};
use crate::run::Run;

/// What each command covers.
pub(crate) const OPERATIONS: &[Covered] =
    &[covers("node ls", &["node_list"]), covers("node show", &["node_services"])];

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub enum Node {
    /// Lists nodes
    #[command(visible_alias = "list", after_help = LIST)]
    Ls(List),
    /// Shows a node with its instances and checks
    #[command(visible_alias = "get", after_help = SHOW)]
    Show(Show),
}

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

impl Node {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        match self {
            Node::Ls(arguments) => list(arguments, run).await,
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
