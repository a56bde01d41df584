//! Headers that a request has at most once, and their values.

use event_sourcing::quoted;
use http::header::AsHeaderName;
use http::{HeaderMap, HeaderValue};

use crate::errors::{ApiError, Code};

/// The value of a header. Which one of several counts would be a guess, and a proxy may have used another one.
///
/// # Errors
/// There is more than one. The error has the name as it is `shown` in the documentation.
pub fn only<'a>(
    headers: &'a HeaderMap,
    name: impl AsHeaderName,
    shown: &str,
) -> Result<Option<&'a HeaderValue>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        let message = format!("there is more than one {shown}");
        return Err(ApiError::new(Code::BadRequest, message));
    }
    Ok(value)
}

/// A position of the log, as decimal digits.
///
/// # Errors
/// The value is none. The error has the name of the header as it is `shown` in the documentation.
pub fn position(value: &HeaderValue, shown: &str) -> Result<u64, ApiError> {
    let text = String::from_utf8_lossy(value.as_bytes());
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let position = text.parse::<u64>().ok().filter(|_| is_number);
    let position = position.filter(|position| i64::try_from(*position).is_ok());
    position.ok_or_else(|| {
        let given = quoted(&text);
        let message = format!("{shown} must be a decimal number up to 2^63 - 1, got {given}");
        ApiError::new(Code::BadRequest, message)
    })
}
