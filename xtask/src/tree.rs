//! The files of the project as git sees them: tracked ones, and new ones that are not ignored.
//!
//! Rules work on a [`Tree`], which a test builds from text; only [`Tree::read`] touches the disk.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::process::Command;

/// The root of the workspace, found from where this crate was built.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// A text file of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Relative to the root, with forward slashes.
    pub path: String,
    /// Its whole text.
    pub text: String,
}

impl File {
    /// A file made of `path` and `text`, for tests.
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// The name of the crate it belongs to, for files under `crates/`, and `xtask` for its own.
    pub fn krate(&self) -> Option<&str> {
        let mut parts = self.path.split('/');
        match parts.next()? {
            "crates" => parts.next(),
            "xtask" => Some("xtask"),
            _ => None,
        }
    }

    /// Whether the path ends in `.EXTENSION`.
    pub fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }
}

/// Every text file of the project.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// In order of their paths.
    pub files: Vec<File>,
}

impl Tree {
    /// Reads the tree from disk. Files that are not UTF-8 (pictures, test data) are left out.
    ///
    /// # Errors
    ///
    /// When git cannot list the files, or one of them cannot be read.
    pub fn read() -> Result<Self> {
        let list = Command::new("git").words("ls-files -z --cached --others --exclude-standard").output()?;
        let mut paths: Vec<&str> = list.split('\0').filter(|path| !path.is_empty()).collect();
        paths.sort_unstable();
        paths.dedup();
        let files: Result<Vec<Option<File>>> = paths.into_iter().map(read_text).collect();
        Ok(Self { files: files?.into_iter().flatten().collect() })
    }

    /// A tree of the given paths and texts, for tests.
    pub fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(path, text)| File::new(path, text)).collect() }
    }

    /// The Rust files below `crates/`.
    pub fn crate_sources(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.starts_with("crates/") && file.has_extension("rs"))
    }

    /// All Rust files of the project.
    pub fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.has_extension("rs"))
    }

    /// All Markdown files of the project.
    pub fn markdown(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.has_extension("md"))
    }

    /// The file at `path`.
    pub fn get(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}

// A path that git lists and the disk lacks was deleted and not yet staged: it is no longer part of the tree.
fn read_text(path: &str) -> Result<Option<File>> {
    let full = root().join(path);
    if !full.is_file() {
        return Ok(None);
    }
    let bytes = std::fs::read(&full).map_err(|source| Error::file("read", &full, source))?;
    Ok(String::from_utf8(bytes).ok().map(|text| File { path: path.to_owned(), text }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_knows_its_crate() {
        assert_eq!(File::new("crates/konsul-raft/src/lib.rs", "").krate(), Some("konsul-raft"));
        assert_eq!(File::new("xtask/src/lib.rs", "").krate(), Some("xtask"));
        assert_eq!(File::new("bench/src/main.rs", "").krate(), None);
    }

    #[test]
    fn the_tree_on_disk_holds_this_file() {
        let tree = Tree::read().expect("the tree can be read");
        assert!(tree.get("xtask/src/tree.rs").is_some());
    }
}
