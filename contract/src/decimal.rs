//! Converts money between decimal text on the wire and whole cents, without floating-point arithmetic.

use std::fmt;

/// The text is not an amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalError {
    /// Not a decimal number such as `19.90`.
    Malformed,
    /// It does not fit 64 bits of cents.
    OutOfRange,
}

impl fmt::Display for DecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "must be a decimal number such as 19.90",
            Self::OutOfRange => "is out of range",
        })
    }
}

impl std::error::Error for DecimalError {}

/// Cents rounded towards zero, and whether digits were dropped.
struct Cut {
    cents: i64,
    exact: bool,
    negative: bool,
}

/// Formats cents with exactly two decimals.
#[must_use]
pub fn from_cents(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

/// Parses a lower bound of any precision: the lowest whole cents that are not below it.
///
/// # Errors
/// [`DecimalError`] if the text is malformed or out of range.
pub fn to_cents_rounding_up(text: &str) -> Result<i64, DecimalError> {
    let cut = cut(text)?;
    let step = i64::from(!cut.exact && !cut.negative);
    cut.cents.checked_add(step).ok_or(DecimalError::OutOfRange)
}

/// Parses an upper bound of any precision: the highest whole cents that are not above it.
///
/// # Errors
/// [`DecimalError`] if the text is malformed or out of range.
pub fn to_cents_rounding_down(text: &str) -> Result<i64, DecimalError> {
    let cut = cut(text)?;
    let step = i64::from(!cut.exact && cut.negative);
    cut.cents.checked_sub(step).ok_or(DecimalError::OutOfRange)
}

/// Formats a double of the old contract as decimal text. Its clients compute amounts in doubles (7 × 19.99 is
/// 139.92999999999998 there), so a value within rounding noise of a whole number of cents is treated as those cents.
/// Any other value is formatted as the shortest text that parses to it.
///
/// # Errors
/// [`DecimalError::Malformed`] if it is not a number or infinite.
pub fn from_double(value: f64) -> Result<String, DecimalError> {
    /// Relative to the value: a few thousand operations, each with an error of half of the last bit.
    const RELATIVE_NOISE: f64 = 1e-12;
    /// An absolute bound, far less than half a cent.
    const MAX_NOISE: f64 = 0.002;
    if !value.is_finite() {
        return Err(DecimalError::Malformed);
    }
    // Formatting with two decimals rounds the exact value of the double to the nearest cent.
    let nearest = format!("{value:.2}");
    let noise = (value.abs() * RELATIVE_NOISE).min(MAX_NOISE);
    let is_cents = nearest
        .parse()
        .is_ok_and(|cents: f64| (value - cents).abs() <= noise);
    Ok(if is_cents { nearest } else { value.to_string() })
}

/// Converts a double of the old contract that is a bound. It is compared as it is and need not be an amount: returns
/// the lowest whole cents that are not below it, and the highest that are not above it, clamped to the range of
/// amounts.
///
/// # Errors
/// [`DecimalError::Malformed`] if it is not a number.
pub fn limits_from_double(value: f64) -> Result<(i64, i64), DecimalError> {
    /// From here on cents may exceed 64 bits.
    const LARGE: f64 = 1e15;
    if value.is_nan() {
        return Err(DecimalError::Malformed);
    }
    if value.abs() >= LARGE {
        let last = if value > 0.0 { i64::MAX } else { i64::MIN };
        return Ok((last, last));
    }
    let text = value.to_string();
    Ok((to_cents_rounding_up(&text)?, to_cents_rounding_down(&text)?))
}

/// Converts cents to a double of the old contract.
#[expect(
    clippy::cast_precision_loss,
    reason = "the old contract's doubles; the exact amount travels as text"
)]
#[must_use]
pub fn to_double(cents: i64) -> f64 {
    cents as f64 / 100.0
}

fn cut(text: &str) -> Result<Cut, DecimalError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return Err(DecimalError::Malformed);
    }
    let kept = fraction.bytes().chain([b'0', b'0']).take(2);
    let mut cents: i64 = 0;
    for digit in whole.bytes().chain(kept) {
        cents = cents
            .checked_mul(10)
            .and_then(|cents| cents.checked_add(i64::from(digit - b'0')))
            .ok_or(DecimalError::OutOfRange)?;
    }
    Ok(Cut {
        cents: if negative { -cents } else { cents },
        exact: fraction.bytes().skip(2).all(|digit| digit == b'0'),
        negative,
    })
}

#[cfg(test)]
mod tests {
    use super::DecimalError::{Malformed, OutOfRange};
    use super::*;

