//! `info`: what the server is, in full: build, machine, and its figures by group.

use std::collections::BTreeMap;

use clap::Args;
use konsul_client::v2::api::system::System;
use serde::Serialize;

use super::{Covered, covers};
use crate::failure::Outcome;
use crate::output::{Column, Format, Row, ago, bytes};
use crate::run::Run;

/// What each command covers.
pub(crate) const OPERATIONS: &[Covered] = &[covers("info", &["system"])];

const MORE: &str = "\
Examples:
  konsulctl info
  konsulctl info --output json

See also: `konsulctl limits`, `konsulctl usage`, `konsulctl metrics`.";

/// Shows what the server is: build, machine, figures.
#[derive(Debug, Args)]
#[command(after_help = MORE)]
pub struct Info {}

impl Info {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let system = client.v2().system(None).await.map_err(|e| run.failed(&e))?;
        let agent = client.agent().whoami().await.map_err(|e| run.failed(&e))?;
        let figures = figures(&agent.stats);
        match run.format() {
            Format::Table => {
                run.out().one(&system)?;
                run.out().line("")?;
                run.out().list(&figures, "it tells no figures")
            }
            Format::Plain => run.out().list(&figures, ""),
            _ => run.out().one(&Whole { system, figures: agent.stats }),
        }
    }
}

#[derive(Serialize)]
struct Whole {
    system: System,
    figures: BTreeMap<String, BTreeMap<String, String>>,
}

impl Row for Whole {
    const COLUMNS: &'static [Column] = System::COLUMNS;

    fn cells(&self) -> Vec<String> {
        self.system.cells()
    }
}

#[derive(Serialize)]
struct Figure {
    group: String,
    name: String,
    value: String,
}

fn figures(groups: &BTreeMap<String, BTreeMap<String, String>>) -> Vec<Figure> {
    let flat = groups.iter().flat_map(|(group, figures)| figures.iter().map(move |pair| (group, pair)));
    flat.map(|(group, (name, value))| Figure {
        group: group.clone(),
        name: name.clone(),
        value: value.clone(),
    })
    .collect()
}

impl Row for Figure {
    const COLUMNS: &'static [Column] =
        &[Column::text("GROUP", 8), Column::text("FIGURE", 9), Column::text("VALUE", 9)];

    fn cells(&self) -> Vec<String> {
        vec![self.group.clone(), self.name.clone(), self.value.clone()]
    }
}

impl Row for System {
    const COLUMNS: &'static [Column] = &[
        Column::text("NODE", 9),
        Column::text("NODE ID", 6),
        Column::text("DATACENTER", 7),
        Column::text("VERSION", 8),
        Column::text("REVISION", 5),
        Column::text("BUILT", 4),
        Column::text("MACHINE", 5),
        Column::text("SYSTEM", 5),
        Column::text("PROCESSORS", 4),
        Column::text("MEMORY", 4),
        Column::text("UP", 3),
    ];

    fn cells(&self) -> Vec<String> {
        let host = &self.host;
        let mut cells = self.plain();
        cells[9] = bytes(host.memory_bytes);
        cells[10] = ago(std::time::Duration::from_secs(host.uptime_seconds));
        cells
    }

    fn plain(&self) -> Vec<String> {
        let host = &self.host;
        vec![
            self.node_name.clone(),
            self.node_id.clone(),
            self.datacenter.clone(),
            self.version.clone(),
            self.revision.clone(),
            self.build_date.clone(),
            host.hostname.clone(),
            format!("{} {} {}", host.os, host.kernel_version, host.arch),
            host.cpus.to_string(),
            host.memory_bytes.to_string(),
            host.uptime_seconds.to_string(),
        ]
    }
}
