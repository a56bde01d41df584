//! The scalar `Decimal`: exact, because it is stored as text and never computed with here.
//!
//! A client sends a numeric string or a number. The JSON and GraphQL parsers convert numbers into doubles; a decimal of at
//! most 15 significant digits survives the conversion, and longer ones are replaced before parsing (see [`number_precision`](super::super::number_precision)).

use async_graphql::{InputValueError, InputValueResult, Number, Scalar, ScalarType, Value};

use super::super::number_precision::number_text;

/// A decimal number as text, such as `19.90`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal(String);

impl Decimal {
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }

    fn read(value: &Value) -> Option<String> {
        match value {
            Value::Number(number) => number_text(number),
            Value::String(text) if is_decimal(text) => Some(text.clone()),
            _ => None,
        }
    }
}

/// A decimal number, exact: a JSON number, in which 19.90 is written 19.9. A number or a numeric string is accepted as
/// input.
#[Scalar(name = "Decimal")]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        match Self::read(&value) {
            Some(text) => Ok(Self(text)),
            None => Err(InputValueError::expected_type(value)),
        }
    }

    fn is_valid(value: &Value) -> bool {
        Self::read(value).is_some()
    }

    fn to_value(&self) -> Value {
        let whole = self
            .0
            .split_once('.')
            .map_or(Some(self.0.as_str()), |(whole, fraction)| {
                fraction.bytes().all(|digit| digit == b'0').then_some(whole)
            });
        if let Some(Ok(whole)) = whole.map(str::parse::<i64>) {
            return Value::from(whole);
        }
        self.0
            .parse()
            .ok()
            .and_then(Number::from_f64)
            .map_or(Value::Null, Value::Number)
    }
}

fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    match unsigned.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(unsigned),
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{ScalarType, Value};

    use super::Decimal;

    fn from_json(json: &str) -> Option<String> {
        let json: serde_json::Value = serde_json::from_str(json).expect("JSON");
        let value = Value::from_json(json).expect("a value");
        Decimal::is_valid(&value).then(|| Decimal::parse(value).expect("valid").into_text())
    }

    #[test]
    fn numbers_and_numeric_strings_are_read_exactly() {
        for (json, text) in [
            ("19.9", "19.9"),
            ("19.90", "19.9"),
            ("0.1", "0.1"),
            ("999999.99", "999999.99"),
            ("19.905", "19.905"),
            ("1e2", "100"),
            ("-5", "-5"),
            ("1234567890123456789", "1234567890123456789"),
            ("\"19.90\"", "19.90"),
            ("\"-0.01\"", "-0.01"),
        ] {
            assert_eq!(from_json(json).as_deref(), Some(text), "{json}");
        }
    }

    #[test]
    fn other_types_are_rejected() {
        for json in [
            "true", "null", "\"\"", "\"abc\"", "\"1e2\"", "\" 1\"", "\"1.\"", "[1]", "{}",
        ] {
            assert_eq!(from_json(json), None, "{json}");
        }
    }

    #[test]
    fn it_is_written_as_an_exact_number() {
        for (text, json) in [
            ("19.90", "19.9"),
            ("20.00", "20"),
            ("0.01", "0.01"),
            ("999999.99", "999999.99"),
            ("99999999999.99", "99999999999.99"),
            ("-0.50", "-0.5"),
        ] {
            let value = Decimal::new(text.to_owned()).to_value();
            assert_eq!(value.to_string(), json);
        }
    }
}
