//! Prevents the parsers of JSON and GraphQL from rounding an invalid number into a valid one.
//!
//! Both parse a number into a double. At most 15 significant digits survive the conversion to a double and back to its
//! shortest text. A longer number may be rounded: `19.990000000000000001` would become 19.99, a valid price of two decimals.
//! Such a number is replaced by a neighbour with 14 significant digits, here 19.990000000001, which is still neither an Int
//! nor a whole number of cents. The original text of each number that is rounded or replaced is recorded, so that a money
//! field can reject it as written, and errors show it so.

use std::borrow::Cow;
use std::iter;
use std::ops::Range;

use async_graphql::Number;

/// The decimal digits that every double preserves.
const SAFE_DIGITS: usize = 15;

/// The numbers of a request that the parsers round, or that were replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplacedNumbers(Vec<ReplacedNumber>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct ReplacedNumber {
    written: Box<str>,
    /// The text of the double that the parsers make of it.
    parsed: Box<str>,
}

impl ReplacedNumbers {
    /// Records this number if a double rounds it, and returns its replacement if the rounded one could be valid. Parsers
    /// round differently: `parse` is that of the text in which the number is.
    pub fn replace(
        &mut self,
        number: &str,
        parse: impl FnOnce(&str) -> Option<f64>,
    ) -> Option<String> {
        let shortest = rounded(number, parse)?;
        let replacement = unrounded(&shortest);
        self.0.push(ReplacedNumber {
            written: number.into(),
            parsed: replacement.as_deref().unwrap_or(&shortest).into(),
        });
        replacement
    }

    /// The original text of a number that the parsers have made into this one.
    #[must_use]
    pub fn written(&self, parsed: &str) -> Option<&str> {
        let found = self.0.iter().find(|it| &*it.parsed == parsed);
        found.map(|it| &*it.written)
    }

    /// A number as it was written.
    #[must_use]
    pub fn shown(&self, number: &Number) -> String {
        let written = number_text(number).and_then(|text| self.written(&text).map(str::to_owned));
        written.unwrap_or_else(|| number.to_string())
    }

    /// Whether nothing was rounded or replaced.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

/// The JSON with its endangered numbers replaced, and those numbers.
#[must_use]
pub fn preserve(text: &str) -> (Cow<'_, str>, ReplacedNumbers) {
    let mut replaced = ReplacedNumbers::default();
    let mut changed = String::new();
    let mut copied = 0;
    for Range { start, end } in numbers(text.as_bytes()) {
        if end - start > SAFE_DIGITS
            && let Some(replacement) = replaced.replace(&text[start..end], json_number)
        {
            changed += &text[copied..start];
            changed += &replacement;
            copied = end;
        }
    }
    let text = if copied == 0 {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(changed + &text[copied..])
    };
    (text, replaced)
}

/// The ranges of the numbers in JSON. The result for invalid JSON is arbitrary; the parser rejects it anyway.
fn numbers(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    iter::from_fn(move || {
        while let Some(byte) = text.get(at) {
            let start = at;
            at += 1;
            match byte {
                b'"' => at = end_of_string(text, at),
                b'-' | b'0'..=b'9' => {
                    let is_more = |byte: &u8| {
                        byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-')
                    };
                    while text.get(at).is_some_and(is_more) {
                        at += 1;
                    }
                    return Some(start..at);
                }
                _ => {}
            }
        }
        None
    })
}

/// The index after the closing quote of a string; `at` is the index after its opening quote.
fn end_of_string(text: &[u8], mut at: usize) -> usize {
    while let Some(byte) = text.get(at) {
        at += if *byte == b'\\' { 2 } else { 1 };
        if *byte == b'"' {
            break;
        }
    }
    at
}

/// A parsed number's shortest decimal text.
#[must_use]
pub fn number_text(number: &Number) -> Option<String> {
    if number.is_f64() {
        number.as_f64().map(|double| double.to_string())
    } else {
        Some(number.to_string())
    }
}

fn json_number(text: &str) -> Option<f64> {
    serde_json::from_str(text).ok()
}

/// The shortest text of a number's double, if that is another number.
fn rounded(number: &str, parse: impl FnOnce(&str) -> Option<f64>) -> Option<String> {
    // Integers are parsed as such.
    if number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok() {
        return None;
    }
    let double = parse(number).filter(|double| double.is_finite())?;
    let shortest = double.to_string();
    (digits(number)? != digits(&shortest)?).then_some(shortest)
}

/// The replacement of a number whose double has this text, if that has at most two decimals, so that it could be valid.
fn unrounded(shortest: &str) -> Option<String> {
    let (whole, fraction) = shortest.split_once('.').unwrap_or((shortest, ""));
    if fraction.len() > 2 {
        return None;
    }
    let decimals = (SAFE_DIGITS - 1).checked_sub(whole.trim_start_matches('-').len())?;
    // Such a large number is beyond every range.
    let zeros = decimals.checked_sub(fraction.len() + 1)?;
    Some(format!("{whole}.{fraction}{}1", "0".repeat(zeros)))
}

/// The significant digits, and the exponent of the last one.
fn digits(number: &str) -> Option<(String, i64)> {
    let unsigned = number.trim_start_matches('-');
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let significant = all.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some((String::new(), 0));
    }
    let dropped = all.len() - all.trim_end_matches('0').len();
    let power = exponent.trim_start_matches('+').parse::<i64>().ok()?;
    let scale = i64::try_from(dropped).ok()? - i64::try_from(fraction.len()).ok()?;
    Some((significant.to_owned(), power.checked_add(scale)?))
}

