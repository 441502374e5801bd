//! Filling in.
//!
//! Values turn into what is needed, as in HIL: a text into a number or a truth if it reads as one, everything into a text.

use super::{Expression, Operator, Position, Text};

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// No such variable.
    #[error("{at}: unknown variable accessed: {name}")]
    UnknownVariable {
        /// Line and column.
        at: String,
        /// The variable.
        name: String,
    },
    /// No such function.
    #[error("{at}: unknown function called: {name}")]
    UnknownFunction {
        /// Line and column.
        at: String,
        /// The function.
        name: String,
    },
    /// Too few or too many arguments.
    #[error("{at}: {name}: expected {expected} arguments, got {got}")]
    Arguments {
        /// Line and column.
        at: String,
        /// The function.
        name: String,
        /// How many it takes.
        expected: usize,
        /// How many it got.
        got: usize,
    },
    /// A text that is no number.
    #[error("strconv.ParseInt: parsing {0:?}: invalid syntax")]
    NoNumber(String),
    /// A text that is neither true nor false.
    #[error("strconv.ParseBool: parsing {0:?}: invalid syntax")]
    NoTruth(String),
    /// An operator between values that it is not for.
    #[error("{at}: unsupported operands")]
    Operands {
        /// Line and column.
        at: String,
    },
    /// A division by zero.
    #[error("divide by zero")]
    DivideByZero,
    /// A number beyond 64 bits.
    #[error("{at}: the result is out of range")]
    OutOfRange {
        /// Line and column.
        at: String,
    },
}

/// What expressions can name.
#[derive(Debug)]
pub(in super::super) struct Scope<'a> {
    /// Variables by name.
    pub(in super::super) variables: &'a [(&'static str, &'a str)],
    /// What `match` answers, by number.
    pub(in super::super) matches: &'a [&'a str],
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    Number(i64),
    Truth(bool),
}

impl Text {
    /// The text with its expressions filled in.
    ///
    /// # Errors
    /// If one of them has no value.
    pub(in super::super) fn render(&self, scope: &Scope<'_>) -> Result<String, EvalError> {
        joined(&self.0, scope)
    }

    /// Whether there is anything to fill in.
    pub(in super::super) fn is_plain(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Expression::Text(_)))
    }
}

fn joined(pieces: &[Expression], scope: &Scope<'_>) -> Result<String, EvalError> {
    pieces.iter().map(|piece| Ok(value(piece, scope)?.into_text())).collect()
}

fn value(expression: &Expression, scope: &Scope<'_>) -> Result<Value, EvalError> {
    Ok(match expression {
        Expression::Text(text) => Value::Text(text.clone()),
        Expression::Number(number) => Value::Number(*number),
        Expression::Truth(truth) => Value::Truth(*truth),
        Expression::Joined(pieces) => Value::Text(joined(pieces, scope)?),
        Expression::Variable(name, at) => variable(name, *at, scope)?,
        Expression::Call(name, arguments, at) => call(name, arguments, *at, scope)?,
        Expression::Binary(operator, sides, at) => {
            let [left, right] = &**sides;
            binary(*operator, &value(left, scope)?, &value(right, scope)?, *at)?
        }
        Expression::Choice(parts) => {
            let [condition, yes, no] = &**parts;
            // Both are evaluated, so that a mistake in either shows when the query is made and not when it is needed.
            let (yes, no) = (value(yes, scope)?, value(no, scope)?);
            if value(condition, scope)?.truth()? { yes } else { no }
        }
    })
}

fn variable(name: &str, at: Position, scope: &Scope<'_>) -> Result<Value, EvalError> {
    let found = scope.variables.iter().find(|(known, _)| *known == name);
    let unknown = || EvalError::UnknownVariable { at: at.to_string(), name: name.to_owned() };
    found.map(|(_, text)| Value::Text((*text).to_owned())).ok_or_else(unknown)
}

/// `match(n)` is the n-th group of the regular expression; empty for every number that has none.
fn call(name: &str, arguments: &[Expression], at: Position, scope: &Scope<'_>) -> Result<Value, EvalError> {
    if name != "match" {
        return Err(EvalError::UnknownFunction { at: at.to_string(), name: name.to_owned() });
    }
    let [group] = arguments else {
        let (at, name) = (at.to_string(), name.to_owned());
        return Err(EvalError::Arguments { at, name, expected: 1, got: arguments.len() });
    };
    let group = usize::try_from(value(group, scope)?.number()?);
    let matched = group.ok().and_then(|group| scope.matches.get(group)).copied();
    Ok(Value::Text(matched.unwrap_or_default().to_owned()))
}

impl Value {
    fn into_text(self) -> String {
        match self {
            Value::Text(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Truth(truth) => truth.to_string(),
        }
    }

    fn number(&self) -> Result<i64, EvalError> {
        match self {
            Value::Number(number) => Ok(*number),
            Value::Text(text) => text.parse().map_err(|_| EvalError::NoNumber(text.clone())),
            Value::Truth(truth) => Err(EvalError::NoNumber(truth.to_string())),
        }
    }

    fn truth(&self) -> Result<bool, EvalError> {
        match self {
            Value::Truth(truth) => Ok(*truth),
            Value::Text(text) => match text.as_str() {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
                "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
                _ => Err(EvalError::NoTruth(text.clone())),
            },
            Value::Number(number) => Err(EvalError::NoTruth(number.to_string())),
        }
    }
}

fn binary(operator: Operator, left: &Value, right: &Value, at: Position) -> Result<Value, EvalError> {
    match operator {
        Operator::Or => Ok(Value::Truth(left.truth()? | right.truth()?)),
        Operator::And => Ok(Value::Truth(left.truth()? & right.truth()?)),
        Operator::Equal => equal(left, right, at).map(Value::Truth),
        Operator::NotEqual => equal(left, right, at).map(|equal| Value::Truth(!equal)),
        Operator::Less => Ok(Value::Truth(left.number()? < right.number()?)),
        Operator::LessOrEqual => Ok(Value::Truth(left.number()? <= right.number()?)),
        Operator::Greater => Ok(Value::Truth(left.number()? > right.number()?)),
        Operator::GreaterOrEqual => Ok(Value::Truth(left.number()? >= right.number()?)),
        _ => arithmetic(operator, left.number()?, right.number()?, at).map(Value::Number),
    }
}

/// Two texts are compared as they are; else the text becomes what the other side is.
fn equal(left: &Value, right: &Value, at: Position) -> Result<bool, EvalError> {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => Ok(left == right),
        (Value::Truth(_), Value::Number(_)) | (Value::Number(_), Value::Truth(_)) => {
            Err(EvalError::Operands { at: at.to_string() })
        }
        (Value::Truth(_), _) | (_, Value::Truth(_)) => Ok(left.truth()? == right.truth()?),
        _ => Ok(left.number()? == right.number()?),
    }
}

fn arithmetic(operator: Operator, left: i64, right: i64, at: Position) -> Result<i64, EvalError> {
    let result = match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide | Operator::Remainder if right == 0 => return Err(EvalError::DivideByZero),
        Operator::Divide => left.checked_div(right),
        Operator::Remainder => left.checked_rem(right),
        _ => return Err(EvalError::Operands { at: at.to_string() }),
    };
    result.ok_or_else(|| EvalError::OutOfRange { at: at.to_string() })
}
