//! What the log says of requests.
//!
//! A line names no customer. What a client sent, such as a user id or an address, can stand in a message, so that a
//! message is cut before the value that it repeats.

use std::time::Duration;

/// A duration as `elapsed.ms`, to the microsecond.
#[must_use]
pub fn millis(duration: Duration) -> f64 {
    let micros = u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
    f64::from(micros) / 1_000.0
}

/// A message without the values that it repeats. All of ours name the rule first, and then what was given.
#[must_use]
pub fn without_values(message: &str) -> &str {
    message.split(", got ").next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{millis, without_values};

    #[test]
    fn a_message_keeps_its_rule_and_loses_what_was_given() {
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
