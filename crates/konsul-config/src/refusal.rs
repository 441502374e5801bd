//! [`Refusal`]: why a value is not taken, and where in it the fault lies, for values that have parts.

use crate::syntax::Position;

/// Why a value is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Where in the file, if that is another place than the key's own.
    pub(crate) at: Option<Position>,
    /// What was expected, and what was found.
    pub(crate) reason: String,
}

impl Refusal {
    /// The same, at a place unless it has one already.
    pub(crate) fn or_at(self, at: Position) -> Self {
        Self { at: self.at.or(Some(at)), ..self }
    }
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self { at: None, reason }
    }
}
