//! Durations as Go writes and reads them: `1h30m`, `1.5s`, `-5ms`, `0s`. Consul's clients send and expect this text.
//! Source: the documentation of Go's `time.ParseDuration` and `Duration.String`.

use std::fmt;
use std::str::FromStr;

/// A span of time in nanoseconds, signed as Go's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct GoDuration(pub i64);

const MICRO: i64 = 1_000;
const MILLI: i64 = 1_000_000;
const SECOND: i64 = 1_000_000_000;

impl GoDuration {
    /// A span of whole milliseconds; stops at the largest span instead of wrapping.
    pub fn from_millis(ms: u64) -> GoDuration {
        GoDuration(i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(MILLI))
    }

    /// Whole milliseconds; zero if negative.
    pub fn as_millis(self) -> u64 {
        u64::try_from(self.0 / MILLI).unwrap_or(0)
    }

    /// As a std duration; zero if negative.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_nanos(u64::try_from(self.0).unwrap_or(0))
    }
}

/// Why a text is no duration, in Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// It does not have the form of a duration.
    #[error("time: invalid duration {0:?}")]
    Invalid(String),
    /// A number has no unit.
    #[error("time: missing unit in duration {0:?}")]
    MissingUnit(String),
    /// A unit is none of `ns us µs ms s m h`.
    #[error("time: unknown unit {1:?} in duration {0:?}")]
    UnknownUnit(String, String),
}

impl FromStr for GoDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let invalid = || DurationError::Invalid(text.to_owned());
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(GoDuration(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total: i128 = 0;
        while !rest.is_empty() {
            let (part, after) = parse_part(text, rest)?;
            total += part;
            rest = after;
            // The negative side reaches one further.
            if total > -i128::from(i64::MIN) {
                return Err(invalid());
            }
        }
        let signed = if negative { -total } else { total };
        i64::try_from(signed).map(GoDuration).map_err(|_| invalid())
    }
}

/// Reads one `<decimal><unit>` and answers its nanoseconds and what follows.
fn parse_part<'a>(text: &str, rest: &'a str) -> Result<(i128, &'a str), DurationError> {
    let invalid = || DurationError::Invalid(text.to_owned());
    let digits_end = |s: &str| s.find(|c: char| !c.is_ascii_digit()).unwrap_or(s.len());
    let whole_end = digits_end(rest);
    let (whole, mut rest) = rest.split_at(whole_end);
    let mut fraction = "";
    if let Some(after_dot) = rest.strip_prefix('.') {
        let end = digits_end(after_dot);
        (fraction, rest) = after_dot.split_at(end);
    }
    if whole.is_empty() && fraction.is_empty() {
        return Err(invalid());
    }
    let unit_end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(unit_end);
    let scale = unit_nanos(text, unit)?;
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse::<u64>().map_err(|_| invalid())?.into() };
    Ok((whole * i128::from(scale) + fraction_nanos(fraction, scale), rest))
}

fn unit_nanos(text: &str, unit: &str) -> Result<i64, DurationError> {
    Ok(match unit {
        "" => return Err(DurationError::MissingUnit(text.to_owned())),
        "ns" => 1,
        "us" | "µs" | "μs" => MICRO,
        "ms" => MILLI,
        "s" => SECOND,
        "m" => 60 * SECOND,
        "h" => 3600 * SECOND,
        other => return Err(DurationError::UnknownUnit(text.to_owned(), other.to_owned())),
    })
}

/// The nanoseconds of decimal places; what is smaller than a nanosecond is cut, as in Go.
fn fraction_nanos(digits: &str, scale: i64) -> i128 {
    let mut unit = i128::from(scale) * 1_000_000_000_000;
    let mut sum = 0;
    for digit in digits.bytes().take(24) {
        unit /= 10;
        sum += unit * i128::from(digit - b'0');
    }
    sum / 1_000_000_000_000
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        if nanos == 0 {
            return f.write_str("0s");
        }
        if self.0 < 0 {
            f.write_str("-")?;
        }
        match nanos {
            n if n < 1_000 => write!(f, "{n}ns"),
            n if n < 1_000_000 => decimal(f, n, 1_000, "µs"),
            n if n < 1_000_000_000 => decimal(f, n, 1_000_000, "ms"),
            n => hours(f, n),
        }
    }
}

fn hours(f: &mut fmt::Formatter<'_>, nanos: u64) -> fmt::Result {
    let seconds = nanos / 1_000_000_000;
    let (h, m) = (seconds / 3600, seconds / 60 % 60);
    if h > 0 {
        write!(f, "{h}h")?;
    }
    if seconds >= 60 {
        write!(f, "{m}m")?;
    }
    decimal(f, nanos % 60_000_000_000, 1_000_000_000, "s")
}

/// Writes `nanos / unit` with as many places as needed and no trailing zeros.
fn decimal(f: &mut fmt::Formatter<'_>, nanos: u64, unit: u64, name: &str) -> fmt::Result {
    write!(f, "{}", nanos / unit)?;
    let rest = nanos % unit;
    if rest > 0 {
        let places = unit.ilog10() as usize;
        write!(f, ".{}", format!("{rest:0places$}").trim_end_matches('0'))?;
    }
    f.write_str(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, nanos: i64, shown: &str) {
        let parsed: GoDuration = text.parse().unwrap();
        assert_eq!(parsed.0, nanos, "{text}");
        assert_eq!(parsed.to_string(), shown, "{text}");
    }

    #[test]
    fn reads_and_writes_as_go_does() {
        check("0", 0, "0s");
        check("10s", 10 * SECOND, "10s");
        check("1m", 60 * SECOND, "1m0s");
        check("1h30m", 5400 * SECOND, "1h30m0s");
        check("1.5h", 5400 * SECOND, "1h30m0s");
        check("1.5s", 1_500_000_000, "1.5s");
        check("-5ms", -5 * MILLI, "-5ms");
        check("200ms", 200 * MILLI, "200ms");
        check("1.25us", 1_250, "1.25µs");
        check("7ns", 7, "7ns");
        check("24h", 86_400 * SECOND, "24h0m0s");
        check(".5s", 500_000_000, "500ms");
        check("-2562047h47m16.854775808s", i64::MIN, "-2562047h47m16.854775808s");
        check("1h0.001s", 3_600_001_000_000, "1h0m0.001s");
    }

    #[test]
    fn refuses_in_gos_words() {
        let why = |text: &str| text.parse::<GoDuration>().unwrap_err().to_string();
        assert_eq!(why("5"), "time: missing unit in duration \"5\"");
        assert_eq!(why("x"), "time: invalid duration \"x\"");
        assert_eq!(why(""), "time: invalid duration \"\"");
        assert_eq!(why("1d"), "time: unknown unit \"d\" in duration \"1d\"");
        assert_eq!(why("99999999999h"), "time: invalid duration \"99999999999h\"");
        assert_eq!(why("9223372036854775808ns"), "time: invalid duration \"9223372036854775808ns\"");
    }
}
