//! The ledger of the proofs: one row of a table for each run, at the end of `docs/src/internals/ledger.md`.

use std::io::Write as _;
use std::time::Duration;

use super::Outcome;
use crate::error::{Error, Result};
use crate::process::Command;
use crate::tree;

const PATH: &str = "docs/src/internals/ledger.md";

/// One row.
pub(super) struct Entry {
    when: String,
    part: String,
    commit: String,
    minutes: u64,
    how_many: String,
    found: String,
}

impl Entry {
    pub(super) fn new(part: &str, took: Duration, outcome: &Outcome) -> Self {
        Self {
            when: now(),
            part: part.to_owned(),
            commit: commit(),
            minutes: took.as_secs().div_ceil(60),
            how_many: outcome.how_many.clone(),
            found: outcome.found.clone(),
        }
    }

    /// The row as Markdown; a bar in a cell would break the table.
    pub(super) fn row(&self) -> String {
        let Self { when, part, commit, minutes, .. } = self;
        let (how_many, found) = (self.how_many.replace('|', "/"), self.found.replace('|', "/"));
        format!("| {when} | {part} | {commit} | {minutes} | {how_many} | {found} |")
    }
}

/// Adds the row of `entry` to the end of the ledger.
pub(super) fn append(entry: &Entry) -> Result<()> {
    let path = tree::root().join(PATH);
    let opened = std::fs::OpenOptions::new().append(true).open(&path);
    let mut file = opened.map_err(|source| Error::file("open", &path, source))?;
    writeln!(file, "{}", entry.row()).map_err(|source| Error::file("write", &path, source))
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M").to_string()
}

// A tree with changes is named as such: its row can be repeated only by whoever has them.
fn commit() -> String {
    let described = Command::new("git").words("describe --always --dirty=+ --exclude=*").output();
    described.map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_six_cells() {
        let outcome = Outcome { passed: true, how_many: "3 | 4".to_owned(), found: "nothing".to_owned() };
        let row = Entry::new("seeds", Duration::from_secs(61), &outcome).row();
        assert_eq!(row.matches('|').count(), 7, "{row}");
        assert!(row.contains("| 2 |"), "{row}");
    }
}
