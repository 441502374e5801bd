//! The report as text: tables that are Markdown and can be read on a terminal as they are.

use std::fmt::Write as _;

use super::{Curve, Figure, Goal, Report, Series, Spread};

impl Report {
    /// All tables.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for part in self.parts() {
            let _ = writeln!(text, "### {part}\n");
            self.figures(&mut text, part);
            text.push('\n');
        }
        for curve in &self.curves {
            let _ = writeln!(text, "### The curve over {}, medians\n", curve.axis);
            write_rows(&mut text, &curve_rows(curve));
            text.push('\n');
        }
        if !self.verdicts.is_empty() {
            text.push_str("### Beside each other\n\n");
            self.write_verdicts(&mut text);
        }
        text
    }

    fn parts(&self) -> Vec<&str> {
        let mut parts: Vec<&str> = Vec::new();
        for series in &self.series {
            if !parts.contains(&series.part.as_str()) {
                parts.push(&series.part);
            }
        }
        parts
    }

    fn figures(&self, text: &mut String, part: &str) {
        let of_part: Vec<&Series> = self.series.iter().filter(|series| series.part == part).collect();
        let mut columns: Vec<Figure> = Vec::new();
        let mut lines: Vec<(&str, &str)> = Vec::new();
        for series in &of_part {
            if !columns.contains(&series.figure) {
                columns.push(series.figure);
            }
            if !lines.contains(&(&series.what, &series.system)) {
                lines.push((&series.what, &series.system));
            }
        }
        let mut rows = vec![heading(&columns)];
        rows.extend(lines.iter().map(|(what, system)| {
            let cell = |figure: &Figure| {
                let found = of_part.iter().find(|series| series.is(part, what, system, *figure));
                found.map_or(String::new(), |series| spread(&series.values))
            };
            [(*what).to_owned(), (*system).to_owned()].into_iter().chain(columns.iter().map(cell)).collect()
        }));
        write_rows(text, &rows);
    }

    fn write_verdicts(&self, text: &mut String) {
        let mut rows = vec![["", "minimum", "median", "maximum", "goal", ""].map(str::to_owned).to_vec()];
        rows.extend(self.verdicts.iter().map(|verdict| {
            let spread = Spread::of(&verdict.values);
            let goal = match verdict.goal {
                Goal::AtLeast(bound) => format!("≥ {}", number(bound)),
                Goal::AtMost(bound) => format!("≤ {}", number(bound)),
                Goal::Shown => String::new(),
            };
            let met = match verdict.met {
                Some(true) => "met",
                Some(false) => "missed",
                None => "",
            };
            vec![
                verdict.what.clone(),
                number(spread.minimum),
                number(spread.median),
                number(spread.maximum),
                goal,
                met.to_owned(),
            ]
        }));
        write_rows(text, &rows);
    }
}

fn curve_rows(curve: &Curve) -> Vec<Vec<String>> {
    let heading = std::iter::once(curve.axis.clone()).chain(curve.lines.iter().cloned()).collect();
    let points = curve.points.iter();
    let row = |(size, values): &(f64, Vec<f64>)| {
        std::iter::once(grouped(*size)).chain(values.iter().copied().map(number)).collect()
    };
    std::iter::once(heading).chain(points.map(row)).collect()
}

fn heading(columns: &[Figure]) -> Vec<String> {
    let titles = columns.iter().map(|figure| figure.title().to_owned());
    [String::new(), String::new()].into_iter().chain(titles).collect()
}

/// `median (minimum – maximum)`, or the one value.
fn spread(values: &[f64]) -> String {
    let spread = Spread::of(values);
    if values.len() == 1 {
        return number(spread.median);
    }
    format!("{} ({} – {})", number(spread.median), number(spread.minimum), number(spread.maximum))
}

/// Three or four digits that mean something.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => grouped(value),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 || size == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 && !out.ends_with('-') {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn write_rows(text: &mut String, rows: &[Vec<String>]) {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).max(3);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for (at, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            let fill = " ".repeat(width - cell.chars().count());
            format!("| {cell}{fill} ")
        });
        let _ = writeln!(text, "{}|", cells.collect::<String>());
        if at == 0 {
            let rule: String = widths.iter().map(|width| format!("| {} ", "-".repeat(*width))).collect();
            let _ = writeln!(text, "{rule}|");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_a_line_stand_side_by_side() {
        let mut report = Report::default();
        for (rate, p99) in [(12_346.0, 0.5), (10_000.0, 1.5)] {
            report.add("Writes", "PUT", "konsul", Figure::Rate, rate);
            report.add("Writes", "PUT", "konsul", Figure::P99, p99);
        }
        report.judge("twice", vec![2.0], Goal::AtLeast(1.5));
        let text = report.text();
        assert!(text.contains("| PUT | konsul | 11,173 (10,000 – 12,346) | 1.00 (0.50 – 1.50) |"), "{text}");
        assert!(text.contains("| twice | 2.00    | 2.00   | 2.00    | ≥ 1.50 | met |"), "{text}");
    }

    #[test]
    fn a_curve_has_a_line_for_each_size() {
        let mut report = Report::default();
        report.curves.push(Curve {
            name: "c".to_owned(),
            axis: "keys".to_owned(),
            lines: vec!["a read, µs".to_owned()],
            points: vec![(1e3, vec![7.25]), (1e5, vec![250.0])],
        });
        let text = report.text();
        assert!(text.contains("| keys    | a read, µs |"), "{text}");
        assert!(
            text.contains("| 1,000   | 7.25       |") && text.contains("| 100,000 | 250        |"),
            "{text}"
        );
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([grouped(123.0), grouped(-1234.0), grouped(1_234_567.4)], ["123", "-1,234", "1,234,567"]);
    }
}
