//! Text with expressions in it, `${name.suffix}-${match(1)}`: the part of HashiCorp's interpolation language that a
//! template can use.
//!
//! Outside of expressions `$$` is one dollar (so `$${` is a plain `${`), and all else is itself. Inside stand texts in
//! quotes (with `\"`, `\\`, `\n`, and expressions of their own), whole numbers, `true` and `false`, variables, calls,
//! parentheses, `+ - * / %`, `== != < > <= >=`, `&& || !` and `a ? b : c`, with C's precedence. There are no lists here, so
//! there is no indexing; fractional numbers are refused, because nothing in a query takes one.
//!
//! [`Text::parse`] reads, [`Text::render`] fills in. Both are bounded: a text has at most [`BYTES_MAX`] bytes and nests at
//! most [`DEPTH_MAX`] deep, and neither loops, so rendering costs at most expressions times the asked name's length.

mod eval;
mod parse;
#[cfg(test)]
mod tests;

pub use eval::EvalError;
pub(super) use eval::Scope;
pub use parse::ParseError;

/// Longest text, in bytes.
pub(super) const BYTES_MAX: usize = 8192;

/// How deep expressions may nest.
pub(super) const DEPTH_MAX: usize = 32;

/// Where something stands: line and column in characters, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    line: usize,
    column: usize,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A text that was read: literal pieces and expressions.
#[derive(Debug, Clone)]
pub(super) struct Text(Vec<Expression>);

#[derive(Debug, Clone)]
enum Expression {
    Text(String),
    Number(i64),
    Truth(bool),
    /// A text in quotes with expressions in it.
    Joined(Vec<Expression>),
    Variable(String, Position),
    Call(String, Vec<Expression>, Position),
    Binary(Operator, Box<[Expression; 2]>, Position),
    Choice(Box<[Expression; 3]>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}
