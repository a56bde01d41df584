//! Headers that a request has at most once, and their values.

use http::header::AsHeaderName;
use http::{HeaderMap, HeaderValue};

use crate::errors::{ApiError, Code};
use crate::position::parse_position;

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

/// The position of the log in a header's value.
///
/// # Errors
/// The value is none. The error has the name of the header as it is `shown` in the documentation.
pub fn position(value: &HeaderValue, shown: &str) -> Result<u64, ApiError> {
    parse_position(shown, &String::from_utf8_lossy(value.as_bytes()))
}
