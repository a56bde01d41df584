//! Prevents the parsers of JSON and GraphQL from rounding an invalid number into a valid one.
//!
//! Both parse a number into a double. At most 15 significant digits survive the conversion to a double and back to its
//! shortest text. A longer number may be rounded: `19.990000000000000001` would become 19.99, a valid price of two decimals.
//! Such a number is replaced by a neighbour with 14 significant digits, here 19.990000000001, which is still neither an Int
//! nor a whole number of cents; and its original text is recorded, so that a money field can reject it as written.

use std::borrow::Cow;
use std::iter;
use std::ops::Range;

/// The decimal digits that every double preserves.
const SAFE_DIGITS: usize = 15;

/// The numbers of a request that were replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplacedNumbers(Vec<ReplacedNumber>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct ReplacedNumber {
    written: Box<str>,
    replacement: Box<str>,
}

impl ReplacedNumbers {
    /// Records and returns the replacement of this number, if a double would round it to fewer decimals.
    pub fn replace(&mut self, number: &str) -> Option<String> {
        let replacement = unrounded(number)?;
        self.0.push(ReplacedNumber {
            written: number.into(),
            replacement: replacement.as_str().into(),
        });
        Some(replacement)
    }

    /// The original text of a replacement.
    #[must_use]
    pub fn written(&self, replacement: &str) -> Option<&str> {
        let found = self.0.iter().find(|it| &*it.replacement == replacement);
        found.map(|it| &*it.written)
    }

    /// Whether nothing was replaced.
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
            && let Some(replacement) = replaced.replace(&text[start..end])
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

/// The replacement of a number, if its double has at most two decimals but the number itself more.
fn unrounded(number: &str) -> Option<String> {
    // Whole numbers are parsed as integers, or are far beyond every range.
    if !number.contains(['.', 'e', 'E']) {
        return None;
    }
    let double: f64 = number
        .parse()
        .ok()
        .filter(|double: &f64| double.is_finite())?;
    let shortest = double.to_string();
    let (whole, fraction) = shortest.split_once('.').unwrap_or((&shortest, ""));
    if fraction.len() > 2 || digits(number)? == digits(&shortest)? {
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
    use super::{ReplacedNumbers, numbers, preserve, unrounded};

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
        let replacement = unrounded("0.010000000000000000001");
        assert_eq!(replacement.as_deref(), Some("0.0100000000001"));
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
            "123456789.123456789123456789",
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
