//! A file to go on from: the lines of the runs that were made.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::line::Line;

/// Lines on file, or nowhere.
pub(crate) struct State {
    file: Option<Mutex<File>>,
    /// What earlier runs of the command left, with the prefix it was filed under.
    pub(crate) known: Vec<(String, Line)>,
}

impl State {
    /// Opens a file; no path keeps nothing.
    pub(crate) fn open(path: Option<&PathBuf>) -> io::Result<State> {
        let Some(path) = path else { return Ok(State { file: None, known: Vec::new() }) };
        let known = read(path)?;
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(State { file: Some(Mutex::new(file)), known })
    }

    /// Adds a line under a prefix without spaces.
    pub(crate) fn add(&self, prefix: &str, line: &Line) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut file = file.lock().expect("nobody panics with it");
        writeln!(file, "{prefix} {line}")
    }
}

/// A last line that was cut short by the end of its process is left out.
fn read(path: &Path) -> io::Result<Vec<(String, Line)>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let lines = text.lines().filter_map(|line| {
        let (prefix, rest) = line.split_once(' ')?;
        Some((prefix.to_owned(), Line::read(rest)?))
    });
    Ok(lines.collect())
}
