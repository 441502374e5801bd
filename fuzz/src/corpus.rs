//! Corpora: folders of inputs, one file each.

use std::io;
use std::path::{Path, PathBuf};

/// The inputs of a target that are checked in.
pub fn checked_in(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// Every input in a folder, with its file's name, in the order of the names.
///
/// # Errors
/// If the folder or a file cannot be read.
pub fn read(folder: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut inputs = Vec::new();
    for file in std::fs::read_dir(folder)? {
        let file = file?;
        inputs.push((file.file_name().to_string_lossy().into_owned(), std::fs::read(file.path())?));
    }
    inputs.sort();
    Ok(inputs)
}

/// Puts seeds into a folder, numbered. Those of an earlier build that are there stay what they are.
///
/// # Errors
/// If the folder or a file cannot be written.
pub fn write_seeds(folder: &Path, seeds: &[Vec<u8>]) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (number, seed) in seeds.iter().enumerate() {
        let file = folder.join(format!("seed-{number:02}"));
        if !file.exists() {
            std::fs::write(file, seed)?;
        }
    }
    Ok(())
}
