//! What a part of `make prove` agrees on with the command that starts it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Where a part may keep what it needs, and how long it should work before it ends by itself.
#[derive(Debug, Clone)]
pub struct Contract {
    /// Its folder; it exists.
    pub folder: PathBuf,
    /// How long it should work; `None` if nobody said.
    pub time: Option<Duration>,
}

impl Contract {
    /// Reads `KONSUL_PROVE_DIR` and `KONSUL_PROVE_SECONDS`; without the first, `target/prove/PART`.
    ///
    /// # Errors
    /// If the folder cannot be made, or the second is no number.
    pub fn of(part: &str) -> Result<Contract, String> {
        let folder = std::env::var_os("KONSUL_PROVE_DIR").map(PathBuf::from);
        let folder = folder.unwrap_or_else(|| Path::new("target").join("prove").join(part));
        std::fs::create_dir_all(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
        Ok(Contract { folder, time: number("KONSUL_PROVE_SECONDS")?.map(Duration::from_secs) })
    }
}

/// A number from the environment; `None` if it is not set.
///
/// # Errors
/// If it is set and is none.
pub fn number(variable: &str) -> Result<Option<u64>, String> {
    let Ok(text) = std::env::var(variable) else { return Ok(None) };
    text.trim().parse().map(Some).map_err(|_| format!("{variable} is {text:?}, which is no whole number"))
}

/// Builds the server as it ships, and answers where it is.
///
/// # Errors
/// If it cannot be built.
pub fn shipped_binary() -> Result<PathBuf, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let built = Command::new(&cargo).args(["build", "--release", "--locked", "--package", "konsul"]).status();
    if !built.map_err(|why| format!("{cargo}: {why}"))?.success() {
        return Err("the server cannot be built".to_owned());
    }
    let here = std::env::current_exe().map_err(|why| why.to_string())?;
    Ok(here.with_file_name("konsul"))
}
