//! Patterns of `matches`: Go's syntax (RE2), read by its rules and written anew for the `regex` crate, which runs in time
//! linear in the text as well.
//!
//! The two languages differ in what they call an error and in what some signs mean (`\d` is ASCII in Go, `&&` in a class
//! means nothing, `{,3}` is four letters), so a pattern is never handed on as it is. `groups` keeps what is open, `atoms`
//! reads groups and repetitions, `classes` reads classes and escapes, `names` has what `\p` takes.

mod atoms;
mod classes;
mod error;
mod groups;
mod names;

use regex::bytes::{Regex, RegexBuilder};

use crate::limits::{
    FOLDED_ITEMS_MAX, PATTERN_BYTES_MAX, PATTERN_CACHE_BYTES, PATTERN_NESTING_MAX, PATTERNS_BYTES_MAX,
};
pub(crate) use error::{Code, PatternError};

/// Compiles a pattern, one of so many: they share what an expression may take.
pub(crate) fn compile(pattern: &[u8], among: usize) -> Result<Regex, PatternError> {
    let text = error::utf8(pattern)?;
    let translated = atoms::translate(text)?;
    if text.len() > PATTERN_BYTES_MAX || translated.folded_items > FOLDED_ITEMS_MAX / among.max(1) {
        return Err(PatternError::new(Code::TooLarge, text));
    }
    // A group is a level here, and so is what repeats it, what it stands beside, and what it is an alternative to.
    let nesting = u32::try_from(6 * PATTERN_NESTING_MAX).unwrap_or(u32::MAX);
    RegexBuilder::new(&translated.text)
        .size_limit(PATTERNS_BYTES_MAX / among.max(1))
        .dfa_size_limit(PATTERN_CACHE_BYTES)
        .nest_limit(nesting)
        .build()
        .map_err(|_| PatternError::new(Code::TooLarge, text))
}
