//! Reading, by recursive descent over the characters.

use super::{BYTES_MAX, DEPTH_MAX, Expression, Operator, Position, Text};

/// Why a text could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parse error at {line}:{column}: {what}")]
pub struct ParseError {
    line: usize,
    column: usize,
    what: String,
}

/// Operators by precedence, the loosest first; in a level longer ones first, so that `<=` is not read as `<`.
const LEVELS: [&[(&str, Operator)]; 6] = [
    &[("||", Operator::Or)],
    &[("&&", Operator::And)],
    &[("==", Operator::Equal), ("!=", Operator::NotEqual)],
    &[
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("/", Operator::Divide), ("%", Operator::Remainder)],
];

impl Text {
    /// Reads a text.
    ///
    /// # Errors
    /// With the place of the first mistake.
    pub(in super::super) fn parse(source: &str) -> Result<Text, ParseError> {
        let mut reader = Reader { rest: source, at: Position { line: 1, column: 1 }, depth: 0 };
        if source.len() > BYTES_MAX {
            return Err(
                reader.error(format!("the text has {} bytes; at most {BYTES_MAX} are allowed", source.len()))
            );
        }
        reader.pieces(None).map(Text)
    }
}

struct Reader<'a> {
    rest: &'a str,
    at: Position,
    depth: usize,
}

impl Reader<'_> {
    fn error(&self, what: impl Into<String>) -> ParseError {
        ParseError { line: self.at.line, column: self.at.column, what: what.into() }
    }

    fn expected(&self, what: &str) -> ParseError {
        let found =
            self.rest.chars().next().map_or("end of string".to_owned(), |c| format!("{:?}", c.to_string()));
        self.error(format!("expected {what} but found {found}"))
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        self.at = match c {
            '\n' => Position { line: self.at.line + 1, column: 1 },
            _ => Position { column: self.at.column + 1, ..self.at },
        };
        Some(c)
    }

    /// Steps over `word`, if it is next.
    fn take(&mut self, word: &str) -> bool {
        let is_next = self.rest.starts_with(word);
        if is_next {
            for _ in word.chars() {
                self.next();
            }
        }
        is_next
    }

    fn skip_blanks(&mut self) {
        while self.rest.starts_with([' ', '\t', '\r', '\n']) {
            self.next();
        }
    }

    fn require(&mut self, word: &str) -> Result<(), ParseError> {
        self.skip_blanks();
        if self.take(word) { Ok(()) } else { Err(self.expected(&format!("{word:?}"))) }
    }

    /// Literal text and expressions up to the closing quote, or to the end where there is none to come.
    fn pieces(&mut self, quote: Option<char>) -> Result<Vec<Expression>, ParseError> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        loop {
            if self.take("${") {
                if !literal.is_empty() {
                    pieces.push(Expression::Text(std::mem::take(&mut literal)));
                }
                pieces.push(self.expression()?);
                self.require("}")?;
                continue;
            }
            if self.take("$$") {
                literal.push('$');
                continue;
            }
            match self.next() {
                c if c == quote => break,
                None => return Err(self.expected("closing quote")),
                Some('\\') if quote.is_some() => literal.push(self.escape()?),
                Some(c) => literal.push(c),
            }
        }
        if !literal.is_empty() {
            pieces.push(Expression::Text(literal));
        }
        Ok(pieces)
    }

    fn escape(&mut self) -> Result<char, ParseError> {
        match self.next() {
            Some('n') => Ok('\n'),
            Some(c @ ('\\' | '"')) => Ok(c),
            Some(_) => Err(self.error("invalid backslash escape sequence")),
            None => Err(self.error("unfinished backslash escape sequence")),
        }
    }

    fn expression(&mut self) -> Result<Expression, ParseError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error(format!("expressions may nest at most {DEPTH_MAX} deep")));
        }
        let condition = self.binary(0)?;
        self.skip_blanks();
        let read = if self.take("?") {
            let yes = self.expression()?;
            self.require(":")?;
            let no = self.expression()?;
            Expression::Choice(Box::new([condition, yes, no]))
        } else {
            condition
        };
        self.depth -= 1;
        Ok(read)
    }

    fn binary(&mut self, level: usize) -> Result<Expression, ParseError> {
        let Some(operators) = LEVELS.get(level) else { return self.term() };
        self.skip_blanks();
        let start = self.at;
        let mut left = self.binary(level + 1)?;
        loop {
            self.skip_blanks();
            let Some(&(_, operator)) = operators.iter().find(|(word, _)| self.take(word)) else {
                return Ok(left);
            };
            let right = self.binary(level + 1)?;
            left = Expression::Binary(operator, Box::new([left, right]), start);
        }
    }

    fn term(&mut self) -> Result<Expression, ParseError> {
        self.skip_blanks();
        let start = self.at;
        match self.rest.chars().next() {
            Some('(') => self.in_parentheses(),
            Some('"') => {
                self.next();
                Ok(Expression::Joined(self.nested(|reader| reader.pieces(Some('"')))?))
            }
            Some('-') => {
                self.next();
                let operand = self.nested(Self::term)?;
                Ok(Expression::Binary(Operator::Subtract, Box::new([Expression::Number(0), operand]), start))
            }
            Some('!') => {
                self.next();
                let operand = self.nested(Self::term)?;
                Ok(Expression::Binary(Operator::Equal, Box::new([Expression::Truth(false), operand]), start))
            }
            Some(c) if c.is_ascii_digit() => self.number(),
            Some(c) if c == '_' || c.is_alphabetic() => self.named(start),
            _ => Err(self.expected("expression")),
        }
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, ParseError>) -> Result<T, ParseError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error(format!("expressions may nest at most {DEPTH_MAX} deep")));
        }
        let read = read(self)?;
        self.depth -= 1;
        Ok(read)
    }

    fn in_parentheses(&mut self) -> Result<Expression, ParseError> {
        self.next();
        let inner = self.expression()?;
        self.require(")")?;
        Ok(inner)
    }

    fn number(&mut self) -> Result<Expression, ParseError> {
        let start = self.error("");
        let digits = self.word(|c| c.is_ascii_digit() || c == '.');
        let refused = |why: &str| ParseError { what: format!("{why}: {digits}"), ..start.clone() };
        if digits.contains('.') {
            return Err(refused("only whole numbers are allowed"));
        }
        digits.parse().map(Expression::Number).map_err(|_| refused("invalid integer"))
    }

    fn word(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let word = self.rest[..end].to_owned();
        self.take(&word);
        word
    }

    fn named(&mut self, start: Position) -> Result<Expression, ParseError> {
        let name = self.word(|c| c.is_alphanumeric() || "_.-*".contains(c));
        if let Ok(truth) = name.parse() {
            return Ok(Expression::Truth(truth));
        }
        self.skip_blanks();
        if self.take("(") {
            return Ok(Expression::Call(name, self.arguments()?, start));
        }
        if self.rest.starts_with('[') {
            return Err(self.error(format!("{name} is no list and has no members")));
        }
        Ok(Expression::Variable(name, start))
    }

    fn arguments(&mut self) -> Result<Vec<Expression>, ParseError> {
        let mut arguments = Vec::new();
        loop {
            self.skip_blanks();
            if self.take(")") {
                return Ok(arguments);
            }
            arguments.push(self.expression()?);
            self.skip_blanks();
            if !self.take(",") {
                self.require(")")?;
                return Ok(arguments);
            }
        }
    }
}
