//! TXT records of metadata, in the form of RFC 1464.

use std::sync::Arc;

use crate::answer::Data;

/// Values of keys that begin so (in any case) stand alone, as RFC 1035 has it.
const BARE: &str = "rfc1035-";
/// Most bytes of a string.
const STRING_MAX: usize = 255;
/// Most bytes of a record: what is beyond could go over neither transport.
const RECORD_MAX: usize = 32 * 1024;

/// The record of one pair: `key=value`, in strings of 255 bytes at most.
pub(crate) fn of_pair(key: &str, value: &str) -> Data {
    let is_bare = key.get(..BARE.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(BARE));
    let text = if is_bare { value.to_owned() } else { format!("{}={value}", quoted(key)) };
    let text = &text.as_bytes()[..text.len().min(RECORD_MAX)];
    let mut strings = Vec::with_capacity(text.len() + 1 + text.len() / STRING_MAX);
    if text.is_empty() {
        strings.push(0);
    }
    for string in text.chunks(STRING_MAX) {
        strings.push(string.len() as u8);
        strings.extend_from_slice(string);
    }
    Data::Txt(Arc::from(strings))
}

/// A key in which nothing can be taken for the end of it: a back quote stands before back quotes, equal signs, and blanks
/// at both ends.
fn quoted(key: &str) -> String {
    let begin = key.len() - key.trim_start_matches(is_blank).len();
    let end = key.trim_end_matches(is_blank).len();
    let mut quoted = String::with_capacity(key.len());
    for (at, letter) in key.char_indices() {
        if matches!(letter, '`' | '=') || is_blank(letter) && (at < begin || at >= end) {
            quoted.push('`');
        }
        quoted.push(letter);
    }
    quoted
}

fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(key: &str, value: &str, expect: &[u8]) {
        assert_eq!(of_pair(key, value), Data::Txt(expect.into()), "{key} {value}");
    }

    #[test]
    fn pairs() {
        check("key", "value", b"\x09key=value");
        check("a=b`c", "d=e", b"\x0ba`=b``c=d=e");
        check(" a b ", "", b"\x08` a b` =");
        check("  ", "x", b"\x06` ` =x");
        check("rfc1035-x", "bare", b"\x04bare");
        check("RFC1035-", "", b"\0");
        check("rfc1035", "x", b"\x09rfc1035=x");
    }

    #[test]
    fn long_ones_are_split() {
        let Data::Txt(strings) = of_pair("k", &"v".repeat(300)) else { panic!("no text") };
        assert_eq!((strings[0], strings[256]), (255, 47));
        assert_eq!(strings.len(), 302 + 2);
    }
}
