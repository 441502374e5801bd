//! Names, indexes, values, numbers, texts and blanks.

use super::scanner::Scanner;
use crate::expression::Selector;
use crate::strconv::unquote;

/// Whether a name can be written without brackets.
pub(crate) fn is_identifier(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

impl Scanner<'_> {
    /// A name, and the names and indexes after it.
    pub(super) fn selector(&mut self) -> Option<Selector> {
        let mut parts = vec![self.identifier()?];
        while let Some(part) = self.selector_part() {
            parts.push(part);
        }
        Some(Selector(parts))
    }

    fn selector_part(&mut self) -> Option<Vec<u8>> {
        self.sequence(|scan| {
            scan.literal(".")?;
            scan.identifier()
        })
        .or_else(|| self.index())
    }

    fn identifier(&mut self) -> Option<Vec<u8>> {
        let start = self.at();
        self.class("[a-zA-Z]", |letter| letter.is_ascii_alphabetic())?;
        while self.class("[a-zA-Z0-9_]", |letter| letter.is_ascii_alphanumeric() || letter == '_').is_some() {
        }
        Some(self.since(start).into())
    }

    fn index(&mut self) -> Option<Vec<u8>> {
        self.sequence(|scan| {
            scan.index_open()?;
            let text = scan.string()?;
            scan.blanks();
            scan.literal("]")?;
            Some(text)
        })
        .or_else(|| self.sequence(Self::index_without_text))
        .or_else(|| self.sequence(Self::index_without_end))
    }

    fn index_open(&mut self) -> Option<()> {
        self.literal("[")?;
        self.blanks();
        Some(())
    }

    fn index_without_text(&mut self) -> Option<Vec<u8>> {
        self.index_open()?;
        self.not_ahead(Self::string)?;
        self.fault(self.at(), "index", "Invalid index");
        None
    }

    fn index_without_end(&mut self) -> Option<Vec<u8>> {
        self.index_open()?;
        self.string()?;
        self.blanks();
        self.not_ahead(|scan| scan.literal("]"))?;
        self.fault(self.at(), "index", "Unclosed index expression");
        None
    }

    /// A bare word, a number, or a text.
    pub(super) fn value(&mut self) -> Option<Vec<u8>> {
        let bare = self.selector().map(|selector| selector.joined());
        bare.or_else(|| self.number()).or_else(|| self.string())
    }

    fn number(&mut self) -> Option<Vec<u8>> {
        let start = self.at();
        self.sequence(|scan| {
            scan.digits()?;
            scan.ahead(Self::after_number)?;
            Some(scan.since(start).into())
        })
        .or_else(|| self.sequence(Self::number_without_end))
    }

    fn number_without_end(&mut self) -> Option<Vec<u8>> {
        self.digits()?;
        self.not_ahead(|scan| scan.ahead(Self::after_number))?;
        self.fault(self.at(), "number", "Invalid number literal");
        None
    }

    fn digits(&mut self) -> Option<()> {
        let _ = self.literal("-");
        if self.literal("0").is_none() {
            self.class("[1-9]", |letter| matches!(letter, '1'..='9'))?;
            while self.digit().is_some() {}
        }
        let _ = self.sequence(|scan| {
            scan.literal(".")?;
            scan.digit()?;
            while scan.digit().is_some() {}
            Some(())
        });
        Some(())
    }

    fn digit(&mut self) -> Option<char> {
        self.class("[0-9]", |letter| letter.is_ascii_digit())
    }

    fn after_number(&mut self) -> Option<()> {
        self.blank().or_else(|| self.end()).or_else(|| self.literal(")"))
    }

    /// A text in double quotes, with escapes, or in back quotes, without.
    fn string(&mut self) -> Option<Vec<u8>> {
        let start = self.at();
        if self.quoted("`", true).or_else(|| self.quoted("\"", true)).is_some() {
            let text = unquote(self.since(start));
            if text.is_none() {
                self.fault(start, "string", "invalid syntax");
            }
            return Some(text.unwrap_or_default());
        }
        self.sequence(|scan| {
            scan.quoted("`", false).or_else(|| scan.quoted("\"", false))?;
            scan.end()?;
            scan.fault(scan.at(), "string", "Unterminated string literal");
            None
        })
    }

    fn quoted(&mut self, quote: &'static str, closed: bool) -> Option<()> {
        self.sequence(|scan| {
            scan.literal(quote)?;
            while scan.letter_but(quote).is_some() {}
            if closed { scan.literal(quote) } else { Some(()) }
        })
    }

    fn letter_but(&mut self, quote: &'static str) -> Option<char> {
        self.sequence(|scan| {
            scan.not_ahead(|scan| scan.literal(quote))?;
            scan.any()
        })
    }

    /// One blank or more.
    pub(super) fn blank(&mut self) -> Option<()> {
        self.one_blank()?;
        while self.one_blank().is_some() {}
        Some(())
    }

    fn one_blank(&mut self) -> Option<char> {
        self.class("[ \\t\\r\\n]", |letter| matches!(letter, ' ' | '\t' | '\r' | '\n'))
    }

    /// Blanks, if there are any.
    pub(super) fn blanks(&mut self) {
        let _ = self.blank();
    }
}
