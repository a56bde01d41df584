//! Positions of the log in requests.

use event_sourcing::quoted;

use crate::errors::{ApiError, Code};

/// Parses a position, which is written in decimal digits.
///
/// # Errors
/// `BAD_REQUEST` with `name`, that of the header or the argument: the text is not a position.
pub fn parse_position(name: &str, text: &str) -> Result<u64, ApiError> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let position = text.parse::<u64>().ok().filter(|_| is_number);
    let position = position.filter(|position| i64::try_from(*position).is_ok());
    position.ok_or_else(|| {
        let given = quoted(text);
        let message = format!("{name} must be a decimal number up to 2^63 - 1, got {given}");
        ApiError::new(Code::BadRequest, message)
    })
}
