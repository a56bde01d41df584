//! The token of a request (RFC 6750, section 2.1).

use http::HeaderMap;
use http::header::AUTHORIZATION;

/// The header is not one bearer token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotBearer;

/// The token in the header `Authorization`, if there is one. An empty header has none: many clients send one for a visitor
/// who is not signed in.
///
/// # Errors
/// There are several, or of another scheme.
pub fn bearer(headers: &HeaderMap) -> Result<Option<&str>, NotBearer> {
    let mut values = headers.get_all(AUTHORIZATION).into_iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(NotBearer);
    }
    let text = value.to_str().map_err(|_| NotBearer)?;
    bearer_of(text)
}

/// The token in the value of such a header; none if it is empty.
///
/// # Errors
/// It is of another scheme, or the scheme has no token.
pub fn bearer_of(value: &str) -> Result<Option<&str>, NotBearer> {
    let value = value.trim();
    if value.is_empty() {
        return Ok(None);
    }
    let (scheme, token) = value.split_once(' ').ok_or(NotBearer)?;
    let token = token.trim_start();
    let is_bearer = scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty();
    is_bearer.then_some(Some(token)).ok_or(NotBearer)
}

#[cfg(test)]
mod tests {
    use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

    use super::{NotBearer, bearer};

    fn of(values: &[&'static str]) -> Result<Option<String>, NotBearer> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_static(value));
        }
        bearer(&headers).map(|token| token.map(str::to_owned))
    }

    #[test]
    fn a_request_has_one_bearer_token_or_none() {
        for none in [&[][..], &[""], &["  "]] {
            assert_eq!(of(none), Ok(None), "{none:?}");
        }
        for one in ["Bearer abc", "bearer abc", "BEARER  abc "] {
            assert_eq!(of(&[one]), Ok(Some("abc".to_owned())), "{one:?}");
        }
        for other in ["abc", "Bearer", "Bearer ", "Basic YTpi", "Bearerabc"] {
            assert_eq!(of(&[other]), Err(NotBearer), "{other:?}");
        }
        assert_eq!(of(&["Bearer abc", "Bearer abc"]), Err(NotBearer));
        assert_eq!(of(&["", "Bearer abc"]), Err(NotBearer));
    }
}
