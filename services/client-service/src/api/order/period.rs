//! The orders of a period.

use contract::query::OrderPeriod;
use graphql_http::DateTime;

use super::super::argument_errors::ArgumentError;
use super::super::convert::from_micros;

/// Orders created at `created_after` or later, and before `created_before`.
pub fn period(
    created_after: Option<DateTime>,
    created_before: Option<DateTime>,
) -> Option<OrderPeriod> {
    (created_after.is_some() || created_before.is_some()).then(|| OrderPeriod {
        created_from_micros: created_after.map(micros),
        created_before_micros: created_before.map(micros),
    })
}

/// # Errors
/// The period ends before it begins.
pub fn in_order(period: Option<OrderPeriod>) -> Result<(), ArgumentError> {
    let period = period.unwrap_or_default();
    match (period.created_from_micros, period.created_before_micros) {
        (Some(from), Some(before)) if from > before => {
            let (from, before) = (shown(from), shown(before));
            let rule = format!("must not be after createdBefore {before}, got {from}");
            Err(ArgumentError::new("createdAfter", rule))
        }
        _ => Ok(()),
    }
}

fn shown(micros: i64) -> String {
    from_micros(micros).map_or_else(|_| micros.to_string(), |time| time.to_string())
}

/// The first whole microsecond at this time or later. Orders are created at whole ones, so both bounds stay exact.
fn micros(time: DateTime) -> i64 {
    let is_between = !time.0.timestamp_subsec_nanos().is_multiple_of(1_000);
    time.0.timestamp_micros() + i64::from(is_between)
}

#[cfg(test)]
mod tests {
    use async_graphql::{ScalarType, Value};
    use contract::query::OrderPeriod;

    use super::{in_order, period};
    use graphql_http::{ApiError, DateTime};

    #[expect(clippy::unnecessary_wraps, reason = "the type of the argument")]
    fn time(text: &str) -> Option<DateTime> {
        Some(DateTime::parse(Value::from(text)).expect("a time"))
    }

    #[test]
    fn bounds_are_whole_microseconds() {
        assert_eq!(period(None, None), None);
        assert_eq!(in_order(None), Ok(()));
        let expected = OrderPeriod {
            created_from_micros: Some(1),
            created_before_micros: Some(2),
        };
        let (from, before) = (
            "1970-01-01T00:00:00.0000005Z",
            "1970-01-01T01:00:00.000002+01:00",
        );
        assert_eq!(period(time(from), time(before)), Some(expected));
        let error = in_order(period(time(before), time(from))).expect_err("in the wrong order");
        let error = ApiError::from(error);
        assert_eq!(error.field.as_deref(), Some("createdAfter"));
        assert_eq!(
            error.message,
            "createdAfter must not be after createdBefore 1970-01-01T00:00:00.000001Z, got \
             1970-01-01T00:00:00.000002Z"
        );
        assert_eq!(in_order(period(time(from), time(from))), Ok(()));
    }
}
