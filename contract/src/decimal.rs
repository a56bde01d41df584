//! Money on the wire: decimal text on one side, whole cents on the other. Never a float in between.

use std::fmt;

/// Text that is not an amount of money.
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

/// Cents, cut towards zero, and whether something was cut.
struct Cut {
    cents: i64,
    exact: bool,
    negative: bool,
}

/// Writes cents with exactly two decimals.
#[must_use]
pub fn from_cents(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

/// Reads a lower limit of any precision: the lowest whole cents that are not below it.
///
/// # Errors
/// [`DecimalError`] says what is wrong with it.
pub fn to_cents_rounding_up(text: &str) -> Result<i64, DecimalError> {
    let cut = cut(text)?;
    let step = i64::from(!cut.exact && !cut.negative);
    cut.cents.checked_add(step).ok_or(DecimalError::OutOfRange)
}

/// Reads an upper limit of any precision: the highest whole cents that are not above it.
///
/// # Errors
/// [`DecimalError`] says what is wrong with it.
pub fn to_cents_rounding_down(text: &str) -> Result<i64, DecimalError> {
    let cut = cut(text)?;
    let step = i64::from(!cut.exact && cut.negative);
    cut.cents.checked_sub(step).ok_or(DecimalError::OutOfRange)
}

/// Writes a double of the old contract as the shortest decimal text that means it, to be read by the functions above.
///
/// # Errors
/// [`DecimalError::Malformed`] if it is not a number or infinite.
pub fn from_double(value: f64) -> Result<String, DecimalError> {
    if value.is_finite() {
        Ok(value.to_string())
    } else {
        Err(DecimalError::Malformed)
    }
}

/// Writes cents as a double of the old contract.
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
    fn limits_round_to_the_inside() {
        assert_eq!(to_cents_rounding_up("19.991"), Ok(2_000));
        assert_eq!(to_cents_rounding_up("-0.001"), Ok(0));
        assert_eq!(to_cents_rounding_down("19.999"), Ok(1_999));
        assert_eq!(to_cents_rounding_down("-0.001"), Ok(-1));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
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
    fn text_and_cents_are_inverse() {
        for cents in [0, 1, 99, 100, 101, 1_990, 99_999_999, -1, -250, i64::MAX] {
            assert_eq!(to_cents_rounding_up(&from_cents(cents)), Ok(cents));
        }
        assert_eq!(from_cents(1_990), "19.90");
        assert_eq!(from_cents(-5), "-0.05");
    }

    #[test]
    fn doubles_mean_their_shortest_text() {
        assert_eq!(from_double(19.99).as_deref(), Ok("19.99"));
        assert_eq!(from_double(999_999.99).as_deref(), Ok("999999.99"));
        assert_eq!(from_double(f64::NAN), Err(Malformed));
        assert_eq!(from_double(f64::INFINITY), Err(Malformed));
        let huge = from_double(1e300).expect("finite");
        assert_eq!(to_cents_rounding_down(&huge), Err(OutOfRange));
        assert!((to_double(1_999) - 19.99).abs() < f64::EPSILON);
    }
}
