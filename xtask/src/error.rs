//! What can go wrong in a command: each message names what was wrong and what would be right.

use std::io;
use std::path::PathBuf;

/// The result of an xtask command or of one of its steps.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure that ends a command.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line was not understood.
    #[error("{0}")]
    Usage(String),
    /// A child process ended with something else than success.
    #[error("`{command}` failed ({status})")]
    Failed {
        /// The command line as a person would type it.
        command: String,
        /// The exit code or signal, in words.
        status: String,
    },
    /// A child process could not be started.
    #[error("cannot start `{command}`: {source}; {hint}")]
    NotStarted {
        /// The command line as a person would type it.
        command: String,
        /// What to do about it.
        hint: String,
        /// The system's reason.
        source: io::Error,
    },
    /// A file or directory could not be read or written.
    #[error("{action} {path}: {source}", path = path.display())]
    File {
        /// What was tried: "read", "write", "create".
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// `cargo metadata` could not be had or understood.
    #[error("cargo metadata: {0}")]
    Metadata(String),
    /// Checks that ran to their end and found something.
    #[error("{0}")]
    Found(String),
    /// Something the step needs is not on this machine.
    #[error("{what} is missing: {remedy}")]
    Missing {
        /// The tool or package.
        what: String,
        /// How to get it.
        remedy: String,
    },
}

impl Error {
    /// A failed file operation, with the path it failed on.
    pub fn file(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::File { action, path: path.into(), source }
    }
}
