//! The scalar `DateTime`.

use std::fmt;

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{DateTime as Chrono, SecondsFormat, Utc};

/// A moment, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime(pub Chrono<Utc>);

/// A moment in UTC, as RFC 3339 text with microseconds, such as `2026-11-23T00:32:11.500000Z`. Any offset is accepted as
/// input.
#[Scalar(name = "DateTime")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Ok(Self(Chrono::parse_from_rfc3339(text)?.to_utc())),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.to_string())
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{ScalarType, Value};

    use super::DateTime;

    #[test]
    fn it_is_rfc_3339_in_utc() {
        let value = Value::from("2026-11-23T01:32:11.5+01:00");
        let time = DateTime::parse(value).expect("a time");
        assert_eq!(time.to_value(), Value::from("2026-11-23T00:32:11.500000Z"));
        assert!(DateTime::parse(Value::from(1)).is_err());
    }
}
