//! A curve: how figures change with a size, as a table and as a drawing.

use std::fmt::Write as _;

use serde::Serialize;

/// Some figures at some sizes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// What its file is called by.
    pub name: String,
    /// What becomes more.
    pub axis: String,
    /// What each figure is, with its unit.
    pub lines: Vec<String>,
    /// Sizes, ascending, and the figures at each.
    pub points: Vec<(f64, Vec<f64>)>,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 300.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 50.0;

/// They differ in lightness, too.
const COLOURS: [&str; 6] = ["#1b6ca8", "#d1495b", "#2e8b57", "#8e5ea2", "#e08e0b", "#555555"];

impl Curve {
    /// Each figure over the size, as a multiple of what it is at the smallest size, both axes logarithmic: what is flat in it
    /// does not depend on the size. Empty where there are fewer than two sizes.
    pub fn svg(&self) -> String {
        if self.points.len() < 2 {
            return String::new();
        }
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
             font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
        );
        let frame = Frame::around(self);
        frame.draw(&mut text, self);
        for at in 0..self.lines.len() {
            self.draw(&mut text, &frame, at);
        }
        text + "</svg>\n"
    }

    /// The values of a line over the first of them.
    fn relative(&self, line: usize) -> impl Iterator<Item = (f64, f64)> + '_ {
        let first = self.points.first().map_or(1.0, |point| point.1[line]);
        self.points.iter().map(move |(size, values)| (*size, values[line] / first))
    }

    fn draw(&self, text: &mut String, frame: &Frame, line: usize) {
        let colour = COLOURS[line % COLOURS.len()];
        let points: Vec<(f64, f64)> = self
            .relative(line)
            .filter(|point| point.1 > 0.0)
            .map(|(size, value)| (frame.x(size), frame.y(value)))
            .collect();
        let path = points.iter().map(|(x, y)| format!("{x:.1},{y:.1} ")).collect::<String>();
        let _ = writeln!(
            text,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{}\"/>",
            path.trim_end()
        );
        for (x, y) in points {
            let _ = writeln!(text, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
        }
        let (x, y) = (WIDTH - RIGHT + 20.0, TOP + 20.0 + 22.0 * line as f64);
        let _ = writeln!(
            text,
            "<rect x=\"{x}\" y=\"{}\" width=\"12\" height=\"4\" fill=\"{colour}\"/>\
             <text x=\"{}\" y=\"{}\">{}</text>",
            y - 6.0,
            x + 18.0,
            y,
            escaped(&self.lines[line])
        );
    }
}

/// Where values are in the drawing.
struct Frame {
    least: f64,
    most: f64,
    low: f64,
    high: f64,
}

impl Frame {
    fn around(curve: &Curve) -> Frame {
        let values = (0..curve.lines.len()).flat_map(|line| curve.relative(line)).map(|point| point.1);
        let values = values.filter(|value| *value > 0.0 && value.is_finite());
        // At least from a half to the double, so that noise does not look like a slope.
        let (low, high) =
            values.fold((0.5_f64, 2.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        let size = |point: Option<&(f64, Vec<f64>)>| point.map_or(1.0, |point| point.0);
        Frame { least: size(curve.points.first()), most: size(curve.points.last()), low, high }
    }

    fn x(&self, size: f64) -> f64 {
        LEFT + (size / self.least).ln() / (self.most / self.least).ln() * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - (value / self.low).ln() / (self.high / self.low).ln() * (HEIGHT - TOP - BOTTOM)
    }

    fn draw(&self, text: &mut String, curve: &Curve) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let mut value = 2.0_f64.powf(self.low.log2().ceil());
        while value <= self.high * 1.001 {
            let y = self.y(value);
            let _ = writeln!(
                text,
                "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\" stroke=\"#dddddd\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value}×</text>",
                LEFT - 8.0,
                y + 4.0
            );
            value *= 2.0;
        }
        for (size, _) in &curve.points {
            let x = self.x(*size);
            let _ = writeln!(
                text,
                "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                bottom + 18.0,
                short(*size)
            );
        }
        let _ = writeln!(
            text,
            "<rect x=\"{LEFT}\" y=\"{TOP}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"#888888\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            right - LEFT,
            bottom - TOP,
            f64::midpoint(LEFT, right),
            bottom + 38.0,
            escaped(&curve.axis)
        );
    }
}

/// As people write sizes beneath an axis.
fn short(size: f64) -> String {
    if size >= 1e6 {
        return format!("{}M", size / 1e6);
    }
    if size >= 1e3 { format!("{}k", size / 1e3) } else { size.to_string() }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve() -> Curve {
        Curve {
            name: "c".to_owned(),
            axis: "things".to_owned(),
            lines: vec!["flat, µs".to_owned(), "doubles & more, ms".to_owned()],
            points: vec![(1e3, vec![5.0, 1.0]), (1e4, vec![5.0, 2.0]), (1e5, vec![5.0, 4.0])],
        }
    }

    #[test]
    fn a_flat_line_is_flat_and_a_rising_one_rises() {
        let svg = curve().svg();
        let heights = |line: usize| -> Vec<f64> {
            let points = svg.split("points=\"").nth(line + 1).expect("a line");
            let points = points.split('"').next().expect("its points");
            points
                .split(' ')
                .map(|point| point.split_once(',').expect("x and y").1.parse().expect("a number"))
                .collect()
        };
        let (flat, rising) = (heights(0), heights(1));
        assert!(flat.iter().all(|height| *height == flat[0]), "{flat:?}");
        assert!(rising[0] > rising[1] && rising[1] > rising[2], "down is more: {rising:?}");
        assert!(
            (rising[0] - rising[1] - (rising[1] - rising[2])).abs() < 0.3,
            "doubling is a step: {rising:?}"
        );
        assert!(svg.contains(">10k<") && svg.contains("doubles &amp; more, ms"), "{svg}");
    }

    #[test]
    fn one_point_is_no_curve() {
        let mut one = curve();
        one.points.truncate(1);
        assert_eq!(one.svg(), "");
    }
}