#[cfg(test)]
mod tests {
    use super::{ReplacedNumbers, numbers, preserve};

    #[test]
    fn a_number_that_would_be_rounded_is_replaced_and_recorded() {
        let json = r#"{"price": 19.990000000000000001, "n": 1}"#;
        let (preserved, replaced) = preserve(json);
        assert_eq!(preserved, r#"{"price": 19.990000000001, "n": 1}"#);
        let written = replaced.written("19.990000000001");
        assert_eq!(written, Some("19.990000000000000001"));
        assert_eq!(replaced.written("1"), None);
        let text = r#"["0.010000000000000000001"]"#;
        assert_eq!(preserve(text), (text.into(), ReplacedNumbers::default()));
        let mut replaced = ReplacedNumbers::default();
        let parse = |text: &str| text.parse().ok();
        let replacement = replaced.replace("0.010000000000000000001", parse);
        assert_eq!(replacement.as_deref(), Some("0.0100000000001"));
    }

    #[test]
    fn a_number_that_is_rounded_is_shown_as_it_was_written() {
        for (number, shown) in [
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
            (
                "-1.23456789012345678901234567890",
                "-1.23456789012345678901234567890",
            ),
            ("19.990000000000000001", "19.990000000000000001"),
            (
                "123456789.123456789123456789",
                "123456789.123456789123456789",
            ),
            ("18446744073709551615", "18446744073709551615"),
            ("1.50", "1.5"),
            ("1e300", "1e+300"),
        ] {
            let (preserved, replaced) = preserve(number);
            let parsed = serde_json::from_str(&preserved).expect("a number");
            assert_eq!(replaced.shown(&parsed), shown);
            assert_eq!(
                preserved == number,
                !number.starts_with("19.99"),
                "{number}"
            );
        }
    }

    #[test]
    fn exact_numbers_are_not_replaced() {
        for number in [
            "19.99",
            "19.9900000000000000000",
            "000000000000000019.99",
            "1234567890123456789",
            "0.0000000000000000000001",
            "1.000000000000000000e2",
            "0.30000000000000004",
            "-0.30000000000000004",
        ] {
            assert_eq!(
                preserve(number),
                (number.into(), ReplacedNumbers::default())
            );
        }
    }

    #[test]
    fn numbers_are_found_outside_of_strings() {
        let json = r#"{"a1": 1.50, "b\"2": [-3e+4], "5": "6"}"#;
        let found = numbers(json.as_bytes()).map(|range| &json[range]);
        assert_eq!(found.collect::<Vec<_>>(), ["1.50", "-3e+4"]);
        for text in ["\"", "\"\\", "-"] {
            assert!(numbers(text.as_bytes()).count() <= 1, "{text}");
        }
    }
}
