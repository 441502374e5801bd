//! Why an expression was refused, in Consul's words.

use crate::expression::{Operator, Selector};
use crate::limits;
use crate::strconv::quoted;

/// Why an expression was refused. The texts are those of Consul, capitals included: clients match on them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// It cannot be read. The text has a line for each fault: line, column and offset, then what was expected there.
    #[error("{0}")]
    Syntax(String),
    /// No such field. Names the selector up to the part that does not exist.
    #[error("Selector {} is not valid", quoted_selector(.0))]
    Selector(Selector),
    /// The field has no such operator.
    #[error("Invalid match operator \"{operator}\" for selector {}", quoted_selector(.selector))]
    Operator {
        /// What was asked.
        operator: Operator,
        /// Of which field.
        selector: Selector,
    },
    /// The value is none of the field's type.
    #[error("Failed to coerce value {} for selector {}: {reason}", quoted(.value), quoted_selector(.selector))]
    Value {
        /// The value as it was written, without its quotes.
        value: Vec<u8>,
        /// The field it was compared with.
        selector: Selector,
        /// What Go's `strconv` says of it.
        reason: String,
    },
    /// The pattern cannot be read, or is too large: the bounds are in [`limits`].
    #[error("Failed to compile regular expression {}: {reason}", quoted(.pattern))]
    Pattern {
        /// The pattern.
        pattern: Vec<u8>,
        /// What Go's `regexp` says of it.
        reason: String,
    },
    /// Longer than [`limits::EXPRESSION_BYTES_MAX`].
    #[error("Expression of {bytes} bytes exceeds the limit ({})", limits::EXPRESSION_BYTES_MAX)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Parentheses nested deeper than [`limits::NESTING_MAX`].
    #[error("Expression nests deeper than the limit ({})", limits::NESTING_MAX)]
    TooDeep,
    /// More comparisons than [`limits::COMPARISONS_MAX`]. The text is that of Consul's library, where a bound is set.
    #[error("Number of match expressions ({found}) exceeds the limit ({})", limits::COMPARISONS_MAX)]
    TooManyComparisons {
        /// How many there are.
        found: usize,
    },
    /// More patterns than [`limits::PATTERNS_MAX`].
    #[error("Number of regular expressions ({found}) exceeds the limit ({})", limits::PATTERNS_MAX)]
    TooManyPatterns {
        /// How many there are.
        found: usize,
    },
}

impl FilterError {
    /// The text with what Consul puts before it in its answer, which is a 500 there.
    pub fn reply(&self) -> String {
        format!("Failed to create boolean expression evaluator: {self}")
    }
}

fn quoted_selector(selector: &Selector) -> String {
    quoted(&selector.joined())
}
