//! The page of the book that lists every metric.

use std::fmt::Write as _;

use super::Kind;
use super::table::METRICS;

const HEAD: &str = "# Metrics

<!-- Made from the table of metrics: UPDATE=1 cargo test -p konsul-agent metrics_page -->

`GET /metrics` tells them in Prometheus' text form, or as OpenMetrics to a client that likes it at least as well. They say
how this agent stands; every agent has its own. What to watch, and from which value on, is in
[monitoring](../guides/monitoring.md).

Labels have few values, whatever clients do: `operation` is one of the operations' ids, `other` for what reaches none;
`status` is a class such as `2xx`; `check` is a line of `/health`; `namespace` is `default`, one of the first 63 others, or
`(other)` for the rest together. No label holds a key, a path or an address. A series appears with its first value.

Counters and distributions begin at zero when the agent starts.
";

/// The page, as Markdown.
pub fn metrics_page() -> String {
    let mut page = HEAD.to_owned();
    for (title, metrics) in METRICS {
        // Writing to a String cannot fail.
        let _ = write!(
            page,
            "\n## {title}\n\n| metric | type | labels | what it tells |\n| --- | --- | --- | --- |\n"
        );
        for metric in *metrics {
            let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            let (name, kind, help) = (metric.told_as(), word(metric.kind), metric.help);
            let _ = writeln!(page, "| `{name}` | {kind} | {} | {help} |", labels.join(", "));
        }
    }
    page
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Gauge => "gauge",
        Kind::Counter => "counter",
        Kind::Histogram => "histogram",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_metrics_page_is_fresh() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/reference/metrics.md");
        let wanted = super::metrics_page();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &wanted).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == wanted,
            "{} is stale: UPDATE=1 cargo test -p konsul-agent metrics_page",
            path.display()
        );
    }
}
