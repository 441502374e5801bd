//! Lines for scripts: cells parted by tabs, no headings, nothing cut.

use super::Row;
use super::text::shown;
use crate::console::Console;
use crate::failure::Outcome;

pub(super) fn line<T: Row>(item: &T, console: &mut Console<'_>) -> Outcome {
    let cells: Vec<String> = item.plain().iter().map(|cell| shown(cell)).collect();
    console.line(cells.join("\t"))
}
