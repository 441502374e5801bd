//! Points in time: RFC 3339, UTC, milliseconds.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use utoipa::PartialSchema;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};

/// A point in time, in milliseconds since the Unix epoch; on the wire `2026-01-02T03:04:05.678Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

/// The last millisecond that is told: the last that the library reads.
const MILLIS_MAX: u64 = 253_402_207_200_999;

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.min(MILLIS_MAX);
        let (seconds, millis) = (ms / 1000, ms % 1000);
        let (year, month, day) = civil(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

/// Year, month and day of a number of days since the epoch. Eras of 400 years begin on a first of March, which puts the
/// leap day at the end of a year.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + 400 * era + u64::from(month <= 2);
    (year, month, day)
}

/// A text that is no point in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no time of the form 2026-01-02T03:04:05.678Z at or after 1970")]
pub struct TimestampError(String);

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Timestamp, TimestampError> {
        let refused = || TimestampError(text.to_owned());
        let read: jiff::Timestamp = text.parse().map_err(|_| refused())?;
        u64::try_from(read.as_millisecond()).map(Timestamp).map_err(|_| refused())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("RFC 3339, UTC, with milliseconds."))
            .examples([serde_json::json!("2026-01-02T03:04:05.678Z")])
            .into()
    }
}

impl utoipa::ToSchema for Timestamp {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(ms: u64, text: &str) {
        assert_eq!(Timestamp(ms).to_string(), text);
        assert_eq!(text.parse(), Ok(Timestamp(ms)));
    }

    #[test]
    fn known_times_have_their_texts() {
        check(0, "1970-01-01T00:00:00.000Z");
        check(951_782_400_000, "2000-02-29T00:00:00.000Z");
        check(1_767_323_045_678, "2026-01-02T03:04:05.678Z");
        check(MILLIS_MAX, "9999-12-30T22:00:00.999Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in ["", "2026-01-02", "2026-13-01T00:00:00Z", "1969-12-31T23:59:59Z", "now"] {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad}");
        }
        assert_eq!("2026-01-02T04:04:05.678+01:00".parse(), Ok(Timestamp(1_767_323_045_678)));
    }

    proptest! {
        #[test]
        fn the_calendar_is_that_of_the_library(ms in 0..MILLIS_MAX) {
            let library = jiff::Timestamp::from_millisecond(ms as i64).unwrap();
            prop_assert_eq!(Timestamp(ms).to_string(), format!("{library:.3}"));
            prop_assert_eq!(Timestamp(ms).to_string().parse(), Ok(Timestamp(ms)));
        }
    }
}
