//! Why a command failed: what to print, and the exit code.

use std::io;

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// A text for standard error, and the exit code.
    Because {
        /// The text.
        text: String,
        /// The exit code.
        code: u8,
    },
    /// Everything was said already.
    Told(u8),
    /// Whoever read the output has closed its end, and so has what it wanted.
    ClosedPipe,
}

impl Failure {
    /// A failure with exit code 1.
    pub fn new(text: impl Into<String>) -> Failure {
        Failure::Because { text: text.into(), code: 1 }
    }

    /// What a failed write of output means.
    pub(crate) fn of_output(error: &io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::ClosedPipe;
        }
        Failure::new(format!("Error! The output cannot be written: {error}"))
    }
}

/// The outcome of a command.
pub type Outcome = Result<(), Failure>;
