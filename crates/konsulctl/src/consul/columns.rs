//! Consul's tables: columns padded to their widest cell, two blanks between them, nothing cut.

/// The lines of a table. The last cell of a line is not padded.
pub(crate) fn columns(rows: &[Vec<String>]) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..count).map(|at| width(at).unwrap_or(0)).collect();
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let last = row.len().saturating_sub(1);
    let cells = row
        .iter()
        .zip(widths)
        .enumerate()
        .map(|(at, (cell, width))| if at == last { cell.clone() } else { format!("{cell:width$}") });
    cells.collect::<Vec<_>>().join("  ")
}

/// A line of words as cells.
pub(crate) fn cells<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}
