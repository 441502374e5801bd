//! The report in the book: between two markers, the rest of the page stays as it is.

use std::path::Path;

use super::Report;
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
    std::fs::write(path, made).map_err(fault("write"))
}

fn body(report: &Report) -> String {
    let environment = report.environment.iter().map(|(name, text)| format!("- {name}: {text}\n"));
    format!("\n{}\n{}\n", environment.collect::<String>(), report.text().trim_end())
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
    fn only_what_is_between_the_markers_changes() {
        let page = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let once = replaced(&page, "new").unwrap();
        assert_eq!(once, format!("a\n{BEGIN}\nnew\n{END}\nb\n"));
        assert_eq!(replaced(&once, "new").unwrap(), once);
        assert_eq!(replaced("no markers", "new"), None);
    }
}
