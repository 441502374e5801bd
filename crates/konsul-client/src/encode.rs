//! Percent-encoding (RFC 3986).

const HEX: &[u8; 16] = b"0123456789ABCDEF";

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn push(out: &mut String, text: &str, keep_slash: bool) {
    for &byte in text.as_bytes() {
        if is_unreserved(byte) || (keep_slash && byte == b'/') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// Adds a path that may hold several segments, such as a key. Slashes stay; everything else reserved is encoded.
pub(crate) fn push_path(out: &mut String, text: &str) {
    push(out, text, true);
}

/// Adds one segment of a path, or one word of a query string.
pub(crate) fn push_word(out: &mut String, text: &str) {
    push(out, text, false);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_slashes_and_lose_nothing() {
        let path = |key: &str| {
            let mut out = String::new();
            push_path(&mut out, key);
            out
        };
        assert_eq!(path("app/color"), "app/color");
        assert_eq!(path("a b%c?d#e"), "a%20b%25c%3Fd%23e");
        assert_eq!(path("ça//"), "%C3%A7a//");
        let mut word = String::new();
        push_word(&mut word, "a/b&c=d+");
        assert_eq!(word, "a%2Fb%26c%3Dd%2B");
    }
}
