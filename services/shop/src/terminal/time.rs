//! Timestamps and durations as text.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// A timestamp with milliseconds, RFC 3339.
pub fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A duration in at most two units. A negative one, as between clocks that differ, is printed as zero.
pub fn span(span: TimeDelta) -> String {
    let millis = span.num_milliseconds().max(0);
    let seconds = millis / 1_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    if minutes == 0 {
        format!("{seconds}.{:03} s", millis % 1_000)
    } else if hours == 0 {
        format!("{minutes} m {} s", seconds % 60)
    } else if days == 0 {
        format!("{hours} h {} m", minutes % 60)
    } else {
        format!("{days} d {} h", hours % 24)
    }
}

/// Parses a duration such as `90s`, `15m`, `2h` or `3d`.
///
/// # Errors
/// What is accepted.
pub fn parse_age(text: &str) -> Result<TimeDelta, &'static str> {
    // A hundred years: subtracting more from the current time could leave the calendar's range.
    const MAX_AGE: i64 = 36_500 * 86_400_000;
    const ACCEPTED: &str = "accepted: a number and a unit, such as 500ms, 90s, 15m, 2h or 3d";
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(ACCEPTED),
    };
    let age = number.parse().ok().and_then(|n: i64| n.checked_mul(millis));
    age.filter(|age| *age <= MAX_AGE)
        .and_then(TimeDelta::try_milliseconds)
        .ok_or(ACCEPTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units() {
        let text = |millis| span(TimeDelta::milliseconds(millis));
        assert_eq!(text(-1), "0.000 s");
        assert_eq!(text(59_999), "59.999 s");
        assert_eq!(text(61_000), "1 m 1 s");
        assert_eq!(text(7_260_000), "2 h 1 m");
        assert_eq!(text(90_000_000), "1 d 1 h");
    }

    #[test]
    fn ages_have_a_number_and_a_unit() {
        assert_eq!(parse_age("90s"), Ok(TimeDelta::seconds(90)));
        assert_eq!(parse_age("250ms"), Ok(TimeDelta::milliseconds(250)));
        assert_eq!(parse_age("3d"), Ok(TimeDelta::days(3)));
        for bad in [
            "",
            "s",
            "90",
            "-1s",
            "1.5h",
            "1w",
            "99999999999999d",
            "90000d",
        ] {
            assert!(parse_age(bad).is_err(), "{bad}");
        }
    }
}
