//! [`Files`]: how the loader reaches files, so that a test needs no disk; and what a path stands for.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::error::{ConfigError, Warning};
use crate::reading::{Reading, read_tree};
use crate::syntax::{Format, MAX_FILE_BYTES, parse};

/// The files that a loader may read.
pub trait Files {
    /// Whether the path is a directory; links are followed.
    ///
    /// # Errors
    /// If there is nothing at the path, or it may not be looked at.
    fn is_directory(&self, path: &Path) -> io::Result<bool>;

    /// The paths of everything in a directory, in any order.
    ///
    /// # Errors
    /// If it is none or may not be read.
    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>>;

    /// The bytes of a file. A reader may stop after [`MAX_FILE_BYTES`] and one more.
    ///
    /// # Errors
    /// If there is none or it may not be read.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
}

/// The files of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Files for Disk {
    fn is_directory(&self, path: &Path) -> io::Result<bool> {
        Ok(std::fs::metadata(path)?.is_dir())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        std::fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        // One byte more than is allowed, so that the parser sees that there is too much.
        std::fs::File::open(path)?.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Files in memory, by their paths. A path that others lie below is a directory.
#[derive(Debug, Clone, Default)]
pub struct MemoryFiles(BTreeMap<PathBuf, Vec<u8>>);

impl MemoryFiles {
    /// Files of these paths and contents.
    pub fn new<P: Into<PathBuf>, B: Into<Vec<u8>>>(files: impl IntoIterator<Item = (P, B)>) -> Self {
        Self(files.into_iter().map(|(path, bytes)| (path.into(), bytes.into())).collect())
    }

    fn missing<T>() -> io::Result<T> {
        Err(io::Error::new(io::ErrorKind::NotFound, "no such file or directory"))
    }
}

impl Files for MemoryFiles {
    fn is_directory(&self, path: &Path) -> io::Result<bool> {
        if self.0.contains_key(path) {
            return Ok(false);
        }
        if self.0.keys().any(|other| other.starts_with(path)) { Ok(true) } else { Self::missing() }
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        let below = self.0.keys().filter_map(|path| path.strip_prefix(directory).ok());
        let names = below.filter_map(|rest| rest.components().next()).map(|name| directory.join(name));
        let unique: std::collections::BTreeSet<_> = names.collect();
        Ok(unique.into_iter().collect())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.get(path).cloned().map_or_else(Self::missing, Ok)
    }
}

/// Reads what a path of `-config-file` or `-config-dir` stands for. As in Consul either may name a file or a
/// directory; a directory is read without those below it, in the order of the names.
pub(crate) fn read_path(files: &dyn Files, path: &Path, format: Option<Format>) -> Reading {
    let mut reading = Reading::default();
    match files.is_directory(path) {
        Ok(true) => read_directory(files, path, format, &mut reading),
        Ok(false) => match format.or_else(|| format_of(path)) {
            Some(format) => read_file(files, path, format, &mut reading),
            None => reading.errors.push(ConfigError::UnknownExtension { path: path.to_owned() }),
        },
        Err(error) => reading.errors.push(unreadable(path, &error)),
    }
    reading
}

fn read_directory(files: &dyn Files, path: &Path, format: Option<Format>, reading: &mut Reading) {
    let mut entries = match files.list(path) {
        Ok(entries) => entries,
        Err(error) => return reading.errors.push(unreadable(path, &error)),
    };
    entries.sort();
    for entry in entries {
        match files.is_directory(&entry) {
            Ok(true) => {}
            Ok(false) => match format.or_else(|| format_of(&entry)) {
                Some(format) => read_file(files, &entry, format, reading),
                None => reading.warnings.push(Warning::SkippedFile { path: entry }),
            },
            Err(error) => reading.errors.push(unreadable(&entry, &error)),
        }
    }
}

fn read_file(files: &dyn Files, path: &Path, format: Format, reading: &mut Reading) {
    match files.read(path) {
        Ok(bytes) => reading.extend(read_text(&path.to_string_lossy(), format, &bytes)),
        Err(error) => reading.errors.push(unreadable(path, &error)),
    }
}

/// Reads the settings of a text of a known format; `name` is what errors call it.
pub(crate) fn read_text(name: &str, format: Format, bytes: &[u8]) -> Reading {
    match parse(format, bytes) {
        Ok(items) => read_tree(name, &items),
        Err(error) => {
            let errors = vec![ConfigError::Syntax { name: name.to_owned(), error }];
            Reading { errors, ..Reading::default() }
        }
    }
}

fn format_of(path: &Path) -> Option<Format> {
    Format::of_name(path.file_name()?.to_str()?)
}

fn unreadable(path: &Path, error: &io::Error) -> ConfigError {
    ConfigError::Unreadable { path: path.to_owned(), reason: error.to_string() }
}
