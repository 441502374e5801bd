//! Query strings, read as Go reads them.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::path::percent_decode;

/// A query string's parameters in their order. The first of a name counts.
#[derive(Debug, Clone, Default)]
pub struct Query<'a> {
    pairs: SmallVec<[(Cow<'a, str>, Cow<'a, str>); 4]>,
}

/// A query string that Go does not read either: a percent sign without two hexadecimal digits, a semicolon, or bytes that
/// are no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the query string cannot be read")]
pub struct QueryError;

/// Reads a query string.
///
/// # Errors
/// See [`QueryError`].
pub fn parse(raw: &str) -> Result<Query<'_>, QueryError> {
    let mut pairs = SmallVec::new();
    for part in raw.split('&').filter(|part| !part.is_empty()) {
        if part.contains(';') {
            return Err(QueryError);
        }
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        pairs.push((unescape(name)?, unescape(value)?));
    }
    Ok(Query { pairs })
}

fn unescape(raw: &str) -> Result<Cow<'_, str>, QueryError> {
    let Some(first) = raw.bytes().position(|byte| byte == b'%' || byte == b'+') else {
        return Ok(Cow::Borrowed(raw));
    };
    let bytes = percent_decode(raw.as_bytes(), first, true).map_err(|_| QueryError)?;
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| QueryError)
}

impl<'a> Query<'a> {
    /// The value of a parameter, empty if it is named without one; `None` if it is not named.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// The value of a parameter, if it has one.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Every value of a parameter, in their order.
    pub fn all<'q>(&'q self, name: &'q str) -> impl Iterator<Item = &'q str> {
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// Whether a parameter is named, with whatever value.
    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(key, _)| key == name)
    }

    /// The parameters' names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|(name, _)| &**name)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The parameters again as a query string, sorted by name as Go's `Values.Encode` does it. A token is left out: it must
    /// not end up in an error text.
    pub fn encode(&self) -> String {
        let mut sorted: Vec<&(Cow<'a, str>, Cow<'a, str>)> =
            self.pairs.iter().filter(|(name, _)| name != "token").collect();
        sorted.sort_by(|left, right| left.0.cmp(&right.0));
        let mut out = String::new();
        for (name, value) in sorted {
            if !out.is_empty() {
                out.push('&');
            }
            escape(name, &mut out);
            out.push('=');
            escape(value, &mut out);
        }
        out
    }
}

fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                out.push('%');
                out.push(char::from(HEX[usize::from(other >> 4)]));
                out.push(char::from(HEX[usize::from(other & 15)]));
            }
        }
    }
}

/// Reads a whole number as Go's `strconv.ParseUint(text, 10, 64)` does: digits and nothing else.
///
/// # Errors
/// Go's text.
pub fn parse_u64(text: &str) -> Result<u64, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("strconv.ParseUint: parsing {text:?}: invalid syntax"));
    }
    text.parse().map_err(|_| format!("strconv.ParseUint: parsing {text:?}: value out of range"))
}

/// Reads a truth value as Go's `strconv.ParseBool` does.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_as_go_does() {
        let query = parse("raw&cas=5&a=%2Fb+c&&cas=6&e=&f=a=b").unwrap();
        assert_eq!(query.get("raw"), Some(""));
        assert!(query.has("raw") && !query.has("keys"));
        assert_eq!(query.get("cas"), Some("5"));
        assert_eq!(query.get("a"), Some("/b c"));
        assert_eq!(query.get("f"), Some("a=b"));
        assert_eq!((query.get("e"), query.text("e")), (Some(""), None));
        assert!(parse("").unwrap().is_empty());
        let tags = parse("tag=a&x=1&tag=b&tag").unwrap();
        assert_eq!(tags.all("tag").collect::<Vec<_>>(), ["a", "b", ""]);
        for bad in ["a=%", "a=%2", "%zz=1", "a;b", "a=%ff"] {
            assert_eq!(parse(bad).unwrap_err(), QueryError, "{bad}");
        }
    }

    #[test]
    fn encodes_as_go_does_and_hides_the_token() {
        let query = parse("release=b&token=s3cret&acquire=a+b&x=%2F~").unwrap();
        assert_eq!(query.encode(), "acquire=a+b&release=b&x=%2F~");
    }

    #[test]
    fn numbers_are_digits() {
        assert_eq!(parse_u64("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(parse_u64("x").unwrap_err(), "strconv.ParseUint: parsing \"x\": invalid syntax");
        for bad in ["", "+1", "-1", "1_0", " 1", "0x1", "1.0"] {
            assert!(parse_u64(bad).unwrap_err().ends_with("invalid syntax"), "{bad}");
        }
        assert!(parse_u64("18446744073709551616").unwrap_err().ends_with("value out of range"));
    }

    #[test]
    fn truth_has_gos_words() {
        assert_eq!(
            (parse_bool("T"), parse_bool("0"), parse_bool("yes"), parse_bool("")),
            (Some(true), Some(false), None, None)
        );
    }

    proptest! {
        #[test]
        fn any_query_is_taken_or_refused(raw in any::<String>()) {
            let _ = parse(&raw).map(|query| query.encode());
            let _ = parse_u64(&raw);
        }

        #[test]
        fn an_encoded_query_reads_the_same(pairs in proptest::collection::vec(("[a-z]{1,5}", any::<String>()), 0..6)) {
            let mut raw = String::new();
            for (name, value) in &pairs {
                raw.push('&');
                escape(name, &mut raw);
                raw.push('=');
                escape(value, &mut raw);
            }
            let query = parse(&raw).unwrap();
            let again = query.encode();
            let read = parse(&again).unwrap();
            for (name, _) in &pairs {
                prop_assert_eq!(read.get(name), query.get(name));
            }
        }
    }
}
