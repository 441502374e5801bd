//! Entity tags: a record's modify index in double quotes.

use http::header::{HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH};
use konsul_types::{Index, PutMode};

use super::rejection::{Rejected, Rejection};
use crate::headers;

/// Reads `If-Match`.
pub(crate) fn wanted(headers: &HeaderMap) -> Rejected<Option<Index>> {
    let Some(text) = text(headers, &IF_MATCH)? else { return Ok(None) };
    let malformed =
        || Rejection::of_header("If-Match", format!("{text:?} is not one strong entity tag, such as \"42\""));
    number(text).map(Some).ok_or_else(malformed)
}

/// Reads both conditions of a write.
pub(crate) fn mode(headers: &HeaderMap) -> Rejected<PutMode> {
    let wanted = wanted(headers)?;
    let absent = match text(headers, &IF_NONE_MATCH)? {
        None => false,
        Some("*") => true,
        Some(other) => {
            let why = format!("{other:?} is not *, the only value that a write takes");
            return Err(Rejection::of_header("If-None-Match", why));
        }
    };
    match (wanted, absent) {
        (None, false) => Ok(PutMode::Set),
        (Some(index), false) => Ok(PutMode::Cas(index)),
        (None, true) => Ok(PutMode::Cas(Index::ZERO)),
        (Some(_), true) => {
            Err(Rejection::of_header("If-None-Match", "contradicts If-Match: give one of them"))
        }
    }
}

/// What a client has already, as `If-None-Match` of a read says it.
pub(crate) fn known(headers: &HeaderMap) -> Rejected<Known> {
    match text(headers, &IF_NONE_MATCH)? {
        None => Ok(Known::Nothing),
        Some("*") => Ok(Known::Anything),
        Some(text) => number(text).map(Known::Version).ok_or_else(|| {
            Rejection::of_header("If-None-Match", format!("{text:?} is neither * nor one strong entity tag"))
        }),
    }
}

/// What a client has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing.
    Nothing,
    /// Whatever there is.
    Anything,
    /// One version.
    Version(Index),
}

impl Known {
    /// Whether this version is news.
    pub(crate) fn has(self, version: Index) -> bool {
        match self {
            Known::Nothing => false,
            Known::Anything => true,
            Known::Version(known) => known == version,
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Rejected<Option<&'a str>> {
    let Some((first, again)) = headers::first(headers, name) else { return Ok(None) };
    if again {
        return Err(Rejection::of_header(name.as_str(), "is given twice"));
    }
    let text = first.to_str().map_err(|_| Rejection::of_header(name.as_str(), "is not visible ASCII"))?;
    Ok(Some(text.trim()))
}

/// Leading zeros are refused: each version has one tag. So is zero, which no record has.
fn number(tag: &str) -> Option<Index> {
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    if digits.starts_with('0') || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().map(Index).ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let mut out = HeaderMap::new();
        for (name, value) in pairs {
            out.append(name, HeaderValue::from_str(value).unwrap());
        }
        out
    }

    #[test]
    fn a_strong_tag_is_an_index() {
        assert_eq!(wanted(&headers(&[(IF_MATCH, "\"42\"")])).unwrap(), Some(Index(42)));
        assert_eq!(wanted(&headers(&[])).unwrap(), None);
        for bad in [
            "W/\"42\"",
            "42",
            "\"\"",
            "\"4x\"",
            "*",
            "\"1\", \"2\"",
            "\"042\"",
            "\"0\"",
            "\"18446744073709551616\"",
        ] {
            assert!(wanted(&headers(&[(IF_MATCH, bad)])).is_err(), "{bad}");
        }
        assert!(wanted(&headers(&[(IF_MATCH, "\"1\""), (IF_MATCH, "\"2\"")])).is_err());
    }

    #[test]
    fn a_write_has_one_condition_at_most() {
        let mode = |pairs: &[_]| mode(&headers(pairs));
        assert_eq!(mode(&[]).unwrap(), PutMode::Set);
        assert_eq!(mode(&[(IF_NONE_MATCH, "*")]).unwrap(), PutMode::Cas(Index(0)));
        assert_eq!(mode(&[(IF_MATCH, "\"7\"")]).unwrap(), PutMode::Cas(Index(7)));
        assert!(mode(&[(IF_NONE_MATCH, "\"7\"")]).is_err());
        assert!(mode(&[(IF_NONE_MATCH, "*"), (IF_MATCH, "\"7\"")]).is_err());
    }

    #[test]
    fn a_read_may_name_what_it_has() {
        let known = |text| known(&headers(&[(IF_NONE_MATCH, text)]));
        assert!(known("\"7\"").unwrap().has(Index(7)) && !known("\"7\"").unwrap().has(Index(8)));
        assert!(known("*").unwrap().has(Index(8)));
        assert!(known("W/\"7\"").is_err());
    }
}
