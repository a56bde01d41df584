//! Keeps the JSON and GraphQL parsers from rounding a number into one that a rule would accept.
//!
//! Both parsers turn a number into a double. A number of at most 15 significant digits is what the double's
//! shortest text says, so nothing is lost. A longer one may be: `19.990000000000000001` would become 19.99, a
//! price of two decimals, which it is not. Such a number is replaced in the text by one of 14 significant digits
//! beside it, here 19.990000000001, which has more decimals than the rule allows, as the number itself has.

use std::borrow::Cow;
use std::ops::Range;

use super::lexer::{Lexer, Syntax, Token};

/// What every double keeps.
const SAFE_DIGITS: usize = 15;

/// The text with numbers that no longer look rounder than they are.
#[must_use]
pub fn preserve(text: &str, syntax: Syntax) -> Cow<'_, str> {
    let mut changed = String::new();
    let mut kept = 0;
    for token in Lexer::new(text, syntax) {
        if let Token::Number(Range { start, end }) = token
            && end - start > SAFE_DIGITS
            && let Some(replacement) = unrounded(&text[start..end])
        {
            changed += &text[kept..start];
            changed += &replacement;
            kept = end;
        }
    }
    if kept == 0 {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(changed + &text[kept..])
    }
}

/// The replacement of a number that its double makes rounder.
fn unrounded(number: &str) -> Option<String> {
    // Whole numbers are kept as such, or are far out of every range.
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
    // A number so high is out of every range.
    let zeros = decimals.checked_sub(fraction.len() + 1)?;
    Some(format!("{whole}.{fraction}{}1", "0".repeat(zeros)))
}

/// The significant digits and the power of ten of the last of them.
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
    use super::{Syntax, preserve};

    #[test]
    fn a_number_that_would_be_rounded_keeps_its_decimals() {
        let json = r#"{"price": 19.990000000000000001, "n": 1}"#;
        let kept = preserve(json, Syntax::Json);
        assert_eq!(kept, r#"{"price": 19.990000000001, "n": 1}"#);
        let query = "{ p(a: 0.010000000000000000001, b: \"0.010000000000000000001\") }";
        let kept = preserve(query, Syntax::GraphQl);
        assert!(kept.starts_with("{ p(a: 0.0100000000001,"));
        assert!(kept.ends_with("b: \"0.010000000000000000001\") }"));
    }

    #[test]
    fn exact_numbers_are_left_alone() {
        for number in [
            "19.99",
            "19.9900000000000000000",
            "000000000000000019.99",
            "1234567890123456789",
            "0.0000000000000000000001",
            "1.000000000000000000e2",
            "123456789.123456789123456789",
        ] {
            assert_eq!(preserve(number, Syntax::Json), number);
        }
    }
}
