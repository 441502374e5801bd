//! Paths, and the keys in them.

use std::borrow::Cow;

use konsul_types::{Key, NameError};

/// Where keys are.
pub const KV_PREFIX: &str = "/v1/kv/";

/// Why a path was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// A percent sign without two hexadecimal digits after it.
    #[error("Invalid URL path: the percent sign at byte {0} is not followed by two hexadecimal digits")]
    Escape(usize),
    /// What the escapes stand for is no text.
    #[error("Invalid URL path: not valid UTF-8 at byte {0} of the decoded path")]
    NotUtf8(usize),
    /// A key that the store does not take.
    #[error("Invalid {0}")]
    Key(#[from] NameError),
}

/// Decodes percent escapes, once. Slashes and dots have no meaning here: `%2F` and `/` are the same byte of a key, and
/// `//` and `..` stay.
///
/// # Errors
/// If an escape is not one, or the bytes are not UTF-8.
pub fn decode(raw: &str) -> Result<Cow<'_, str>, PathError> {
    let Some(first) = raw.bytes().position(|byte| byte == b'%') else {
        return Ok(Cow::Borrowed(raw));
    };
    let bytes = percent_decode(raw.as_bytes(), first, false).map_err(PathError::Escape)?;
    String::from_utf8(bytes).map(Cow::Owned).map_err(|why| PathError::NotUtf8(why.utf8_error().valid_up_to()))
}

/// The key that a raw path names: what follows [`KV_PREFIX`], decoded once.
///
/// # Errors
/// As [`decode`]; a path of no key, or of one that the store does not take.
pub fn key(raw: &str) -> Result<Key, PathError> {
    let path = decode(raw)?;
    Ok(Key::new(path.strip_prefix(KV_PREFIX).unwrap_or(""))?)
}

/// Decodes escapes from the first one on; the error is the place of an escape that is none.
pub(crate) fn percent_decode(raw: &[u8], first: usize, plus_is_space: bool) -> Result<Vec<u8>, usize> {
    let mut out = Vec::with_capacity(raw.len());
    out.extend_from_slice(&raw[..first]);
    let mut at = first;
    while at < raw.len() {
        match raw[at] {
            b'%' => {
                let digit =
                    |offset: usize| raw.get(at + offset).and_then(|byte| char::from(*byte).to_digit(16));
                let (Some(high), Some(low)) = (digit(1), digit(2)) else {
                    return Err(at);
                };
                // Two hexadecimal digits fit a byte.
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            b'+' if plus_is_space => {
                out.push(b' ');
                at += 1;
            }
            byte => {
                out.push(byte);
                at += 1;
            }
        }
    }
    Ok(out)
}

/// Whether every character can be printed, as Go's `unicode.IsPrint` says: letters, marks, numbers, punctuation, symbols,
/// and of spaces only the plain one.
pub fn is_printable(path: &str) -> bool {
    path.chars().all(|c| match c {
        ' '..='~' => true,
        '\0'..='\x7f' => false,
        other => {
            // The standard library's own escaping knows the same classes. The letter before keeps a combining mark from
            // being escaped for standing first.
            let text = ['a', other].iter().collect::<String>();
            text.escape_debug().nth(1) == Some(other)
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(raw: &str, expect: &str) {
        assert_eq!(key(raw).unwrap().as_str(), expect, "{raw}");
    }

    #[test]
    fn a_key_is_the_rest_of_the_path_decoded_once() {
        check("/v1/kv/a/b", "a/b");
        check("/v1/kv/a%2Fb", "a/b");
        check("/v1/kv/%2Fa", "/a");
        check("/v1/kv//a//b", "/a//b");
        check("/v1/kv/../a/./b", "../a/./b");
        check("/v1/kv/a%252Fb", "a%2Fb");
        check("/v1/kv/a+b%2B", "a+b+");
        check("/v1/kv/a%20b", "a b");
        check("/v1/kv/ajaz%C3%A7uez", "ajazçuez");
        check("/v1/kv/a/", "a/");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let why = |raw: &str| key(raw).unwrap_err().to_string();
        assert!(why("/v1/kv/a%2").contains("percent sign at byte 8"));
        assert!(why("/v1/kv/%zz").contains("percent sign at byte 7"));
        assert!(why("/v1/kv/a%ff").contains("UTF-8 at byte 8"));
        assert_eq!(why("/v1/kv/"), "Invalid key is empty");
        assert!(why(&format!("/v1/kv/{}", "k".repeat(8193))).contains("8193 bytes"));
    }

    #[test]
    fn printable_is_what_go_says() {
        for yes in ["/v1/kv/a b", "ç", "日本", "e\u{301}", "\u{fffd}", "€"] {
            assert!(is_printable(yes), "{yes:?}");
        }
        for no in ["\n", "\u{7f}", "\u{a0}", "\u{2028}", "\u{200b}", "\u{e000}", "\u{ad}"] {
            assert!(!is_printable(no), "{no:?}");
        }
    }

    proptest! {
        #[test]
        fn any_path_is_taken_or_refused(raw in any::<String>()) {
            let _ = key(&raw);
            let _ = decode(&raw).map(|path| is_printable(&path));
        }

        #[test]
        fn an_escaped_key_comes_back(text in "[^\\p{Cc}]{1,50}") {
            let escaped: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let path = format!("/v1/kv/{escaped}");
            let read = key(&path).unwrap();
            prop_assert_eq!(read.as_str(), text);
        }
    }
}
