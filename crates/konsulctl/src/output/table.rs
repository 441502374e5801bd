//! Columns for people, fitted into the terminal.
//!
//! Columns that do not fit are narrowed, the widest first and none below [`least`]; if that is not enough, the one that
//! matters least goes, and so on. What is cut ends in `…`. The last column is not padded, so that nothing wraps.

use super::text::{cut, folded, shown, width};
use super::{Column, Listing, Row};
use crate::console::Console;
use crate::failure::Outcome;

/// No value beside a name gets less room than this.
const NARROWEST: usize = 8;

/// A text column gets no narrower than this before the one that matters least goes.
fn least(column: &Column) -> usize {
    if column.rank >= 8 { 12 } else { NARROWEST }
}

/// Blanks between columns.
const GAP: usize = 2;

pub(super) fn page<T: Row>(listing: &mut Listing, items: &[T], console: &mut Console<'_>) -> Outcome {
    match &listing.layout {
        Some(layout) => {
            let colour = console.colour();
            cells(items).iter().try_for_each(|row| console.line(layout.line(row, colour)))
        }
        None => {
            let (layout, lines) = lines(items, console.width(), console.colour());
            listing.layout = Some(layout);
            lines.iter().try_for_each(|line| console.line(line))
        }
    }
}

/// The lines of a table with its heading, and how they were laid out.
pub(super) fn lines<T: Row>(items: &[T], columns: Option<usize>, colour: bool) -> (Layout, Vec<String>) {
    let cells = cells(items);
    let layout = Layout::fit(T::COLUMNS, &cells, columns);
    let names: Vec<String> = T::COLUMNS.iter().map(|column| column.name.to_owned()).collect();
    let (bold, off) = if colour { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let heading = format!("{bold}{}{off}", layout.line(&names, false));
    let lines = [heading].into_iter().chain(cells.iter().map(|row| layout.line(row, colour))).collect();
    (layout, lines)
}

fn cells<T: Row>(items: &[T]) -> Vec<Vec<String>> {
    items.iter().map(|item| item.cells().iter().map(|cell| shown(cell)).collect()).collect()
}

/// A name and a value a line; a long value goes on below itself.
pub(super) fn one<T: Row>(item: &T, console: &mut Console<'_>) -> Outcome {
    let cells = item.cells();
    let said = || T::COLUMNS.iter().zip(&cells).filter(|(_, cell)| !cell.is_empty());
    let names = said().map(|(column, _)| width(column.name)).max().unwrap_or(0);
    let room =
        console.width().map_or(usize::MAX, |columns| columns.saturating_sub(names + GAP).max(NARROWEST));
    let colour = console.colour();
    let (bold, off) = if colour { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    for (column, cell) in said() {
        let pad = " ".repeat(names - width(column.name) + GAP);
        let mut before = format!("{bold}{}{off}{pad}", column.name);
        for piece in cell.split('\n').flat_map(|line| folded(line, room)) {
            let piece = if colour { painted(column, piece) } else { piece };
            console.line(format!("{before}{piece}"))?;
            before = " ".repeat(names + GAP);
        }
    }
    Ok(())
}

/// Below so many columns only what matters most of a stream's things is shown.
const NARROW: usize = 60;

/// One thing of a stream: nobody knows how wide the next one will be, so that cells are only kept apart. Which columns a
/// narrow terminal shows is decided by the terminal alone: every line has the same ones.
pub(super) fn line<T: Row>(item: &T, console: &mut Console<'_>) -> Outcome {
    let least = console.width().filter(|columns| *columns < NARROW).map_or(0, |_| 8);
    let cells = T::COLUMNS.iter().zip(item.cells()).filter(|(column, _)| column.rank >= least);
    let cells: Vec<String> =
        cells.filter(|(_, cell)| !cell.is_empty()).map(|(_, cell)| shown(&cell)).collect();
    let text = cells.join("  ");
    console.line(match console.width() {
        Some(columns) => cut(&text, columns),
        None => text,
    })
}

/// A column that is shown.
#[derive(Debug, Clone, Copy)]
struct Shown {
    /// Its place among the cells.
    at: usize,
    width: usize,
    /// No narrower than this before another one goes.
    least: usize,
    column: Column,
}

/// Which columns are shown, and how wide.
#[derive(Debug)]
pub(super) struct Layout {
    columns: Vec<Shown>,
}

impl Layout {
    fn fit(columns: &[Column], rows: &[Vec<String>], terminal: Option<usize>) -> Layout {
        let natural: Vec<Shown> =
            columns.iter().enumerate().map(|(at, column)| natural(at, column, rows)).collect();
        let mut shown = natural.clone();
        // Columns in which nothing stands say nothing.
        shown.retain(|shown| rows.is_empty() || rows.iter().any(|row| !row[shown.at].is_empty()));
        if let Some(terminal) = terminal {
            while !narrow(&mut shown, terminal) && drop_one(&mut shown) {
                shown.iter_mut().for_each(|shown| shown.width = natural[shown.at].width);
            }
            force(&mut shown, terminal);
        }
        Layout { columns: shown }
    }

    fn line(&self, cells: &[String], colour: bool) -> String {
        let mut out = String::new();
        for (place, shown) in self.columns.iter().enumerate() {
            let cell = cut(&cells[shown.at], shown.width);
            let pad = " ".repeat(shown.width - width(&cell));
            let last = place + 1 == self.columns.len();
            let cell = if colour { painted(&shown.column, cell) } else { cell };
            match (shown.column.number, last) {
                (true, _) => out.push_str(&format!("{pad}{cell}")),
                (false, true) => out.push_str(&cell),
                (false, false) => out.push_str(&format!("{cell}{pad}")),
            }
            if !last {
                out.push_str(&" ".repeat(GAP));
            }
        }
        out
    }
}

/// How something stands, in the colour that people expect of it. Nothing is said by colour alone.
fn painted(column: &Column, cell: String) -> String {
    let code = match (column.name, cell.as_str()) {
        ("STATUS" | "FROM" | "TO", "passing") => 32,
        ("STATUS" | "FROM" | "TO", "warning") => 33,
        ("STATUS" | "FROM" | "TO", "critical") => 31,
        _ => return cell,
    };
    format!("\x1b[{code}m{cell}\x1b[0m")
}

fn natural(at: usize, column: &Column, rows: &[Vec<String>]) -> Shown {
    let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| width(cell));
    let width = cells.chain([width(column.name)]).max().unwrap_or(0);
    // A number that is cut is another number.
    let least = if column.number || column.whole { width } else { least(column).min(width) };
    Shown { at, width, least, column: *column }
}

/// Columns that too much is taken by, blanks between them included.
fn excess(columns: &[Shown], terminal: usize) -> usize {
    let gaps = GAP * columns.len().saturating_sub(1);
    (columns.iter().map(|shown| shown.width).sum::<usize>() + gaps).saturating_sub(terminal)
}

/// Narrows the widest until all fit; `false` if they cannot.
fn narrow(columns: &mut [Shown], terminal: usize) -> bool {
    for _ in 0..excess(columns, terminal) {
        let widest =
            columns.iter_mut().filter(|shown| shown.width > shown.least).max_by_key(|shown| shown.width);
        match widest {
            Some(shown) => shown.width -= 1,
            None => return false,
        }
    }
    true
}

/// Takes out the column that matters least, of equals the last; `false` if all that are left matter too much.
fn drop_one(columns: &mut Vec<Shown>) -> bool {
    let least = columns.iter().enumerate().rev().min_by_key(|(_, shown)| shown.column.rank);
    match least {
        Some((place, shown)) if shown.column.rank < 9 && columns.len() > 1 => {
            columns.remove(place);
            true
        }
        _ => false,
    }
}

/// On a terminal that is too narrow for anything: what is last goes first, then what is left is cut.
fn force(columns: &mut Vec<Shown>, terminal: usize) {
    while excess(columns, terminal) > 0 {
        match columns.iter_mut().max_by_key(|shown| shown.width) {
            Some(shown) if shown.width > 1 => shown.width -= 1,
            _ => {
                if columns.len() < 2 {
                    return;
                }
                columns.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        Column::text("KEY", 9),
        Column::text("VALUE", 8),
        Column::number("SIZE", 3),
        Column::text("SESSION", 4),
    ];

    fn rows(cells: &[[&str; 4]]) -> Vec<Vec<String>> {
        cells.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
    }

    fn draw(cells: &[[&str; 4]], columns: usize) -> Vec<String> {
        let rows = rows(cells);
        let layout = Layout::fit(COLUMNS, &rows, Some(columns));
        rows.iter().map(|row| layout.line(row, false)).collect()
    }

    #[test]
    fn colour_takes_no_room_and_touches_only_how_things_stand() {
        let columns = [Column::text("ID", 9), Column::text("STATUS", 8), Column::text("OUTPUT", 7)];
        let row = ["critical", "critical", "passing"].map(str::to_owned).to_vec();
        let layout = Layout::fit(&columns, std::slice::from_ref(&row), Some(40));
        assert_eq!(layout.line(&row, true), "critical  \x1b[31mcritical\x1b[0m  passing");
        assert_eq!(layout.line(&row, false), "critical  critical  passing");
    }

    #[test]
    fn what_fits_stays_as_it_is_and_empty_columns_vanish() {
        assert_eq!(
            draw(&[["a", "blue", "4", ""], ["abc", "x", "12", ""]], 40),
            ["a    blue      4", "abc  x        12"]
        );
    }

    #[test]
    fn the_widest_is_cut_first_and_then_the_least_column_goes() {
        let long = "v".repeat(60);
        let row = [["app/colour", long.as_str(), "60", "0123456789abcdef"]];
        let wide = draw(&row, 60);
        assert!(wide[0].contains('…') && wide[0].contains("app/colour"), "{wide:?}");
        let narrow = draw(&row, 30);
        assert_eq!(narrow, ["app/colour  vvvvvvvvvvvvvvvvv…"], "{narrow:?}");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let long = "日本語".repeat(20);
        let row = [[long.as_str(), long.as_str(), "123456789012", long.as_str()]];
        for columns in 1..120 {
            for line in draw(&row, columns) {
                assert!(width(&line) <= columns, "{columns}: {line:?} takes {}", width(&line));
            }
        }
    }
}
