//! [`Refusal`]: why a value is not taken, and where in it the fault lies, for values that have parts. Such a value may be
//! wrong in several places, and all of them are told at once: [`Refusals`].

use crate::error::{ConfigError, Origin};
use crate::syntax::Position;

/// Why a value is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Where in the file, if that is another place than the key's own.
    pub(crate) at: Option<Position>,
    /// What was expected, and what was found.
    pub(crate) reason: String,
    /// The definition that it is about, such as `service "web"`; empty for a value that the key itself tells.
    pub(crate) of: String,
}

/// Everything that is wrong with one value; never empty.
pub(crate) type Refusals = Vec<Refusal>;

impl Refusal {
    /// The same, at a place unless it has one already.
    pub(crate) fn or_at(self, at: Position) -> Self {
        Self { at: self.at.or(Some(at)), ..self }
    }

    /// The error of an option that was given at `origin`.
    pub(crate) fn into_error(self, key: &str, origin: &Origin) -> ConfigError {
        let (origin, reason) = (origin.clone().at(self.at), self.reason);
        if self.of.is_empty() {
            return ConfigError::BadValue { origin, key: key.to_owned(), reason };
        }
        ConfigError::BadDefinition { origin, definition: self.of, reason }
    }

    /// One at a place.
    pub(crate) fn at(at: Position, reason: impl Into<String>) -> Self {
        Self { at: Some(at), ..Self::from(reason.into()) }
    }
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self { at: None, reason, of: String::new() }
    }
}

impl From<Refusal> for Refusals {
    fn from(refusal: Refusal) -> Self {
        vec![refusal]
    }
}
