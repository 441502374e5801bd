//! The file that a watch keeps its cursor in. It holds the old cursor or the new one, never half of it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

/// A cursor is a few dozen bytes; what is longer is another file.
const CURSOR_MAX: usize = 4096;

/// The file of a cursor.
#[derive(Debug)]
pub(super) struct CursorFile {
    path: PathBuf,
    cursor: Option<String>,
}

impl CursorFile {
    /// Reads it; a file that does not exist holds no cursor. That it can be written is found out now and not later.
    pub(super) fn open(path: PathBuf) -> Result<CursorFile, Failure> {
        let cursor = match fs::read(&path) {
            Ok(bytes) => parse(&bytes).ok_or_else(|| {
                let what = format!("{} holds something else than a cursor", path.display());
                Failure::with(Exit::Usage, what).next("name another file, or remove this one to begin anew")
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(unusable(&path, &error)),
        };
        let file = CursorFile { path, cursor };
        file.partial().and_then(fs::remove_file).map_err(|e| unusable(&file.path, &e))?;
        Ok(file)
    }

    /// The cursor, if there is one.
    pub(super) fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// Puts a cursor into it.
    pub(super) fn write(&mut self, cursor: &str) -> Outcome {
        if self.cursor.as_deref() == Some(cursor) {
            return Ok(());
        }
        let written = self.partial().and_then(|partial| {
            fs::write(&partial, format!("{cursor}\n"))?;
            fs::rename(&partial, &self.path)
        });
        written.map_err(|e| unusable(&self.path, &e))?;
        self.cursor = Some(cursor.to_owned());
        Ok(())
    }

    /// A new, empty file beside it.
    fn partial(&self) -> std::io::Result<PathBuf> {
        let mut name = self.path.file_name().ok_or(std::io::ErrorKind::InvalidInput)?.to_owned();
        name.push(format!(".{}", std::process::id()));
        let partial = self.path.with_file_name(name);
        fs::File::create(&partial)?.flush()?;
        Ok(partial)
    }
}

fn parse(bytes: &[u8]) -> Option<Option<String>> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    let fits = bytes.len() <= CURSOR_MAX && text.chars().all(|c| c.is_ascii_graphic());
    fits.then(|| (!text.is_empty()).then(|| text.to_owned()))
}

fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::with(Exit::Failed, format!("the cursor file {} cannot be used: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_nothing_else_passes_for_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cursor");
        let mut file = CursorFile::open(path.clone()).unwrap();
        assert_eq!(file.cursor(), None);
        file.write("abc-1").unwrap();
        assert_eq!(CursorFile::open(path.clone()).unwrap().cursor(), Some("abc-1"));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        fs::write(&path, "two words\n").unwrap();
        assert!(CursorFile::open(path.clone()).is_err());
        fs::write(&path, "\n").unwrap();
        assert_eq!(CursorFile::open(path).unwrap().cursor(), None);
        assert!(CursorFile::open(dir.path().join("no/such/cursor")).is_err());
        assert!(CursorFile::open(dir.path().to_owned()).is_err());
    }
}
