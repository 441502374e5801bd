//! Services, instances, nodes and checks as rows.

use std::collections::BTreeMap;

use konsul_client::v2::api::catalog::{Check, Instance, Node, ServiceSummary, Transition};
use konsul_client::v2::api::discovery::{Reached, Why};

use crate::commands::session::{in_words, now};
use crate::output::{Column, Row};

/// Pairs in one cell.
pub(crate) fn pairs(of: &BTreeMap<String, String>) -> String {
    of.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

/// Host and port, with brackets where they are needed.
pub(crate) fn place(address: &str, port: u16) -> String {
    match (address.contains(':'), port) {
        (_, 0) => address.to_owned(),
        (true, port) => format!("[{address}]:{port}"),
        (false, port) => format!("{address}:{port}"),
    }
}

impl Row for ServiceSummary {
    const COLUMNS: &'static [Column] = &[
        Column::text("SERVICE", 9),
        Column::number("PASSING", 8),
        Column::number("WARNING", 6),
        Column::number("CRITICAL", 7),
        Column::text("TAGS", 4),
        Column::text("KINDS", 2),
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.passing.to_string(),
            self.warning.to_string(),
            self.critical.to_string(),
            self.tags.join(","),
            self.kinds.join(","),
        ]
    }
}

impl Row for Instance {
    const COLUMNS: &'static [Column] = &[
        Column::text("ID", 9),
        Column::text("STATUS", 8),
        Column::text("ADDRESS", 7),
        Column::text("NODE", 6),
        Column::number("WEIGHT", 3),
        Column::text("TAGS", 4),
        Column::text("META", 2),
        Column::text("SERVICE", 1),
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
            place(&self.address, self.port),
            self.node.clone(),
            self.weight.map(|weight| weight.to_string()).unwrap_or_default(),
            self.tags.join(","),
            pairs(&self.meta),
            self.service.clone(),
        ]
    }
}

impl Row for Node {
    const COLUMNS: &'static [Column] = &[
        Column::text("NODE", 9),
        Column::text("ADDRESS", 7),
        Column::whole("ID", 4),
        Column::text("META", 3),
    ];

    fn cells(&self) -> Vec<String> {
        vec![self.name.clone(), self.address.clone(), self.id.clone().unwrap_or_default(), pairs(&self.meta)]
    }
}

impl Row for Check {
    const COLUMNS: &'static [Column] = &[
        Column::text("ID", 9),
        Column::text("STATUS", 8),
        Column::text("NODE", 6),
        Column::text("SERVICE", 5),
        Column::text("OUTPUT", 7),
        Column::text("KIND", 3),
        Column::text("INTERVAL", 2),
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.status.as_str().to_owned(),
            self.node.clone(),
            self.service.clone().unwrap_or_default(),
            self.output.clone(),
            self.kind.clone().unwrap_or_default(),
            self.interval.clone().unwrap_or_default(),
        ]
    }
}

impl Row for Transition {
    const COLUMNS: &'static [Column] = &[
        Column::text("WHEN", 9),
        Column::text("FROM", 5),
        Column::text("TO", 8),
        Column::text("OUTPUT", 7),
        Column::number("INDEX", 2),
    ];

    fn cells(&self) -> Vec<String> {
        row(self, in_words(self.at, now()))
    }

    fn plain(&self) -> Vec<String> {
        row(self, self.at.to_string())
    }
}

fn row(of: &Transition, when: String) -> Vec<String> {
    vec![
        when,
        of.from.map(|from| from.as_str().to_owned()).unwrap_or_default(),
        of.to.as_str().to_owned(),
        of.output.clone(),
        of.index.to_string(),
    ]
}

impl Row for Why {
    const COLUMNS: &'static [Column] = &[
        Column::text("ID", 9),
        Column::text("DNS", 8),
        Column::text("HEALTH", 8),
        Column::text("WHY", 9),
        Column::text("NODE", 4),
        Column::text("CODES", 3),
    ];

    fn cells(&self) -> Vec<String> {
        let is = |there: bool| if there { "yes" } else { "no" }.to_owned();
        let of =
            |take: fn(&Instance) -> &String| self.instance.as_ref().map(take).cloned().unwrap_or_default();
        let details: Vec<&str> = self.reasons.iter().map(|one| one.detail.as_str()).collect();
        let codes: Vec<&str> = self.reasons.iter().map(|one| one.code.as_str()).collect();
        vec![
            of(|instance| &instance.id),
            is(self.in_dns),
            is(self.in_health),
            details.join("; "),
            of(|instance| &instance.node),
            codes.join(","),
        ]
    }
}

impl Row for Reached {
    const COLUMNS: &'static [Column] =
        &[Column::text("SERVICE", 9), Column::text("EFFECT", 8), Column::text("BECAUSE", 6)];

    fn cells(&self) -> Vec<String> {
        vec![self.service.clone(), self.effect.clone(), self.path.join(" needs ")]
    }
}
