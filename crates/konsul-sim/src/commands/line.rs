//! The line that a run prints, and reading it back.
//!
//! `seed=7 verdict=held operations=3051 entries=1591 steps=61636 virtual_ms=31533 trace=00f3… cpu_ms=218 crash=11 torn_tail=2 …`,
//! and after a ` # ` what the seed was about or what was broken.

use std::collections::BTreeMap;

use konsul_sim::run::Report;

/// A line, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) fields: BTreeMap<String, String>,
    pub(crate) note: String,
}

impl Line {
    /// The line of a report.
    pub(crate) fn of(report: &Report, cpu_ms: u64) -> Line {
        let verdict = if report.broken.is_some() { "broken" } else { "held" };
        let numbers = [
            ("operations", report.operations),
            ("entries", report.entries),
            ("steps", report.steps),
            ("virtual_ms", report.virtual_ms),
            ("cpu_ms", cpu_ms),
        ];
        let mut fields: BTreeMap<String, String> =
            numbers.into_iter().map(|(name, n)| (name.to_owned(), n.to_string())).collect();
        fields.extend(
            report.marks.iter().map(|(mark, n)| (format!("mark.{}", mark.replace(' ', "_")), n.to_string())),
        );
        fields.insert("seed".into(), report.seed.to_string());
        fields.insert("verdict".into(), verdict.into());
        fields.insert("trace".into(), format!("{:016x}", report.trace));
        let note = report
            .broken
            .as_ref()
            .map_or_else(|| report.plan.clone(), |broken| format!("{broken} ({})", report.plan));
        Line { fields, note: note.replace('\n', " ") }
    }

    /// Reads a line back.
    pub(crate) fn read(text: &str) -> Option<Line> {
        let (fields, note) = text.split_once(" # ")?;
        let fields =
            fields.split(' ').map(|field| field.split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned())));
        Some(Line { fields: fields.collect::<Option<_>>()?, note: note.to_owned() })
    }

    pub(crate) fn number(&self, field: &str) -> u64 {
        self.fields.get(field).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    pub(crate) fn held(&self) -> bool {
        self.fields.get("verdict").is_some_and(|verdict| verdict == "held")
    }

    /// The marks with their counts.
    pub(crate) fn marks(&self) -> impl Iterator<Item = (String, u64)> {
        self.fields.iter().filter_map(|(name, count)| {
            Some((name.strip_prefix("mark.")?.replace('_', " "), count.parse().ok()?))
        })
    }

    /// What must be the same when the seed is run again.
    pub(crate) fn replayed(&self) -> Line {
        let mut same = self.clone();
        same.fields.remove("cpu_ms");
        same
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, value) in &self.fields {
            write!(f, "{name}={value} ")?;
        }
        write!(f, "# {}", self.note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_back() {
        let fields = [("seed", "7"), ("verdict", "held"), ("mark.torn_tail", "2")];
        let fields = fields.map(|(a, b)| (a.to_owned(), b.to_owned())).into();
        let line = Line { fields, note: "what # it was".into() };
        assert_eq!(Line::read(&line.to_string()), Some(line.clone()));
        assert_eq!(line.marks().collect::<Vec<_>>(), [("torn tail".to_owned(), 2)]);
    }
}
