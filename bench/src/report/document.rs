//! A report in the book: between the two markers of its chapter, the rest of the page stays as it is. Each curve is a
//! drawing beside it.

use std::path::Path;

use super::{Curve, Report};
use crate::error::{Error, Result};

/// The lines that a chapter's figures stand between.
fn markers(chapter: &str) -> [String; 2] {
    ["begin", "end"].map(|which| format!("<!-- bench:{which} {chapter} -->"))
}

/// Puts the report between a chapter's markers of the page at `path`.
///
/// # Errors
///
/// [`Error::File`] when the page cannot be read or written, [`Error::Usage`] when it lacks the markers.
pub fn write_between_markers(path: &Path, chapter: &str, report: &Report) -> Result<()> {
    let fault = |what: &str| {
        let what = format!("{what} {}", path.display());
        move |why| Error::file(what, why)
    };
    let page = std::fs::read_to_string(path).map_err(fault("read"))?;
    let markers = markers(chapter);
    let made = replaced(&page, &markers, &body(report)).ok_or_else(|| {
        let [begin, end] = &markers;
        Error::Usage(format!("{} has no lines `{begin}` and `{end}` to write between", path.display()))
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

fn replaced(page: &str, [begin, end]: &[String; 2], body: &str) -> Option<String> {
    let (head, rest) = page.split_once(begin.as_str())?;
    let (_, tail) = rest.split_once(end.as_str())?;
    Some(format!("{head}{begin}\n{body}\n{end}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_drawn_beside_the_page() {
        let folder = tempfile::tempdir().expect("a folder");
        let page = folder.path().join("page.md");
        let [begin, end] = markers("store");
        std::fs::write(&page, format!("a\n{begin}\n{end}\n")).expect("it is writable");
        let mut report = Report::default();
        report.curves.push(Curve {
            name: "keys".to_owned(),
            axis: "keys".to_owned(),
            lines: vec!["a read, µs".to_owned()],
            points: vec![(1e3, vec![7.25]), (1e5, vec![250.0])],
        });
        write_between_markers(&page, "store", &report).expect("it has the markers");
        let text = std::fs::read_to_string(&page).expect("it is there");
        assert!(text.contains("](performance-keys.svg)\n\n<!-- bench:end store -->"), "{text}");
        let drawing =
            std::fs::read_to_string(folder.path().join("performance-keys.svg")).expect("it is drawn");
        assert!(drawing.starts_with("<svg ") && drawing.ends_with("</svg>\n"), "{drawing}");
    }

    #[test]
    fn only_what_is_between_a_chapters_markers_changes() {
        let (store, other) = (markers("store"), markers("volume"));
        let page =
            |old: &str| format!("a\n{}\nx\n{}\n{}\n{old}\n{}\nb\n", other[0], other[1], store[0], store[1]);
        let once = replaced(&page("old"), &store, "new").unwrap();
        assert_eq!(once, page("new"));
        assert_eq!(replaced(&once, &store, "new").unwrap(), once);
        assert_eq!(replaced("no markers", &store, "new"), None);
    }
}
