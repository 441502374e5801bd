//! `service timeline`: what became of the checks that bear on a service.

use clap::Args;
use konsul_client::v2::api::catalog::TimelineEntry;

use super::ask::unknown;
use crate::commands::session::{in_words, now};
use crate::failure::Outcome;
use crate::output::{Column, Row};
use crate::run::Run;

pub(super) const TIMELINE: &str = "\
Examples:
  konsulctl service timeline web
  konsulctl service timeline web --limit 10 -o json

The changes of all checks of its instances and of their nodes, newest first. Of each check the newest 100 are kept.

Exit codes: 0 the service is there; 3 it is not.";

/// Whose past is shown.
#[derive(Debug, Args)]
pub struct Timeline {
    /// The service
    name: String,
    /// Most changes
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

impl Timeline {
    pub(super) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let found = client.v2().service_timeline(&self.name, self.limit).await;
        match found.map_err(|e| run.failed(&e))? {
            Some(found) => run.out().list(&found.items, "no check bears on it"),
            None => Err(unknown(&self.name)),
        }
    }
}

impl Row for TimelineEntry {
    const COLUMNS: &'static [Column] = &[
        Column::text("WHEN", 9),
        Column::text("CHECK", 8),
        Column::text("INSTANCE", 6),
        Column::text("NODE", 5),
        Column::text("FROM", 4),
        Column::text("TO", 8),
        Column::text("OUTPUT", 7),
        Column::number("INDEX", 2),
    ];

    /// Without the index, which says nothing to people and takes the room of what the check said.
    fn cells(&self) -> Vec<String> {
        let mut cells = row(self, in_words(self.at, now()));
        cells[INDEX].clear();
        cells
    }

    fn plain(&self) -> Vec<String> {
        row(self, self.at.to_string())
    }
}

/// The index's place among the cells.
const INDEX: usize = 7;

fn row(of: &TimelineEntry, when: String) -> Vec<String> {
    vec![
        when,
        of.check_id.clone(),
        of.service_id.clone().unwrap_or_default(),
        of.node.clone(),
        of.from.map(|from| from.as_str().to_owned()).unwrap_or_default(),
        of.to.as_str().to_owned(),
        of.output.clone(),
        of.index.to_string(),
    ]
}
