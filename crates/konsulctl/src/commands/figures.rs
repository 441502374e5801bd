//! `limits`, `usage`, `metrics`, `log-level`: what the server allows, holds, does and tells.

use clap::{Args, ValueEnum};
use konsul_client::v2::api::system::{Level, Limit, LogLevel as Told, MetricsHistory, NamespaceUsage};
use serde::Serialize;

use super::{Covered, covers};
use crate::failure::Outcome;
use crate::output::{Column, Format, Row, ago, bytes};
use crate::run::Run;

/// What each command covers.
pub(crate) const OPERATIONS: &[Covered] = &[
    covers("limits", &["limits"]),
    covers("usage", &["usage"]),
    covers("metrics", &["metrics_history"]),
    covers("log-level", &["log_level_get", "log_level_set"]),
];

const LIMITS: &str = "\
Examples:
  konsulctl limits
  konsulctl limits --output json";

/// Shows every bound that is in force, and what is answered beyond it.
#[derive(Debug, Args)]
#[command(after_help = LIMITS)]
pub struct Limits {}

impl Limits {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let limits = client.v2().limits(None).await.map_err(|e| run.failed(&e))?;
        run.out().list(&limits.items, "it has no limits")
    }
}

impl Row for Limit {
    const COLUMNS: &'static [Column] = &[
        Column::text("NAME", 9),
        Column::number("LIMIT", 9),
        Column::text("PER", 7),
        Column::text("BEYOND IT", 8),
    ];

    fn cells(&self) -> Vec<String> {
        let value = match (self.value, self.unit.as_str()) {
            (0, _) => "none".to_owned(),
            (value, "bytes") => bytes(value),
            (value, "milliseconds") if value < 1000 => format!("{value}ms"),
            (value, "milliseconds") => ago(std::time::Duration::from_millis(value)),
            (value, "count" | "") => value.to_string(),
            (value, unit) => format!("{value} {unit}"),
        };
        vec![self.name.clone(), value, self.per.clone(), self.at_bound.clone()]
    }

    fn plain(&self) -> Vec<String> {
        let value = self.value.to_string();
        vec![self.name.clone(), value, self.unit.clone(), self.per.clone(), self.at_bound.clone()]
    }
}

const USAGE: &str = "\
Examples:
  konsulctl usage
  konsulctl usage --output json";

/// Shows how much each namespace holds.
#[derive(Debug, Args)]
#[command(after_help = USAGE)]
pub struct Usage {}

impl Usage {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let usage = client.v2().usage(None).await.map_err(|e| run.failed(&e))?;
        run.out().list(&usage.namespaces, "there is nothing yet")
    }
}

impl Row for NamespaceUsage {
    const COLUMNS: &'static [Column] = &[
        Column::text("NAMESPACE", 9),
        Column::number("KEYS", 9),
        Column::number("SIZE", 8),
        Column::number("SESSIONS", 7),
    ];

    fn cells(&self) -> Vec<String> {
        vec![self.name.clone(), self.keys.to_string(), bytes(self.bytes), self.sessions.to_string()]
    }

    fn plain(&self) -> Vec<String> {
        let numbers = [self.keys, self.bytes, self.sessions].map(|number| number.to_string());
        std::iter::once(self.name.clone()).chain(numbers).collect()
    }
}

const METRICS: &str = "\
Examples:
  konsulctl metrics
  konsulctl metrics --prometheus
  konsulctl metrics --output json

The server keeps its main figures for an hour; --prometheus prints all of them as they are now.";

/// Shows the main figures of the last hour.
#[derive(Debug, Args)]
#[command(after_help = METRICS)]
pub struct Metrics {
    /// All figures as they are now, in Prometheus' text form
    #[arg(long)]
    prometheus: bool,
}

impl Metrics {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        if self.prometheus {
            let text = client.v2().metrics().await.map_err(|e| run.failed(&e))?;
            return run.out().raw(&text);
        }
        let history = client.v2().metrics_history().await.map_err(|e| run.failed(&e))?;
        match run.format() {
            Format::Table | Format::Plain => {
                run.out().list(&series(&history), "the server keeps no figures yet")
            }
            _ => run.out().one(&Whole(history)),
        }
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Whole(MetricsHistory);

impl Row for Whole {
    const COLUMNS: &'static [Column] = &[Column::text("INTERVAL", 9)];

    fn cells(&self) -> Vec<String> {
        vec![self.0.interval.clone()]
    }
}

#[derive(Serialize)]
struct Series {
    name: String,
    values: Vec<Option<f64>>,
}

fn series(history: &MetricsHistory) -> Vec<Series> {
    history
        .series
        .iter()
        .map(|(name, values)| Series { name: name.clone(), values: values.clone() })
        .collect()
}

impl Series {
    fn known(&self) -> impl Iterator<Item = f64> {
        self.values.iter().flatten().copied()
    }
}

/// A figure with as many digits as tell something.
fn figure(value: f64) -> String {
    // What rounding left of a sum of nothing.
    let value = if value == 0.0 { 0.0 } else { value };
    if value.fract() == 0.0 && value.abs() < 1e15 {
        format!("{value:.0}")
    } else if value.abs() >= 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.3}")
    }
}

