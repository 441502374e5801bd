//! A promise that did not hold.

use std::fmt;

/// Which promise was broken, and how it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The invariant's number and name, such as `I-11 AckedDurable`.
    pub invariant: &'static str,
    /// What was found and what should have been.
    pub what: String,
}

/// Nothing, or the promise that was broken.
pub type Held = Result<(), Broken>;

impl Broken {
    /// A broken promise in words.
    pub fn new(invariant: &'static str, what: impl Into<String>) -> Broken {
        Broken { invariant, what: what.into() }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}

impl std::error::Error for Broken {}

/// Breaks the promise unless the condition holds. The text is made only if it does not.
pub(crate) fn hold(invariant: &'static str, condition: bool, what: impl FnOnce() -> String) -> Held {
    if condition { Ok(()) } else { Err(Broken::new(invariant, what())) }
}
