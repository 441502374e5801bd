//! From an expression to what is asked of each record: selectors exist, operators suit, values have the field's type.

use std::fmt::Display;

use regex::bytes::Regex;

use crate::error::FilterError;
use crate::expression::{Comparison, Expression, Operator};
use crate::limits::PATTERNS_MAX;
use crate::pattern;
use crate::schema::{Kind, Schema};
use crate::strconv::{self, quoted};

/// An expression with nothing left to look up.
#[derive(Debug)]
pub(crate) enum Checked {
    And(Vec<Checked>),
    Or(Vec<Checked>),
    Not(Box<Checked>),
    Test(Test),
}

/// One comparison.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) path: Vec<Step>,
    pub(crate) operator: Operator,
    pub(crate) operand: Operand,
}

/// A step from a field into it.
#[derive(Debug)]
pub(crate) enum Step {
    /// To the field of a record at a place in its schema.
    Field(usize),
    /// To the value of a key. No map of ours has a key that is no UTF-8.
    Key(Option<Box<str>>),
}

/// What a field is compared with.
#[derive(Debug)]
pub(crate) enum Operand {
    Nothing,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(Box<str>),
    /// A text of bytes that are no UTF-8. It equals no field, and may yet be a part of one.
    Bytes(Box<[u8]>),
    Pattern(Box<Regex>),
}

/// Holds an expression against a schema.
pub(crate) fn check(expression: &Expression, schema: &'static Schema) -> Result<Checked, FilterError> {
    let patterns = expression.patterns();
    if patterns > PATTERNS_MAX {
        return Err(FilterError::TooManyPatterns { found: patterns });
    }
    Checker { schema, patterns }.expression(expression)
}

struct Checker {
    schema: &'static Schema,
    patterns: usize,
}

impl Checker {
    fn expression(&self, expression: &Expression) -> Result<Checked, FilterError> {
        Ok(match expression {
            Expression::And(all) => {
                Checked::And(all.iter().map(|part| self.expression(part)).collect::<Result<_, _>>()?)
            }
            Expression::Or(all) => {
                Checked::Or(all.iter().map(|part| self.expression(part)).collect::<Result<_, _>>()?)
            }
            Expression::Not(negated) => Checked::Not(Box::new(self.expression(negated)?)),
            Expression::Comparison(comparison) => Checked::Test(self.comparison(comparison)?),
        })
    }

    fn comparison(&self, comparison: &Comparison) -> Result<Test, FilterError> {
        let (path, kind) = self.path(comparison)?;
        let operator = comparison.operator;
        if !kind.offers(operator) {
            return Err(FilterError::Operator { operator, selector: comparison.selector.clone() });
        }
        Ok(Test { path, operator, operand: self.operand(comparison, &kind)? })
    }

    fn path(&self, comparison: &Comparison) -> Result<(Vec<Step>, Kind), FilterError> {
        let parts = &comparison.selector.0;
        let mut path = Vec::with_capacity(parts.len());
        let mut kind = Kind::Struct(self.schema);
        for (position, part) in parts.iter().enumerate() {
            let Some((step, next)) = step(kind, part) else {
                return Err(FilterError::Selector(crate::Selector(parts[..=position].to_vec())));
            };
            path.push(step);
            kind = next;
        }
        Ok((path, kind))
    }

    fn operand(&self, comparison: &Comparison, kind: &Kind) -> Result<Operand, FilterError> {
        let Some(value) = &comparison.value else { return Ok(Operand::Nothing) };
        match comparison.operator {
            Operator::Matches | Operator::NotMatches => self.pattern(value),
            _ => coerced(value, kind).map_err(|reason| FilterError::Value {
                value: value.clone(),
                selector: comparison.selector.clone(),
                reason,
            }),
        }
    }

    fn pattern(&self, value: &[u8]) -> Result<Operand, FilterError> {
        let compiled = pattern::compile(value, self.patterns)
            .map_err(|error| FilterError::Pattern { pattern: value.to_vec(), reason: error.to_string() })?;
        Ok(Operand::Pattern(Box::new(compiled)))
    }
}

/// Where a part of a selector leads. A list is stepped into without a part of its own.
fn step(kind: Kind, part: &[u8]) -> Option<(Step, Kind)> {
    match kind {
        Kind::Struct(schema) => schema.find(part).map(|(place, kind)| (Step::Field(place), *kind)),
        Kind::Map(value) if !matches!(value, Kind::Opaque) => {
            Some((Step::Key(std::str::from_utf8(part).ok().map(Into::into)), *value))
        }
        Kind::List(element) => step(*element, part),
        _ => None,
    }
}

/// A value as the field's type; for a list that of its elements, for a map that of its keys.
fn coerced(value: &[u8], kind: &Kind) -> Result<Operand, String> {
    match kind {
        Kind::List(element) => coerced(value, element),
        Kind::Int => {
            strconv::parse_int(value).map(Operand::Int).map_err(|error| reason("ParseInt", value, error))
        }
        Kind::Uint => {
            strconv::parse_uint(value).map(Operand::Uint).map_err(|error| reason("ParseUint", value, error))
        }
        Kind::Float => strconv::parse_float(value)
            .map(Operand::Float)
            .map_err(|error| reason("ParseFloat", value, error)),
        Kind::Bool => {
            strconv::parse_bool(value).map(Operand::Bool).map_err(|error| reason("ParseBool", value, error))
        }
        Kind::String | Kind::Map(_) | Kind::Struct(_) | Kind::Opaque => {
            Ok(match std::str::from_utf8(value) {
                Ok(text) => Operand::Text(text.into()),
                Err(_) => Operand::Bytes(value.into()),
            })
        }
    }
}

fn reason(function: &str, value: &[u8], error: impl Display) -> String {
    format!("strconv.{function}: parsing {}: {error}", quoted(value))
}
