//! `event`: short messages to whoever listens, ordered by the log.

mod watch;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use konsul_client::v2::api::event::{Event as Found, EventFire};
use konsul_client::v2::api::value::Form;
use konsul_client::v2::event::EventSelect;

use super::{Covered, covers};
use crate::failure::Outcome;
use crate::output::{Column, Row};
use crate::payload;
use crate::run::Run;

/// What each command covers.
pub(crate) const OPERATIONS: &[Covered] = &[
    covers("event fire", &["event_fire"]),
    covers("event list", &["event_list"]),
    covers("event watch", &["watch"]),
];

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub enum Event {
    /// Fires an event
    #[command(after_help = FIRE)]
    Fire(Fire),
    /// Lists the events that the server keeps, oldest first
    #[command(visible_alias = "ls", after_help = LIST)]
    List(List),
    /// Shows events as they are fired, or runs a command for each
    #[command(after_help = watch::MORE)]
    Watch(watch::Watch),
}

const FIRE: &str = "\
Examples:
  konsulctl event fire deploy 4f2c
  konsulctl event fire restart --service web
  echo hello | konsulctl event fire note -

The payload is text, @FILE for what a file holds, or - for standard input.";

const LIST: &str = "\
Examples:
  konsulctl event list
  konsulctl event list --name deploy --output json
  konsulctl event list --node db-1 --service web --tag v1

A server keeps the newest 256. Without --node and --service it lists those that are for its own node and for an instance
that its agent keeps.";

/// What is fired.
#[derive(Debug, Args)]
pub struct Fire {
    /// The event's name
    name: String,
    /// Bytes to carry: text, @FILE, or - for standard input
    payload: Option<String>,
    /// Only for nodes whose name matches
    #[arg(long, value_name = "REGEX")]
    node: Option<String>,
    /// Only for nodes with a service whose name matches
    #[arg(long, value_name = "REGEX")]
    service: Option<String>,
    /// Only for services with a tag that matches
    #[arg(long, value_name = "REGEX", requires = "service")]
    tag: Option<String>,
}

/// Which events.
#[derive(Debug, Args)]
pub(crate) struct Select {
    /// Only those of this name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Only those for a node of this name [default: the server's own]
    #[arg(long, value_name = "NODE")]
    node: Option<String>,
    /// Only those for an instance of this service [default: the instances that the server's agent keeps]
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,
    /// Only those for an instance with this tag
    #[arg(long, value_name = "TAG", requires = "service")]
    tag: Option<String>,
}

impl Select {
    fn select(self) -> EventSelect {
        let Select { name, node, service, tag } = self;
        EventSelect { name, node, service, tag }
    }
}

/// Which events are listed.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    which: Select,
}

impl Event {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        match self {
            Event::Fire(arguments) => fire(arguments, run).await,
            Event::List(arguments) => list(arguments, run).await,
            Event::Watch(arguments) => arguments.run(run).await,
        }
    }
}

async fn fire(arguments: Fire, run: &mut Run<'_>) -> Outcome {
    let bytes = arguments.payload.as_deref().map(|text| payload::read(text, run)).transpose()?;
    let (payload, payload_base64) =
        bytes.as_deref().map(|bytes| Form::of(bytes).fields()).unwrap_or_default();
    let event = EventFire {
        name: arguments.name,
        payload,
        payload_base64,
        node_filter: arguments.node,
        service_filter: arguments.service,
        tag_filter: arguments.tag,
    };
    let client = run.client()?;
    let fired = client.v2().event_fire(&event).await.map_err(|e| run.failed(&e))?;
    run.out().done(&format!("Fired {} as {}", fired.name, fired.id), &fired)
}

async fn list(arguments: List, run: &mut Run<'_>) -> Outcome {
    let client = run.client()?;
    let listed = client.v2().event_list(&arguments.which.select()).all().await;
    let found = listed.map_err(|e| run.failed(&e))?;
    run.out().list(&found, "no event was fired yet")
}

/// The payload's size and beginning, as far as it is text.
pub(crate) fn payload_text(event: &Found) -> String {
    match (&event.payload, &event.payload_base64) {
        (Some(text), _) => text.clone(),
        (None, Some(base64)) => {
            let length = STANDARD.decode(base64).map_or(base64.len(), |bytes| bytes.len());
            format!("({length} bytes)")
        }
        (None, None) => String::new(),
    }
}

impl Row for Found {
    const COLUMNS: &'static [Column] = &[
        Column::number("TIME", 6),
        Column::text("NAME", 9),
        Column::text("PAYLOAD", 8),
        Column::text("FOR", 5),
        Column::number("INDEX", 3),
        Column::whole("ID", 4),
    ];

    fn cells(&self) -> Vec<String> {
        let filters =
            [("node", &self.node_filter), ("service", &self.service_filter), ("tag", &self.tag_filter)];
        let filters =
            filters.iter().filter_map(|(name, filter)| Some(format!("{name}={}", filter.as_ref()?)));
        vec![
            self.logical_time.to_string(),
            self.name.clone(),
            payload_text(self),
            filters.collect::<Vec<_>>().join(" "),
            self.index.to_string(),
            self.id.clone(),
        ]
    }

    fn plain(&self) -> Vec<String> {
        let mut cells = self.cells();
        cells[2] = self.payload.clone().or_else(|| self.payload_base64.clone()).unwrap_or_default();
        cells
    }
}
