//! The report in the book: between two markers, the rest of the page stays as it is. Each curve is a drawing beside it.

use std::path::Path;

use super::{Curve, Report};
use crate::error::{Error, Result};

const BEGIN: &str = "<!-- bench:begin -->";
const END: &str = "<!-- bench:end -->";

/// Puts the report between the markers of the page at `path`.
///
/// # Errors
///
/// [`Error::File`] when the page cannot be read or written, [`Error::Usage`] when it lacks the markers.
pub fn write_between_markers(path: &Path, report: &Report) -> Result<()> {
    let fault = |what: &str| {
        let what = format!("{what} {}", path.display());
        move |why| Error::file(what, why)
    };
    let page = std::fs::read_to_string(path).map_err(fault("read"))?;
    let made = replaced(&page, &body(report)).ok_or_else(|| {
        Error::Usage(format!("{} has no lines `{BEGIN}` and `{END}` to write between", path.display()))
    })?;
    std::fs::write(path, made).map_err(fault("write"))?;
    for curve in report.curves.iter().filter(|curve| !curve.svg().is_empty()) {
        let drawing = path.with_file_name(drawing(curve));
        std::fs::write(&drawing, curve.svg())
            .map_err(|why| Error::file(format!("write {}", drawing.display()), why))?;
    }
    Ok(())
}

fn drawing(curve: &Curve) -> String {
    format!("performance-{}.svg", curve.name)
}

fn body(report: &Report) -> String {
    let environment = report.environment.iter().map(|(name, text)| format!("- {name}: {text}\n"));
    let drawings = report.curves.iter().filter(|curve| !curve.svg().is_empty()).map(|curve| {
        let (axis, file) = (&curve.axis, drawing(curve));
        format!(
            "\n![What becomes more as {axis} become more, as multiples of what it is at the fewest]({file})\n"
        )
    });
    format!(
        "\n{}\n{}\n{}",
        environment.collect::<String>(),
        report.text().trim_end(),
        drawings.collect::<String>()
    )
}

fn replaced(page: &str, body: &str) -> Option<String> {
    let (head, rest) = page.split_once(BEGIN)?;
    let (_, tail) = rest.split_once(END)?;
    Some(format!("{head}{BEGIN}\n{body}\n{END}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_drawn_beside_the_page() {
        let folder = tempfile::tempdir().expect("a folder");
        let page = folder.path().join("page.md");
        std::fs::write(&page, format!("a\n{BEGIN}\n{END}\n")).expect("it is writable");
        let mut report = Report::default();
        report.curves.push(Curve {
            name: "keys".to_owned(),
            axis: "keys".to_owned(),
            lines: vec!["a read, µs".to_owned()],
            points: vec![(1e3, vec![7.25]), (1e5, vec![250.0])],
        });
        write_between_markers(&page, &report).expect("it has the markers");
        let text = std::fs::read_to_string(&page).expect("it is there");
        assert!(text.contains("](performance-keys.svg)\n\n<!-- bench:end -->"), "{text}");
        let drawing =
            std::fs::read_to_string(folder.path().join("performance-keys.svg")).expect("it is drawn");
        assert!(drawing.starts_with("<svg ") && drawing.ends_with("</svg>\n"), "{drawing}");
    }

    #[test]
    fn only_what_is_between_the_markers_changes() {
        let page = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let once = replaced(&page, "new").unwrap();
        assert_eq!(once, format!("a\n{BEGIN}\nnew\n{END}\nb\n"));
        assert_eq!(replaced(&once, "new").unwrap(), once);
        assert_eq!(replaced("no markers", "new"), None);
    }
}
