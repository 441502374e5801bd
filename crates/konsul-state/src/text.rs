//! Ordering helpers on text, where order is that of bytes.

/// The smallest text above everything that begins with `prefix`; `None` if there is none, as for the empty prefix.
///
/// UTF-8 sorts by code point, so the last character that has a successor is replaced by it.
pub fn prefix_end(prefix: &str) -> Option<String> {
    let mut head = prefix;
    while let Some(last) = head.chars().next_back() {
        head = &head[..head.len() - last.len_utf8()];
        if let Some(next) = successor(last) {
            return Some(format!("{head}{next}"));
        }
    }
    None
}

fn successor(c: char) -> Option<char> {
    match c {
        char::MAX => None,
        // The gap of the surrogates, which no text holds.
        '\u{D7FF}' => Some('\u{E000}'),
        _ => char::from_u32(c as u32 + 1),
    }
}

/// The directories of a key: every beginning of it that ends with a slash, shortest first.
///
/// A key that ends with a slash lies in the directory of its own name: it begins with that name as all others there do.
pub fn directories(key: &str) -> impl Iterator<Item = &str> {
    key.match_indices('/').map(|(at, _)| &key[..=at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_above_all_that_begin_with_it() {
        assert_eq!(prefix_end("a"), Some("b".into()));
        assert_eq!(prefix_end("a/"), Some("a0".into()));
        assert_eq!(prefix_end(""), None);
        assert_eq!(prefix_end("a\u{10FFFF}"), Some("b".into()));
        assert_eq!(prefix_end("\u{D7FF}"), Some("\u{E000}".into()));
        assert_eq!(prefix_end("\u{10FFFF}"), None);
    }

    #[test]
    fn directories_of_a_key() {
        let dirs = |key| directories(key).collect::<Vec<_>>();
        assert_eq!(dirs("a/b/c"), ["a/", "a/b/"]);
        assert_eq!(dirs("a/b/"), ["a/", "a/b/"]);
        assert_eq!(dirs("a"), [""; 0]);
        assert_eq!(dirs("/a"), ["/"]);
        assert_eq!(dirs("a//b"), ["a/", "a//"]);
    }
}
