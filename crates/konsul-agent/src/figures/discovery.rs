//! What the registry and DNS of this agent tell.

use std::sync::atomic::{AtomicU64, Ordering};

use konsul_checks::Stats;
use konsul_dns::Figures as DnsFigures;

use super::{Figure, Shape, table};

/// No labels.
const NONE: [String; 0] = [];

/// Nanoseconds of a second.
const NANOS: f64 = 1e9;

/// The checks that this agent runs.
pub(super) fn checks(all: &mut Vec<Figure>, stats: &Stats) {
    let by_status = stats.by_status;
    let standing =
        [("passing", by_status.passing), ("warning", by_status.warning), ("critical", by_status.critical)];
    all.push(table::AGENT_CHECKS.each(standing.map(|(status, count)| ([status.to_owned()], count as f64))));
    let runs = stats.runs.iter().flat_map(|(kind, results)| {
        let each =
            [("passing", results.passing), ("warning", results.warning), ("critical", results.critical)];
        each.map(|(result, count)| ([(*kind).to_owned(), result.to_owned()], count as f64))
    });
    all.push(table::CHECK_RUNS.each(runs));
    all.push(table::CHECK_LAG.shapes([(NONE, Shape::of(&stats.lag, NANOS))]));
    all.push(table::CHECK_TOOK.shapes([(NONE, Shape::of(&stats.took, NANOS))]));
    all.push(table::CHECK_REPORTS.count(stats.reports));
    all.push(table::CHECK_UPDATES.count(stats.updates));
}

/// The answers of DNS.
pub(super) fn dns(all: &mut Vec<Figure>, figures: &DnsFigures) {
    let answers = figures
        .answers()
        .map(|(kind, rcode, count)| ([kind.to_owned(), rcode.name().to_owned()], count as f64));
    all.push(table::DNS_ANSWERS.each(answers.collect::<Vec<_>>()));
    all.push(table::DNS_DURATION.shapes([(NONE, Shape::of(&figures.duration.read(), NANOS))]));
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
    let dropped = [
        ("no_question", read(&figures.ignored)),
        ("malformed", read(&figures.malformed)),
        ("rate", read(&figures.limited)),
        ("sent_to_tcp", read(&figures.slipped)),
        ("overloaded", read(&figures.overloaded)),
        ("unsent", read(&figures.unsent)),
    ];
    all.push(table::DNS_DROPPED.each(dropped.map(|(reason, count)| ([reason.to_owned()], count))));
}
