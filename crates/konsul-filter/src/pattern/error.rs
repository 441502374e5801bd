//! What Go's `regexp` says of a pattern that it cannot read.

/// Why a pattern was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {code}: `{at}`")]
pub(crate) struct PatternError {
    code: Code,
    /// The part that is wrong.
    at: String,
}

/// Kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Code {
    #[error("invalid character class range")]
    ClassRange,
    #[error("invalid escape sequence")]
    Escape,
    #[error("invalid named capture")]
    Name,
    #[error("invalid or unsupported Perl syntax")]
    Perl,
    #[error("invalid nested repetition operator")]
    NestedRepetition,
    #[error("invalid repeat count")]
    RepeatCount,
    #[error("invalid UTF-8")]
    Utf8,
    #[error("missing closing ]")]
    MissingBracket,
    #[error("missing closing )")]
    MissingParenthesis,
    #[error("missing argument to repetition operator")]
    MissingArgument,
    #[error("trailing backslash at end of expression")]
    TrailingBackslash,
    #[error("unexpected )")]
    UnexpectedParenthesis,
    #[error("expression nests too deeply")]
    TooDeep,
    #[error("expression too large")]
    TooLarge,
}

impl PatternError {
    pub(super) fn new(code: Code, at: &str) -> Self {
        Self { code, at: at.to_owned() }
    }
}

/// The pattern as a text. Go names the rest from the first byte that is none; it is shown as far as it can be.
pub(super) fn utf8(pattern: &[u8]) -> Result<&str, PatternError> {
    std::str::from_utf8(pattern).map_err(|error| {
        let rest = &pattern[error.valid_up_to()..];
        PatternError::new(Code::Utf8, &String::from_utf8_lossy(rest))
    })
}
