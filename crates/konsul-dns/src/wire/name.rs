//! Names in wire form: labels with their length before them, and a zero at the end (RFC 1035, section 3.1).

use std::fmt;
use std::sync::Arc;

/// Most bytes of a name, its last zero included.
pub(crate) const NAME_MAX: usize = 255;
/// Most bytes of a label.
pub(crate) const LABEL_MAX: usize = 63;

/// A name in wire form. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Name(Arc<[u8]>);

impl Name {
    /// From labels, left to right. `None` if one is empty or too long, or all together are.
    pub fn from_labels<'a>(labels: impl IntoIterator<Item = &'a [u8]>) -> Option<Name> {
        let mut wire = Vec::with_capacity(64);
        for label in labels {
            let length =
                u8::try_from(label.len()).ok().filter(|length| (1..=LABEL_MAX as u8).contains(length))?;
            wire.push(length);
            wire.extend_from_slice(label);
        }
        wire.push(0);
        (wire.len() <= NAME_MAX).then(|| Name(wire.into()))
    }

    /// From a text with dots, with or without the last one. `None` for what is no name.
    pub fn from_dotted(text: &str) -> Option<Name> {
        Name::from_labels(dotted(text))
    }

    /// From a text with dots, before a name.
    pub(crate) fn before(text: &str, zone: &Name) -> Option<Name> {
        Name::from_labels(dotted(text).chain(zone.labels()))
    }

    /// From wire form that was checked.
    pub(crate) fn from_wire(wire: &[u8]) -> Name {
        debug_assert_eq!(wire.last(), Some(&0));
        Name(wire.into())
    }

    /// Its wire form.
    pub fn wire(&self) -> &[u8] {
        &self.0
    }

    /// Its labels, left to right, without the root's.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        labels(&self.0)
    }
}

fn dotted(text: &str) -> impl Iterator<Item = &[u8]> {
    let text = text.strip_suffix('.').unwrap_or(text);
    text.split('.').filter(move |_| !text.is_empty()).map(str::as_bytes)
}

/// The labels of a name in wire form without pointers.
pub(crate) fn labels(wire: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = wire;
    std::iter::from_fn(move || {
        let (length, tail) = rest.split_first()?;
        let label = tail.get(..usize::from(*length)).filter(|label| !label.is_empty())?;
        rest = &tail[label.len()..];
        Some(label)
    })
}

/// As `dig` prints it: what is special in a zone file has a backslash before it, what cannot be printed is `\DDD`.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() == 1 {
            return f.write_str(".");
        }
        self.labels().try_for_each(|label| {
            label.iter().try_for_each(|byte| match byte {
                b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$' => {
                    write!(f, "\\{}", char::from(*byte))
                }
                0x21..=0x7E => write!(f, "{}", char::from(*byte)),
                _ => write!(f, "\\{byte:03}"),
            })?;
            f.write_str(".")
        })
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(Name::from_dotted(text).expect("a name").to_string(), expect);
    }

    #[test]
    fn dots_make_labels() {
        check("", ".");
        check(".", ".");
        check("consul", "consul.");
        check("Web.service.consul.", "Web.service.consul.");
        check("a b\u{e9}.consul", "a\\032b\\195\\169.consul.");
    }

    #[test]
    fn refuses_what_is_no_name() {
        let long = "a".repeat(64);
        let deep = "abcdefg.".repeat(32);
        for text in ["..", "a..b", ".a", long.as_str(), deep.as_str()] {
            assert_eq!(Name::from_dotted(text), None, "{text}");
        }
        assert!(Name::from_dotted(&long[1..]).is_some());
        assert_eq!(Name::from_dotted(&deep[1..]).map(|name| name.wire().len()), None);
        assert_eq!(Name::from_dotted(&deep[2..]).map(|name| name.wire().len()), Some(255));
    }
}
