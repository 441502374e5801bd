//! A reading position that knows its line and column, and what both languages share: numbers and escapes.

use super::{MAX_DEPTH, Position, SyntaxError, Value};

/// A place in a text that moves forward one character at a time. `Clone` is a bookmark.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    rest: &'a str,
    at: Position,
    depth: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, at: Position { line: 1, column: 1 }, depth: 0 }
    }

    pub(super) fn at(&self) -> Position {
        self.at
    }

    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn starts_with(&self, text: &str) -> bool {
        self.rest.starts_with(text)
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.rest = &self.rest[character.len_utf8()..];
        if character == '\n' {
            self.at = Position { line: self.at.line + 1, column: 1 };
        } else {
            self.at.column += 1;
        }
        Some(character)
    }

    /// Takes the character if it comes next.
    pub(super) fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.bump();
        }
        found
    }

    pub(super) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let before = self.rest;
        while self.peek().is_some_and(&wanted) {
            self.bump();
        }
        &before[..before.len() - self.rest.len()]
    }

    /// Goes one level down; the reader calls itself for each level, and the stack is finite.
    pub(super) fn descend(&mut self) -> Result<(), SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(format!("nested more than {MAX_DEPTH} levels deep")));
        }
        Ok(())
    }

    pub(super) fn ascend(&mut self) {
        self.depth -= 1;
    }

    pub(super) fn error(&self, message: impl Into<String>) -> SyntaxError {
        SyntaxError { at: self.at, message: message.into() }
    }

    /// An error that says what is here and what should be.
    pub(super) fn expected(&self, what: &str) -> SyntaxError {
        self.error(format!("expected {what}, found {}", self.here()))
    }

    fn here(&self) -> String {
        match self.peek() {
            None => "the end of the file".to_owned(),
            Some('\n' | '\r') => "the end of the line".to_owned(),
            Some(character) if character.is_control() => format!("`{}`", character.escape_debug()),
            Some(character) => format!("`{character}`"),
        }
    }

    /// Reads so many hexadecimal digits as a number.
    pub(super) fn hex(&mut self, digits: usize) -> Result<u32, SyntaxError> {
        let mut number = 0;
        for _ in 0..digits {
            let digit = self.peek().and_then(|character| character.to_digit(16));
            number = number * 16 + digit.ok_or_else(|| self.expected("a hexadecimal digit"))?;
            self.bump();
        }
        Ok(number)
    }
}

/// The value of a decimal number's text: an integer where it is one and fits.
pub(super) fn number(text: &str) -> Value {
    text.parse().map_or_else(|_| Value::Number(text.to_owned()), Value::Integer)
}

/// A word for an error message. A long one may be a secret whose quotes were forgotten; its place says enough.
pub(super) fn shown(word: &str) -> String {
    const LONGEST: usize = 16;
    if word.len() <= LONGEST { format!("`{word}`") } else { "this word".to_owned() }
}
