//! Time on the wire.

use chrono::{DateTime, Utc};
use prost_types::Timestamp;

/// The write side's timestamp. It is exact, since the engines store microseconds.
#[must_use]
pub fn to_timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: time.timestamp(),
        // Below 2 × 10⁹ even in a leap second, so it always fits.
        nanos: i32::try_from(time.timestamp_subsec_nanos()).unwrap_or(0),
    }
}

/// Converts a timestamp; `None` if it is outside the calendar.
#[must_use]
pub fn from_timestamp(timestamp: &Timestamp) -> Option<DateTime<Utc>> {
    let nanos = u32::try_from(timestamp.nanos).ok()?;
    DateTime::from_timestamp(timestamp.seconds, nanos)
}

/// Converts the read side's microseconds; `None` if they are outside the calendar.
#[must_use]
pub fn from_micros(micros: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microseconds_round_trip_on_both_sides() {
        let time = DateTime::from_timestamp_micros(1_763_855_112_123_457).expect("in the calendar");
        assert_eq!(from_timestamp(&to_timestamp(time)), Some(time));
        assert_eq!(from_micros(time.timestamp_micros()), Some(time));
    }

    #[test]
    fn time_before_1970_is_valid_and_time_outside_the_calendar_is_not() {
        let time = DateTime::from_timestamp_micros(-1).expect("in the calendar");
        assert_eq!(from_timestamp(&to_timestamp(time)), Some(time));
        let negative = Timestamp {
            seconds: 0,
            nanos: -1,
        };
        assert_eq!(from_timestamp(&negative), None);
        assert_eq!(from_micros(i64::MAX), None);
    }
}
