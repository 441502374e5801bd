//! `query`: prepared queries.

mod explained;

use clap::{Args, Subcommand};
use konsul_client::v2::api::query::{Query as Found, QueryDefinition};
use serde::Serialize;

use super::{Covered, covers};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Column, Row};
use crate::payload;
use crate::run::Run;

/// What each command covers.
pub(crate) const OPERATIONS: &[Covered] = &[
    covers("query ls", &["query_list"]),
    covers("query get", &["query_get"]),
    covers("query create", &["query_create"]),
    covers("query update", &["query_update"]),
    covers("query delete", &["query_delete"]),
    covers("query execute", &["query_execute"]),
    covers("query explain", &["query_explain"]),
];

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub enum Query {
    /// Lists prepared queries
    #[command(visible_alias = "list", after_help = LIST)]
    Ls,
    /// Shows a query
    #[command(after_help = GET)]
    Get(Id),
    /// Makes a query and prints its id
    #[command(after_help = CREATE)]
    Create(Definition),
    /// Replaces a query
    #[command(after_help = UPDATE)]
    Update(Update),
    /// Removes a query
    #[command(after_help = DELETE)]
    Delete(Id),
    /// Executes a query
    #[command(after_help = EXECUTE)]
    Execute(Execute),
    /// Shows what executing a query would ask
    #[command(after_help = EXPLAIN)]
    Explain(Name),
}

const LIST: &str = "\
Examples:
  konsulctl query ls
  konsulctl query ls -o json";

const GET: &str = "\
Examples:
  konsulctl query get $QUERY

Exit codes: 0 it is there; 3 it is not.";

const CREATE: &str = "\
Examples:
  konsulctl query create '{\"name\":\"geo-web\",\"service\":\"web\",\"only_passing\":true}'

The definition is JSON, @FILE for what a file holds, or - for standard input.

Exit codes: 0 made; 2 this is no definition; 4 another query has the name.";

const UPDATE: &str = "\
Examples:
  konsulctl query update $QUERY '{\"name\":\"near-web\",\"service\":\"web\",\"tags\":[\"v1\"]}'

Exit codes: 0 replaced; 3 there is no such query.";

const DELETE: &str = "\
Examples:
  konsulctl query delete $QUERY

Exit codes: 0 it is gone; 3 there was no such query.";

const EXECUTE: &str = "\
Examples:
  konsulctl query execute near-web
  konsulctl query execute near-web --near _agent --count 3

Exit codes: 0 it was executed; 3 no query answers for the name.";

const EXPLAIN: &str = "\
Examples:
  konsulctl query explain near-web
  konsulctl query explain near-web -o json

A template's expressions are replaced as executing it for that name would.

Exit codes: 0 there is one; 3 no query answers for the name.";

/// One query.
#[derive(Debug, Args)]
pub struct Id {
    /// The query's id
    id: String,
}

/// What a query asks.
#[derive(Debug, Args)]
pub struct Definition {
    /// JSON, @FILE, or - for standard input
    definition: String,
}

/// What a query is to be.
#[derive(Debug, Args)]
pub struct Update {
    /// The query's id
    id: String,
    /// JSON, @FILE, or - for standard input
    definition: String,
}

/// What is executed.
#[derive(Debug, Args)]
pub struct Execute {
    /// Its id, its name, or a name that a template answers for
    name: String,
    /// Nearest first: a node's name, _agent for the answering one, _ip for this machine
    #[arg(long, value_name = "NODE")]
    near: Option<String>,
    /// Most instances
    #[arg(long, value_name = "NUMBER")]
    count: Option<u32>,
}

/// What is explained.
#[derive(Debug, Args)]
pub struct Name {
    /// Its id, its name, or a name that a template answers for
    name: String,
}

impl Query {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let v2 = client.v2();
        match self {
            Query::Ls => {
                let found = v2.query_list().all().await.map_err(|e| run.failed(&e))?;
                run.out().list(&found, "no query is kept")
            }
            Query::Get(Id { id }) => match v2.query_get(&id).await.map_err(|e| run.failed(&e))? {
                Some(found) => run.out().one(&explained::Stored(found)),
                None => {
                    let failure = Failure::with(Exit::NotFound, format!("there is no query {id}"));
                    Err(failure.next("konsulctl query ls"))
                }
            },
            Query::Create(Definition { definition }) => {
                let wanted = read(&definition, run)?;
                let made = v2.query_create(&wanted).await.map_err(|e| run.failed(&e))?;
                run.out().done(&made.id.clone(), &Named { id: made.id })
            }
            Query::Update(Update { id, definition }) => {
                let wanted = read(&definition, run)?;
                v2.query_update(&id, &wanted).await.map_err(|e| run.failed(&e))?;
                run.out().done(&format!("Replaced {id}"), &Named { id })
            }
            Query::Delete(Id { id }) => {
                v2.query_delete(&id).await.map_err(|e| run.failed(&e))?;
                run.out().done(&format!("Removed {id}"), &Named { id })
            }
            Query::Execute(Execute { name, near, count }) => {
                let found = v2.query_execute(&name, near.as_deref(), count).await;
                let found = found.map_err(|e| run.failed(&e))?;
                run.out().list(&found.items, "no instance is left of what it asks for")
            }
            Query::Explain(Name { name }) => {
                let found = v2.query_explain(&name).await.map_err(|e| run.failed(&e))?;
                run.out().one(&explained::Explained(found))
            }
        }
    }
}

fn read(argument: &str, run: &mut Run<'_>) -> Result<QueryDefinition, Failure> {
    let bytes = payload::read(argument, run)?;
    serde_json::from_slice(&bytes)
        .map_err(|e| Failure::with(Exit::Usage, format!("this is no definition of a query: {e}")))
}

/// A query of which only the id is told.
#[derive(Serialize)]
struct Named {
    id: String,
}

impl Row for Named {
    const COLUMNS: &'static [Column] = &[Column::whole("ID", 9)];

    fn cells(&self) -> Vec<String> {
        vec![self.id.clone()]
    }
}

/// On a narrow terminal the id goes before what tells one query from another: it has room for nothing else beside it.
const COLUMNS: &[Column] = &[
    Column::whole("ID", 6),
    Column::text("NAME", 9),
    Column::text("SERVICE", 8),
    Column::text("TAGS", 4),
    Column::text("NEAR", 3),
    Column::text("TEMPLATE", 2),
];

fn row(id: &str, of: &QueryDefinition) -> Vec<String> {
    let template = of.template.as_ref().map_or("no", |_| "yes");
    vec![
        id.to_owned(),
        of.name.clone(),
        of.service.clone(),
        of.tags.join(","),
        of.near.clone(),
        template.to_owned(),
    ]
}

impl Row for Found {
    const COLUMNS: &'static [Column] = COLUMNS;

    fn cells(&self) -> Vec<String> {
        row(&self.id, &self.definition)
    }
}
