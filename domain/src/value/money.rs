//! Money in whole cents: parsed and formatted exactly, never a float.

use std::fmt;

use event_sourcing::quoted;
use serde::{Deserialize, Serialize};

use super::Quantity;
use super::text::invalid;
use crate::ValidationError;

/// The longest number that is parsed: longer than any amount, and short enough that parsing is cheap.
const MAX_NUMBER_BYTES: usize = 400;

/// The largest absolute value of a decimal exponent that is parsed.
const MAX_EXPONENT: i32 = 400;

/// An amount of any sign, in whole cents.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Money(i64);

/// The price of one piece of a product: 0.01 to 999999.99, in whole cents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Price(Money);

/// Why a text is not an amount.
enum NotMoney {
    NotANumber,
    TooManyDecimals,
    TooLarge,
}

impl Money {
    #[must_use]
    pub const fn from_cents(cents: i64) -> Self {
        Self(cents)
    }

    /// Parses a decimal number in JSON's syntax, such as `19.90`, `-3` or `1.5e2`. Trailing zeros of the fraction do not
    /// count as decimals.
    ///
    /// # Errors
    /// Not a number, more than two decimals, or beyond what 64 bits of cents hold.
    pub fn parse(field: &str, text: &str) -> Result<Self, ValidationError> {
        read(text).map(Self).map_err(|reason| match reason {
            NotMoney::NotANumber => {
                invalid(field, &format!("be a decimal number, got {}", quoted(text)))
            }
            NotMoney::TooManyDecimals => invalid(
                field,
                &format!("have at most 2 decimals, got {}", quoted(text)),
            ),
            NotMoney::TooLarge => {
                invalid(field, &format!("be a smaller number, got {}", quoted(text)))
            }
        })
    }

    /// The amount in cents.
    #[must_use]
    pub const fn cents(self) -> i64 {
        self.0
    }

    /// The sum. The shop's sums are far below what 64 bits of cents hold.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let cents = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", cents / 100, cents % 100)
    }
}

impl Price {
    const LOWEST: Money = Money(1);
    const HIGHEST: Money = Money(99_999_999);

    /// Parses a number as [`Money::parse`] does.
    ///
    /// # Errors
    /// Not a number, more than two decimals, or outside 0.01 to 999999.99.
    pub fn parse(field: &str, text: &str) -> Result<Self, ValidationError> {
        let outside = || {
            let limits = format!("{} to {}", Self::LOWEST, Self::HIGHEST);
            invalid(field, &format!("be {limits}, got {}", quoted(text)))
        };
        match read(text).map(Money) {
            Ok(money) if (Self::LOWEST..=Self::HIGHEST).contains(&money) => Ok(Self(money)),
            Ok(_) | Err(NotMoney::TooLarge) => Err(outside()),
            Err(NotMoney::NotANumber | NotMoney::TooManyDecimals) => {
                Money::parse(field, text).and_then(|_| Err(outside()))
            }
        }
    }

    #[must_use]
    pub const fn money(self) -> Money {
        self.0
    }

    /// The amount in cents.
    #[must_use]
    pub const fn cents(self) -> i64 {
        self.0.0
    }

    /// The price of this many pieces.
    #[must_use]
    pub fn times(self, quantity: Quantity) -> Money {
        Money(self.cents().saturating_mul(quantity.get().into()))
    }

    /// Whether a change to `new` is more than 10 % up or down.
    #[must_use]
    pub const fn changes_much(self, new: Self) -> bool {
        self.cents().abs_diff(new.cents()) * 10 > self.cents().unsigned_abs()
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The cents of a decimal text: the digits without the point, shifted by the exponent and two more places.
fn read(text: &str) -> Result<i64, NotMoney> {
    if text.len() > MAX_NUMBER_BYTES {
        return Err(NotMoney::TooLarge);
    }
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, digits(fraction)?),
        None => (mantissa, ""),
    };
    let all = format!("{}{fraction}", digits(whole)?);
    let significant = all.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Ok(0);
    }
    let dropped = all.len() - all.trim_end_matches('0').len();
    let places = |length: usize| i32::try_from(length).unwrap_or(MAX_EXPONENT);
    let shift = exponent - places(fraction.len()) + places(dropped) + 2;
    let Ok(zeros) = u32::try_from(shift) else {
        return Err(NotMoney::TooManyDecimals);
    };
    let scale = 10_i64.checked_pow(zeros).ok_or(NotMoney::TooLarge)?;
    let value: i64 = significant.parse().map_err(|_| NotMoney::TooLarge)?;
    let cents = value.checked_mul(scale).ok_or(NotMoney::TooLarge)?;
    Ok(if negative { -cents } else { cents })
}

fn digits(text: &str) -> Result<&str, NotMoney> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NotMoney::NotANumber);
    }
    Ok(text)
}

fn read_exponent(text: &str) -> Result<i32, NotMoney> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let size: i32 = digits(unsigned)?.parse().unwrap_or(MAX_EXPONENT);
    Ok(sign * size.min(MAX_EXPONENT))
}
