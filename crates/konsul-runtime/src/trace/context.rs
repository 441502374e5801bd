//! Ids, and the W3C's header for them (Trace Context, level 1).

use std::fmt;
use std::str::FromStr;

use crate::random;

/// A trace's id: 128 bits, not all zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

impl TraceId {
    /// `None` for zero, which names no trace.
    pub fn from_u128(id: u128) -> Option<Self> {
        (id != 0).then_some(Self(id))
    }

    /// A new one.
    pub fn draw() -> Self {
        Self((u128::from(random::u64()) << 64) | u128::from(draw()))
    }

    /// Its bits.
    pub fn as_u128(self) -> u128 {
        self.0
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A span's id.
pub(super) fn draw() -> u64 {
    random::u64().max(1)
}

/// What a caller says of the trace that it is part of: the header `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traceparent {
    /// The trace.
    pub trace: TraceId,
    /// The caller's own span, not 0.
    pub span: u64,
    /// Whether the caller records it.
    pub sampled: bool,
}

impl Traceparent {
    /// Bytes of version 00.
    const LENGTH: usize = 55;
}

/// Not what the header may be; then it counts as absent, as the recommendation wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoTraceparent;

impl FromStr for Traceparent {
    type Err = NoTraceparent;

    /// Reads version 00, and of later ones what version 00 knows.
    fn from_str(text: &str) -> Result<Self, NoTraceparent> {
        let bytes = text.as_bytes();
        let later = bytes.get(..2) != Some(b"00");
        let ends = match bytes.get(Self::LENGTH) {
            None => bytes.len() == Self::LENGTH,
            Some(next) => later && *next == b'-',
        };
        let dashes = [2, 35, 52].iter().all(|at| bytes.get(*at) == Some(&b'-'));
        if !ends || !dashes || bytes.get(..2) == Some(b"ff") {
            return Err(NoTraceparent);
        }
        let hex = |from: usize, to: usize| bytes.get(from..to).and_then(hex).ok_or(NoTraceparent);
        hex(0, 2)?;
        let trace = TraceId::from_u128(hex(3, 35)?).ok_or(NoTraceparent)?;
        let span = u64::try_from(hex(36, 52)?).ok().filter(|span| *span != 0).ok_or(NoTraceparent)?;
        Ok(Self { trace, span, sampled: hex(53, 55)? & 1 == 1 })
    }
}

/// Digits in lower case, as the header has them.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0_u128, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some((value << 4) | u128::from(digit))
    })
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{:016x}-{:02x}", self.trace, self.span, u8::from(self.sampled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_recommendations_example_is_read_and_written() {
        let read: Traceparent = GOOD.parse().unwrap();
        assert_eq!(read.trace.as_u128(), 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!((read.span, read.sampled), (0x00f0_67aa_0ba9_02b7, true));
        assert_eq!(read.to_string(), GOOD);
        let other = GOOD.replace("-01", "-00").parse::<Traceparent>().unwrap();
        assert!(!other.sampled);
    }

    #[test]
    fn later_versions_are_read_as_far_as_they_are_known() {
        assert!(GOOD.replacen("00", "cc", 1).parse::<Traceparent>().is_ok());
        assert!(format!("{}-what-comes", GOOD.replacen("00", "cc", 1)).parse::<Traceparent>().is_ok());
    }

    #[test]
    fn everything_else_counts_as_absent() {
        let zeros = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let no_span = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        let odd = [
            String::new(),
            "00".into(),
            zeros.into(),
            no_span.into(),
            GOOD.replacen("00", "ff", 1),
            format!("{GOOD}-more"),
            format!("{GOOD}0"),
            GOOD.to_uppercase(),
            GOOD.replace('-', "_"),
            GOOD.replacen('4', "g", 1),
            GOOD[..54].to_owned(),
            "ü".repeat(28),
        ];
        for text in odd {
            assert!(text.parse::<Traceparent>().is_err(), "{text}");
        }
    }
}
