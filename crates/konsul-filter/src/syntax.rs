//! The grammar, read as Consul reads it: ordered choices that go back on failure, and an error that tells what was
//! expected at the furthest place that any of them reached.
//!
//! `scanner` has the places, what was expected there, and the faults; `words` the names, texts and numbers; `rules` the
//! expressions.

mod rules;
mod scanner;
mod words;

use std::sync::Arc;

use crate::error::FilterError;
use crate::expression::Expression;
use crate::limits::{COMPARISONS_MAX, EXPRESSION_BYTES_MAX};
use scanner::Scanner;

pub(crate) use words::is_identifier;

/// Reads an expression.
pub(crate) fn parse(text: &str) -> Result<Arc<Expression>, FilterError> {
    if text.len() > EXPRESSION_BYTES_MAX {
        return Err(FilterError::TooLong { bytes: text.len() });
    }
    let mut scanner = Scanner::new(text);
    let read = scanner.input();
    if scanner.too_deep() {
        return Err(FilterError::TooDeep);
    }
    // A fault counts even where a later choice went through: so does Consul.
    let expression = match (read, scanner.faults()) {
        (Some(expression), None) => expression,
        (_, Some(faults)) => return Err(FilterError::Syntax(faults)),
        (None, None) => return Err(FilterError::Syntax(scanner.expectation())),
    };
    let found = expression.comparisons();
    if found > COMPARISONS_MAX { Err(FilterError::TooManyComparisons { found }) } else { Ok(expression) }
}
