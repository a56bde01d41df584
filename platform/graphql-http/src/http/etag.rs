//! Entity tags of pages and of the responses to queries by GET: a client that has the same response gets 304 and no body.
//!
//! The tag is a digest of the body, which for a query includes the log position. It is weak, because a compressed response has other
//! bytes.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

use crate::hex::hex;

/// 128 bits: different bodies never share a tag.
const DIGEST_BYTES: usize = 16;

/// The tag of a body.
pub fn of(body: &[u8]) -> HeaderValue {
    of_digest(&hex(&Sha256::digest(body)))
}

/// The tag of a body with this SHA-256, in hexadecimal.
pub fn of_digest(digest: &str) -> HeaderValue {
    let tag = format!("W/\"{}\"", &digest[..2 * DIGEST_BYTES]);
    HeaderValue::try_from(tag).unwrap_or_else(|_| HeaderValue::from_static("W/\"\""))
}

/// Whether `If-None-Match` names the tag.
pub fn matches(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let strong = |tag: &[u8]| tag.strip_prefix(b"W/").unwrap_or(tag).to_owned();
    let wanted = strong(tag.as_bytes());
    let given = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = given.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    tags.any(|one| {
        let one = one.trim_ascii();
        one == b"*" || strong(one) == wanted
    })
}

/// Adds the tag to a response, and drops the body if the client has it.
pub fn conditional(mut response: Response, tag: HeaderValue, request: &HeaderMap) -> Response {
    if matches(request, &tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_TYPE);
    }
    let headers = response.headers_mut();
    headers.insert(header::ETAG, tag);
    // To be validated each time: only the gateway knows whether anything has changed.
    let validated = HeaderValue::from_static("private, no-cache");
    headers.insert(header::CACHE_CONTROL, validated);
    // For which pages it may be read, and how it is compressed.
    let varies = HeaderValue::from_static("origin, accept-encoding");
    headers.insert(header::VARY, varies);
    response
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::{matches, of};

    #[test]
    fn a_tag_matches_the_same_body_only() {
        let tag = of(b"{}");
        assert_ne!(tag, of(b"{ }"));
        let given = |text: String| {
            let value = HeaderValue::try_from(text).expect("a header");
            matches(
                &HeaderMap::from_iter([(header::IF_NONE_MATCH, value)]),
                &tag,
            )
        };
        let text = tag.to_str().expect("text").to_owned();
        assert!(given(text.clone()));
        assert!(given(format!("\"other\", {text}")));
        assert!(given(text.replace("W/", "")));
        assert!(given("*".to_owned()));
        assert!(!given("\"other\"".to_owned()));
        assert!(!matches(&HeaderMap::new(), &tag));
    }
}
