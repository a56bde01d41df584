//! Entity tags of the responses to queries by GET: a client that has the same response gets 304 and no body.
//!
//! The tag is a digest of the body, which includes the log position. It is weak, because a compressed response has other
//! bytes.

use http::{HeaderMap, HeaderValue, header};
use sha2::{Digest, Sha256};

use crate::hex::hex;

/// 128 bits: different bodies never share a tag.
const DIGEST_BYTES: usize = 16;

/// The tag of a body.
pub fn of(body: &[u8]) -> HeaderValue {
    let digest = Sha256::digest(body);
    let tag = format!("W/\"{}\"", hex(&digest[..DIGEST_BYTES]));
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
