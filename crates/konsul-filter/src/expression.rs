//! What was read: an expression over selectors, not yet held against any schema.

use std::fmt;
use std::sync::Arc;

use crate::error::FilterError;
use crate::strconv::quoted;
use crate::syntax;

/// An expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// All of them, two or more.
    And(Vec<Arc<Expression>>),
    /// One of them at least, two or more.
    Or(Vec<Arc<Expression>>),
    /// Not this one. Two in a row cancel out and are not kept.
    Not(Arc<Expression>),
    /// One comparison.
    Comparison(Comparison),
}

/// A field compared with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The field.
    pub selector: Selector,
    /// How they are compared.
    pub operator: Operator,
    /// The value as it was written, without its quotes. Emptiness has none. An escape may write bytes that are no UTF-8.
    pub value: Option<Vec<u8>>,
}

/// The way to a field: names, or texts in brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector(pub Vec<Vec<u8>>);

/// How a field is compared. `contains` is [`Operator::In`] with the sides swapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `in`, `contains`
    In,
    /// `not in`, `not contains`
    NotIn,
    /// `is empty`
    IsEmpty,
    /// `is not empty`
    IsNotEmpty,
    /// `matches`
    Matches,
    /// `not matches`
    NotMatches,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// [`FilterError::Syntax`] with Consul's text, or one of the bounds of [`crate::limits`].
    pub fn parse(text: &str) -> Result<Arc<Self>, FilterError> {
        syntax::parse(text)
    }

    /// How many patterns are in it.
    pub(crate) fn patterns(&self) -> usize {
        match self {
            Self::And(all) | Self::Or(all) => all.iter().map(|part| part.patterns()).sum(),
            Self::Not(negated) => negated.patterns(),
            Self::Comparison(comparison) => {
                usize::from(matches!(comparison.operator, Operator::Matches | Operator::NotMatches))
            }
        }
    }

    /// How many comparisons are in it.
    pub fn comparisons(&self) -> usize {
        match self {
            Self::And(all) | Self::Or(all) => all.iter().map(|part| part.comparisons()).sum(),
            Self::Not(negated) => negated.comparisons(),
            Self::Comparison(_) => 1,
        }
    }

    fn is_compound(&self) -> bool {
        matches!(self, Self::And(_) | Self::Or(_))
    }
}

impl Selector {
    /// Its parts with dots between them, which is how errors name it and what a bare word is as a value.
    pub fn joined(&self) -> Vec<u8> {
        self.0.join(&b'.')
    }
}

const AND: &str = " and ";
const OR: &str = " or ";

/// As it could have been written, with every value in quotes: reading it again gives the same expression. One cannot be
/// written: that a field called `not` does not match, which reads as the negation of a match.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(all) => joined(f, all, AND),
            Self::Or(all) => joined(f, all, OR),
            Self::Not(negated) => {
                f.write_str("not ")?;
                operand(f, negated)
            }
            Self::Comparison(comparison) => write!(f, "{comparison}"),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Arc<Expression>], word: &str) -> fmt::Result {
    for (position, part) in parts.iter().enumerate() {
        if position > 0 {
            f.write_str(word)?;
        }
        // Only what needs parentheses gets them: they nest no deeper than where it was written.
        match &**part {
            Expression::And(_) if word == OR => write!(f, "{part}")?,
            part => operand(f, part)?,
        }
    }
    Ok(())
}

fn operand(f: &mut fmt::Formatter<'_>, part: &Expression) -> fmt::Result {
    if part.is_compound() { write!(f, "({part})") } else { write!(f, "{part}") }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let selector = &self.selector;
        let value = literal(self.value.as_deref().unwrap_or_default());
        match self.operator {
            Operator::Equal => write!(f, "{selector} == {value}"),
            Operator::NotEqual => write!(f, "{selector} != {value}"),
            Operator::In => write!(f, "{value} in {selector}"),
            Operator::NotIn => write!(f, "{value} not in {selector}"),
            Operator::IsEmpty => write!(f, "{selector} is empty"),
            Operator::IsNotEmpty => write!(f, "{selector} is not empty"),
            Operator::Matches => write!(f, "{selector} matches {value}"),
            Operator::NotMatches => write!(f, "{selector} not matches {value}"),
        }
    }
}

/// The grammar ends a text at the first quote, escaped or not, so that a quote can only be written as a code.
fn literal(value: &[u8]) -> String {
    let text = quoted(value);
    format!("\"{}\"", text[1..text.len() - 1].replace("\\\"", "\\x22"))
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, part) in self.0.iter().enumerate() {
            let name = std::str::from_utf8(part).ok().filter(|name| syntax::is_identifier(name));
            match name {
                Some(name) if position == 0 => f.write_str(name)?,
                Some(name) => write!(f, ".{name}")?,
                None => write!(f, "[{}]", literal(part))?,
            }
        }
        Ok(())
    }
}

/// As Consul's errors call it.
impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "Equal",
            Self::NotEqual => "Not Equal",
            Self::In => "In",
            Self::NotIn => "Not In",
            Self::IsEmpty => "Is Empty",
            Self::IsNotEmpty => "Is Not Empty",
            Self::Matches => "Matches",
            Self::NotMatches => "Not Matches",
        })
    }
}