/// How many points the curve has.
const CURVE: usize = 30;

/// The last hour in a line: each block the largest value of its stretch, between the least and the largest of all.
fn curve(values: &[Option<f64>]) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let known = || values.iter().flatten().copied();
    let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    let block = |stretch: &[Option<f64>]| {
        let top = stretch.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
        if top == f64::NEG_INFINITY {
            return ' ';
        }
        let share = if high > low { (top - low) / (high - low) } else { 0.0 };
        BLOCKS[((share * 7.0).round() as usize).min(7)]
    };
    values.chunks(values.len().div_ceil(CURVE).max(1)).map(block).collect()
}

impl Row for Series {
    const COLUMNS: &'static [Column] = &[
        Column::text("FIGURE", 9),
        Column::number("NOW", 9),
        Column::number("LEAST", 5),
        Column::number("MOST", 6),
        Column::text("LAST HOUR", 4),
    ];

    fn cells(&self) -> Vec<String> {
        let mut cells = self.plain();
        cells.push(curve(&self.values));
        cells
    }

    fn plain(&self) -> Vec<String> {
        let of = |value: Option<f64>| value.map(figure).unwrap_or_default();
        vec![
            self.name.clone(),
            of(self.values.last().copied().flatten()),
            of(self.known().reduce(f64::min)),
            of(self.known().reduce(f64::max)),
        ]
    }
}

const LOG_LEVEL: &str = "\
Examples:
  konsulctl log-level
  konsulctl log-level info --target raft=debug
  konsulctl log-level info --reset-targets

A change holds until the server's next start. `konsul monitor -log-level=debug` shows more without changing anything.";

/// Shows or changes how much the server logs.
#[derive(Debug, Args)]
#[command(after_help = LOG_LEVEL)]
pub struct LogLevel {
    /// The new level
    #[arg(value_enum)]
    level: Option<Wanted>,
    /// A level of its own for a room of the server; repeat it for more
    #[arg(long = "target", value_name = "NAME=LEVEL", value_parser = target)]
    targets: Vec<(String, String)>,
    /// Takes the levels of single rooms back
    #[arg(long)]
    reset_targets: bool,
}

fn target(text: &str) -> Result<(String, String), String> {
    let (name, level) = text.split_once('=').ok_or("write NAME=LEVEL, such as raft=debug")?;
    Ok((name.to_owned(), level.to_owned()))
}

/// A level as it is named on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Wanted {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

impl LogLevel {
    pub(crate) async fn run(self, run: &mut Run<'_>) -> Outcome {
        let client = run.client()?;
        let mut told = client.v2().log_level_get().await.map_err(|e| run.failed(&e))?;
        if self.level.is_some() || self.reset_targets || !self.targets.is_empty() {
            told.level = self.level.map_or(told.level, level);
            if self.reset_targets {
                told.targets.clear();
            }
            told.targets.extend(self.targets);
            told = client.v2().log_level_set(&told).await.map_err(|e| run.failed(&e))?;
        }
        let sentence = told.cells().join(" ");
        run.out().done(sentence.trim_end(), &told)
    }
}

fn level(wanted: Wanted) -> Level {
    match wanted {
        Wanted::Trace => Level::Trace,
        Wanted::Debug => Level::Debug,
        Wanted::Info => Level::Info,
        Wanted::Warn => Level::Warn,
        Wanted::Error => Level::Error,
    }
}

fn name(level: Level) -> &'static str {
    match level {
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

impl Row for Told {
    const COLUMNS: &'static [Column] = &[Column::text("LEVEL", 9), Column::text("TARGETS", 8)];

    fn cells(&self) -> Vec<String> {
        let targets = self.targets.iter().map(|(name, level)| format!("{name}={level}"));
        vec![name(self.level).to_owned(), targets.collect::<Vec<_>>().join(",")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_spans_from_the_least_to_the_largest() {
        let values: Vec<Option<f64>> = vec![Some(0.0), None, Some(7.0), Some(3.5)];
        assert_eq!(curve(&values), "▁ █▅");
        assert_eq!(curve(&[Some(2.0); 3]), "▁▁▁");
        assert_eq!(curve(&[]), "");
        assert_eq!(curve(&vec![Some(1.0); 720]).chars().count(), 30);
    }

    #[test]
    fn figures_have_the_digits_that_tell_something() {
        assert_eq!(
            [figure(3.0), figure(-0.0), figure(1234.56), figure(0.00051)],
            ["3", "0", "1234.6", "0.001"]
        );
    }
}
