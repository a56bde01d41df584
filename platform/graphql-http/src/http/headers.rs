//! Headers that a request has at most once.

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
