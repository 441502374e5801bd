//! `docs`: builds the book from `docs/` into `target/book`; a warning is an error.

use std::path::PathBuf;

use crate::deps::{self, Group, MDBOOK};
use crate::error::{Error, Result};
use crate::process::Command;
use crate::run::target_dir;

/// Installs mdBook where it is missing, builds, and says where the book is.
///
/// # Errors
///
/// As [`build`].
pub fn run(_words: &[String]) -> Result<()> {
    deps::ensure(Group::Check)?;
    build()?;
    println!("the book is at {}", out().join("index.html").display());
    Ok(())
}

/// Builds the book.
///
/// # Errors
///
/// [`Error::Found`] when mdBook warns, [`Error::Failed`] when it gives up.
pub fn build() -> Result<()> {
    let (out, docs) = (out(), crate::tree::root().join("docs"));
    // mdBook speaks on stderr only; a shell joins the two so that its words can be judged here.
    let command = Command::new("sh").args(["-c", "\"$0\" build --dest-dir \"$1\" \"$2\" 2>&1"]);
    let said = command.arg(MDBOOK.path()).arg(out).arg(docs).output()?;
    judge(&said)
}

fn out() -> PathBuf {
    target_dir().join("book")
}

fn judge(said: &str) -> Result<()> {
    let complaints: Vec<&str> =
        said.lines().filter(|line| line.contains("WARN") || line.contains("ERROR")).collect();
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(Error::Found(format!("mdbook: {}", complaints.join("\n"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_an_error() {
        assert!(judge(" INFO Book building has started").is_ok());
        assert!(judge(" INFO started\n WARN the page a.md is empty").is_err());
    }
}
