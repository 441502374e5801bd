//! From the words of a script to identifiers.

use std::error::Error;
use std::str::FromStr;

use goldenscript::ArgumentConsumer;
use konsul_types::{Key, Namespace, SessionId};
use uuid::Uuid;

/// What goes wrong with a script itself.
pub(crate) type Fault = Box<dyn Error>;

/// Arguments of one command.
pub(crate) struct Words<'a>(pub(crate) ArgumentConsumer<'a>);

impl<'a> Words<'a> {
    /// The next positional word.
    pub(crate) fn next(&mut self, what: &str) -> Result<&'a str, Fault> {
        self.0.next_pos().ok_or_else(|| format!("{what} is missing").into())
    }

    /// The next positional word as a key.
    pub(crate) fn key(&mut self) -> Result<Key, Fault> {
        Ok(Key::new(self.next("the key")?)?)
    }

    /// The argument of that name, read.
    pub(crate) fn named<T: FromStr<Err: Error + 'static>>(&mut self, name: &str) -> Result<Option<T>, Fault> {
        Ok(self.0.take_key(name).map(str::parse).transpose()?)
    }

    /// The namespace meant.
    pub(crate) fn namespace(&mut self) -> Result<Namespace, Fault> {
        match self.0.take_key("ns") {
            Some(name) => Ok(Namespace::new(name)?),
            None => Ok(Namespace::default_namespace()),
        }
    }

    /// A session argument.
    pub(crate) fn session(&mut self, name: &str) -> Result<Option<SessionId>, Fault> {
        self.0.take_key(name).map(session).transpose()
    }

    /// Refuses what nobody asked for.
    pub(crate) fn end(&self) -> Result<(), Fault> {
        self.0.reject_next()
    }
}

/// `s1` is the session whose id ends in 1.
pub(crate) fn session(word: &str) -> Result<SessionId, Fault> {
    Ok(SessionId(Uuid::from_u128(number(word, 's')?)))
}

/// The number of a word such as `r7`.
pub(crate) fn number(word: &str, letter: char) -> Result<u128, Fault> {
    let digits =
        word.strip_prefix(letter).ok_or_else(|| format!("{word:?} should be {letter}1, {letter}2, …"))?;
    Ok(digits.parse()?)
}
