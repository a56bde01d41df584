//! Helpers for log lines about requests.
//!
//! Log lines contain no customer data. A message can repeat a value from a client, such as a user id or an address,
//! so it is truncated before that value.

use std::time::Duration;

/// A duration as `elapsed.ms`, to the microsecond.
#[must_use]
pub fn millis(duration: Duration) -> f64 {
    let micros = u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
    f64::from(micros) / 1_000.0
}

/// A message without the values from the client. All our messages state the rule first, then `, got ` and the value.
#[must_use]
pub fn without_values(message: &str) -> &str {
    message.split(", got ").next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{millis, without_values};

    #[test]
    fn a_message_is_truncated_before_the_given_value() {
        let message =
            "shippingAddress.city must have at most 255 characters, got \"Elm, got Street\"";
        let rule = "shippingAddress.city must have at most 255 characters";
        assert_eq!(without_values(message), rule);
        assert_eq!(without_values("overloaded"), "overloaded");
    }

    #[test]
    fn milliseconds_have_three_decimals() {
        assert!((millis(Duration::from_nanos(1_234_567)) - 1.234).abs() < 1e-9);
    }
}
