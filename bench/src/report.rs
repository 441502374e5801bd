//! What was measured: series of values, one for a round, and what they are worth beside each other.

mod curve;
mod document;
mod table;

use serde::Serialize;

pub use curve::Curve;
pub use document::write_between_markers;

/// One figure of one system over all rounds.
#[derive(Debug, Clone, Serialize)]
pub struct Series {
    /// The part of the benchmark.
    pub part: String,
    /// What was done, such as `PUT, 64 connections`.
    pub what: String,
    /// Whose figure it is.
    pub system: String,
    /// What is counted.
    pub figure: Figure,
    /// One for each round, in the order of the rounds.
    pub values: Vec<f64>,
}

/// What a series counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// Requests a second.
    Rate,
    /// The median latency, in microseconds.
    P50,
    /// The 99th percentile of the latency, in microseconds.
    P99,
    /// The server's processor time for a request, in microseconds.
    CpuEach,
    /// The share of its core that the generator used, in percent.
    GeneratorBusy,
    /// A time, in milliseconds.
    Milliseconds,
    /// Memory, in bytes.
    Bytes,
    /// Memory, in mebibytes.
    Mebibytes,
    /// A share, in percent.
    Percent,
}

impl Figure {
    /// Its name and unit, as a table's heading.
    pub fn title(self) -> &'static str {
        match self {
            Figure::Rate => "requests/s",
            Figure::P50 => "p50, µs",
            Figure::P99 => "p99, µs",
            Figure::CpuEach => "server CPU each, µs",
            Figure::GeneratorBusy => "generator busy, %",
            Figure::Milliseconds => "ms",
            Figure::Bytes => "bytes",
            Figure::Mebibytes => "MiB",
            Figure::Percent => "%",
        }
    }
}

/// What a ratio or a figure should be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// Its median should not be smaller.
    AtLeast(f64),
    /// Its median should not be larger.
    AtMost(f64),
    /// It is only shown.
    Shown,
}

impl Goal {
    fn is_met(self, median: f64) -> Option<bool> {
        match self {
            Goal::AtLeast(bound) => Some(median >= bound),
            Goal::AtMost(bound) => Some(median <= bound),
            Goal::Shown => None,
        }
    }
}

/// A statement about the figures, with the goal it is judged by.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// What is stated.
    pub what: String,
    /// One for each round.
    pub values: Vec<f64>,
    /// What it should be.
    pub goal: Goal,
    /// Whether the median is that; `None` for what is only shown.
    pub met: Option<bool>,
}

/// The smallest, the middle and the largest of some values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The smallest.
    pub minimum: f64,
    /// The middle; of an even number, the mean of the two in the middle.
    pub median: f64,
    /// The largest.
    pub maximum: f64,
}

impl Spread {
    /// Of `values`; all zero when there are none.
    pub fn of(values: &[f64]) -> Spread {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let Some((minimum, maximum)) = sorted.first().copied().zip(sorted.last().copied()) else {
            return Spread { minimum: 0.0, median: 0.0, maximum: 0.0 };
        };
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        };
        Spread { minimum, median, maximum }
    }
}

/// All that was measured.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// On what, with what: pairs of name and text.
    pub environment: Vec<(String, String)>,
    /// The figures.
    pub series: Vec<Series>,
    /// How some of them change with a size.
    pub curves: Vec<Curve>,
    /// What they are worth.
    pub verdicts: Vec<Verdict>,
}

impl Report {
    /// Notes one value of one round.
    pub fn add(&mut self, part: &str, what: &str, system: &str, figure: Figure, value: f64) {
        let known = self.series.iter_mut().find(|series| series.is(part, what, system, figure));
        if let Some(series) = known {
            series.values.push(value);
            return;
        }
        self.series.push(Series {
            part: part.to_owned(),
            what: what.to_owned(),
            system: system.to_owned(),
            figure,
            values: vec![value],
        });
    }

    /// Notes what a run of a load measured.
    pub fn add_sample(&mut self, part: &str, what: &str, system: &str, sample: &crate::load::Sample) {
        let figures = [
            (Figure::Rate, sample.rate()),
            (Figure::P50, sample.p50_us),
            (Figure::P99, sample.p99_us),
            (Figure::CpuEach, sample.cpu_us()),
            (Figure::GeneratorBusy, sample.generator_busy * 100.0),
        ];
        for (figure, value) in figures {
            self.add(part, what, system, figure, value);
        }
    }

    /// The values of a series; none when it was not measured.
    pub fn values(&self, part: &str, what: &str, system: &str, figure: Figure) -> &[f64] {
        let found = self.series.iter().find(|series| series.is(part, what, system, figure));
        found.map_or(&[], |series| &series.values)
    }

    /// Judges values that are there already.
    pub fn judge(&mut self, what: &str, values: Vec<f64>, goal: Goal) {
        if values.is_empty() {
            return;
        }
        let met = goal.is_met(Spread::of(&values).median);
        self.verdicts.push(Verdict { what: what.to_owned(), values, goal, met });
    }

    /// Judges `ours` over `theirs`, round by round.
    pub fn judge_ratio(&mut self, what: &str, ours: &[f64], theirs: &[f64], goal: Goal) {
        let ratios = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
        self.judge(what, ratios, goal);
    }
}

impl Series {
    fn is(&self, part: &str, what: &str, system: &str, figure: Figure) -> bool {
        self.part == part && self.what == what && self.system == system && self.figure == figure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), Spread { minimum: 1.0, median: 2.0, maximum: 3.0 });
        assert_eq!(Spread::of(&[4.0, 1.0]).median, 2.5);
        assert_eq!(Spread::of(&[]).median, 0.0);
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        let mut report = Report::default();
        report.judge_ratio("r", &[10.0, 40.0], &[5.0, 10.0], Goal::AtLeast(3.0));
        assert_eq!((&report.verdicts[0].values, report.verdicts[0].met), (&vec![2.0, 4.0], Some(true)));
        report.judge_ratio("none", &[], &[], Goal::AtLeast(3.0));
        assert_eq!(report.verdicts.len(), 1, "what was not measured is not judged");
    }
}
