//! A query with all that it asks, a line each.

use konsul_client::v2::api::query::{Failover, Query, QueryDefinition, QueryExplained, Template};
use serde::Serialize;

use crate::commands::service::rows::pairs;
use crate::output::{Column, Row};

/// A query as it is kept.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Stored(pub(super) Query);

/// A query as it would be executed for a name.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Explained(pub(super) QueryExplained);

const COLUMNS: &[Column] = &[
    Column::whole("ID", 9),
    Column::text("NAME", 8),
    Column::text("SERVICE", 7),
    Column::text("TAGS", 6),
    Column::text("INSTANCES", 6),
    Column::text("META", 4),
    Column::text("NODE META", 4),
    Column::text("IGNORED CHECKS", 4),
    Column::text("ORDER", 5),
    Column::text("FAILOVER", 4),
    Column::text("TEMPLATE", 4),
    Column::text("DNS TTL", 3),
    Column::text("SESSION", 3),
];

impl Row for Stored {
    const COLUMNS: &'static [Column] = COLUMNS;

    fn cells(&self) -> Vec<String> {
        row(&self.0.id, &self.0.definition)
    }
}

impl Row for Explained {
    const COLUMNS: &'static [Column] = COLUMNS;

    fn cells(&self) -> Vec<String> {
        row(&self.0.id, &self.0.definition)
    }
}

fn row(id: &str, of: &QueryDefinition) -> Vec<String> {
    vec![
        id.to_owned(),
        of.name.clone(),
        of.service.clone(),
        of.tags.iter().map(|tag| tagged(tag)).collect::<Vec<_>>().join(", "),
        instances(of),
        pairs(&of.meta),
        pairs(&of.node_meta),
        of.ignore_checks.join(", "),
        order(&of.near),
        of.failover.as_ref().map(failover).unwrap_or_default(),
        of.template.as_ref().map(template).unwrap_or_default(),
        of.dns_ttl.clone().unwrap_or_else(|| "that of the service".to_owned()),
        of.session.clone().unwrap_or_default(),
    ]
}

fn tagged(tag: &str) -> String {
    tag.strip_prefix('!').map_or_else(|| tag.to_owned(), |tag| format!("not {tag}"))
}

fn instances(of: &QueryDefinition) -> String {
    let status = if of.only_passing { "passing ones alone" } else { "passing and warning ones" };
    let mesh = if of.connect { ", only those of the mesh" } else { "" };
    format!("{status}{mesh}")
}

fn order(near: &str) -> String {
    match near {
        "" => "by chance".to_owned(),
        "_agent" => "nearest to the answering agent first".to_owned(),
        "_ip" => "nearest to the client first".to_owned(),
        node => format!("nearest to {node} first"),
    }
}

fn failover(of: &Failover) -> String {
    let nearest = (of.nearest > 0).then(|| format!("the {} nearest datacentres", of.nearest));
    let named = (!of.datacenters.is_empty()).then(|| of.datacenters.join(", "));
    nearest.into_iter().chain(named).collect::<Vec<_>>().join(", then ")
}

fn template(of: &Template) -> String {
    let names = match of.regexp.as_str() {
        "" => "every name that begins so".to_owned(),
        regexp => format!("names that match {regexp}"),
    };
    if of.remove_empty_tags { format!("{names}; empty tags are dropped") } else { names }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_a_query_asks_is_told() {
        let asks = QueryDefinition {
            name: "geo-".into(),
            service: "web".into(),
            tags: vec!["v1".into(), "!old".into()],
            only_passing: true,
            near: "_agent".into(),
            ignore_checks: vec!["disk".into()],
            failover: Some(Failover { nearest: 2, datacenters: vec!["dc9".into()] }),
            template: Some(Template { regexp: "^geo-(.*)$".into(), remove_empty_tags: true }),
            dns_ttl: Some("10s".into()),
            ..QueryDefinition::default()
        };
        let cells = row("id", &asks);
        assert_eq!(cells.len(), COLUMNS.len());
        let told = [
            "v1, not old",
            "passing ones alone",
            "disk",
            "nearest to the answering agent first",
            "the 2 nearest datacentres, then dc9",
            "names that match ^geo-(.*)$; empty tags are dropped",
            "10s",
        ];
        for part in told {
            assert!(cells.iter().any(|cell| cell == part), "{part}: {cells:?}");
        }
    }
}