    #[test]
    fn whole_cents_are_read_exactly_in_both_directions() {
        let cases = [
            ("0", 0),
            ("19.9", 1_990),
            ("19.90", 1_990),
            ("19.900", 1_990),
            ("0.01", 1),
            ("-0.5", -50),
            ("999999.99", 99_999_999),
            ("007", 700),
        ];
        for (text, cents) in cases {
            assert_eq!(to_cents_rounding_up(text), Ok(cents), "{text}");
            assert_eq!(to_cents_rounding_down(text), Ok(cents), "{text}");
        }
    }

    #[test]
    fn bounds_round_inwards() {
        assert_eq!(to_cents_rounding_up("19.991"), Ok(2_000));
        assert_eq!(to_cents_rounding_up("-0.001"), Ok(0));
        assert_eq!(to_cents_rounding_down("19.999"), Ok(1_999));
        assert_eq!(to_cents_rounding_down("-0.001"), Ok(-1));
    }

    #[test]
    fn malformed_amounts_are_rejected() {
        let cases = [
            ("", Malformed),
            ("-", Malformed),
            (".5", Malformed),
            ("5.", Malformed),
            ("1e3", Malformed),
            ("+1", Malformed),
            ("1,5", Malformed),
            (" 1", Malformed),
            ("1.2.3", Malformed),
            ("١", Malformed),
            ("NaN", Malformed),
            ("92233720368547758.08", OutOfRange),
            ("99999999999999999999999999", OutOfRange),
        ];
        for (text, error) in cases {
            assert_eq!(to_cents_rounding_up(text), Err(error), "{text}");
            assert_eq!(to_cents_rounding_down(text), Err(error), "{text}");
        }
        assert_eq!(
            to_cents_rounding_up("92233720368547758.071"),
            Err(OutOfRange)
        );
    }

    #[test]
    fn text_and_cents_round_trip() {
        for cents in [0, 1, 99, 100, 101, 1_990, 99_999_999, -1, -250, i64::MAX] {
            assert_eq!(to_cents_rounding_up(&from_cents(cents)), Ok(cents));
        }
        assert_eq!(from_cents(1_990), "19.90");
        assert_eq!(from_cents(-5), "-0.05");
    }

    #[test]
    fn a_double_with_rounding_noise_is_the_nearest_cent() {
        let computed = [
            (19.99, "19.99"),
            (3.0 * 0.1, "0.30"),
            (0.1 + 0.2, "0.30"),
            (7.0 * 19.99, "139.93"),
            (1.1 * 1.1 * 100.0, "121.00"),
            (999_999.99, "999999.99"),
            (-(3.0 * 0.1), "-0.30"),
            (0.0, "0.00"),
        ];
        for (double, text) in computed {
            assert_eq!(from_double(double).as_deref(), Ok(text), "{double}");
        }
        let others = [19.995, 999_999.990_5, 0.001, 1e-9, 0.300_001, 139.929_9];
        for double in others {
            let text = from_double(double).expect("a number");
            assert_eq!(text.parse(), Ok(double));
            let up = to_cents_rounding_up(&text);
            assert_ne!(
                up,
                to_cents_rounding_down(&text),
                "{double} is not whole cents"
            );
        }
    }

    #[test]
    fn all_cents_of_a_price_round_trip_through_a_double_and_a_sum_of_doubles() {
        for cents in (1..=99_999_999_i64).step_by(997) {
            let double = to_double(cents);
            assert_eq!(from_double(double), Ok(from_cents(cents)));
            // A hundred lines, added one after the other.
            let sum = (0..100).fold(0.0, |sum, _| sum + double);
            assert_eq!(from_double(sum), Ok(from_cents(cents * 100)), "{sum}");
        }
    }

    #[test]
    fn bounds_that_are_doubles_are_compared_exactly() {
        assert_eq!(limits_from_double(19.995), Ok((2_000, 1_999)));
        assert_eq!(limits_from_double(139.93), Ok((13_993, 13_993)));
        assert_eq!(limits_from_double(7.0 * 19.99), Ok((13_993, 13_992)));
        assert_eq!(limits_from_double(-0.001), Ok((0, -1)));
        for beyond in [1e15, 1e300, f64::INFINITY] {
            assert_eq!(limits_from_double(beyond), Ok((i64::MAX, i64::MAX)));
            assert_eq!(limits_from_double(-beyond), Ok((i64::MIN, i64::MIN)));
        }
        assert_eq!(limits_from_double(f64::NAN), Err(Malformed));
    }

    #[test]
    fn doubles_that_are_not_numbers_are_rejected() {
        assert_eq!(from_double(f64::NAN), Err(Malformed));
        assert_eq!(from_double(f64::INFINITY), Err(Malformed));
        let huge = from_double(1e300).expect("finite");
        assert_eq!(to_cents_rounding_down(&huge), Err(OutOfRange));
        assert!((to_double(1_999) - 19.99).abs() < f64::EPSILON);
    }
}
