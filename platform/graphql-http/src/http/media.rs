//! The media types of GraphQL over HTTP.

use http::{HeaderMap, HeaderValue, header};

use super::accept::{Accept, media_type};

/// The media type of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// `application/json`: the status of a well-formed request is 200, whatever the response contains.
    Json,
    /// `application/graphql-response+json`: the status of a request that is not executed is 400.
    GraphqlResponse,
}

impl Media {
    #[must_use]
    pub const fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        })
    }

    /// The one of the two that the client prefers; `None` if it accepts neither. JSON without an Accept header, and for
    /// clients that accept everything.
    #[must_use]
    pub fn accepted_by(headers: &HeaderMap) -> Option<Self> {
        if !headers.contains_key(header::ACCEPT) {
            return Some(Self::Json);
        }
        let accept = Accept::of(headers);
        let json = accept.preference("application/json");
        let graphql = accept.preference("application/graphql-response+json");
        match (json, graphql) {
            (None, None) => None,
            (json, graphql) if json >= graphql => Some(Self::Json),
            _ => Some(Self::GraphqlResponse),
        }
    }
}

/// Whether this Content-Type is JSON, in UTF-8.
#[must_use]
pub fn is_json(content_type: Option<&HeaderValue>) -> bool {
    let text = content_type.and_then(|value| value.to_str().ok());
    let (media, parameters) = media_type(text.unwrap_or_default());
    let mut charsets = parameters.iter().filter(|(name, _)| name == "charset");
    let is_utf_8 = |charset: &str| {
        let charset = charset.trim_matches('"');
        ["utf-8", "utf8"]
            .iter()
            .any(|known| charset.eq_ignore_ascii_case(known))
    };
    media == "application/json" && charsets.all(|(_, charset)| is_utf_8(charset))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::{Media, is_json};

    fn with(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_client_chooses_the_media_type() {
        let graphql = Some(Media::GraphqlResponse);
        let json = Some(Media::Json);
        for (accept, media) in [
            ("application/graphql-response+json", graphql),
            (
                "application/graphql-response+json, application/json;q=0.9",
                graphql,
            ),
            ("application/json, application/graphql-response+json", json),
            (
                "application/json;q=0.5, application/graphql-response+json",
                graphql,
            ),
            ("application/json; charset=utf-8", json),
            ("*/*", json),
            ("text/html, application/*;q=0.8", json),
            ("text/html", None),
            ("application/json;q=0", None),
            // The more specific range decides.
            ("application/json;q=0, */*", graphql),
            ("*/*, application/json; Q=0", graphql),
            ("application/json;q=0, application/*;q=0.1", graphql),
            ("application/graphql-response+json;q=0, */*", json),
            ("application/graphql-response+json;q=0.5, */*", json),
            (
                "application/json;q=0, application/graphql-response+json;q=0, */*",
                None,
            ),
            ("application/*;q=0, */*", None),
            ("*/*, application/graphql-response+json", graphql),
            ("application/graphql-response+json, */*", graphql),
            (
                "application/json; charset=utf-8; q=0.5, application/graphql-response+json; Q=0.4",
                json,
            ),
            (
                "application/json; note=\"q=0, x;q=0\", application/graphql-response+json;q=0.9",
                json,
            ),
            (
                "application/json;q=nan, application/graphql-response+json;q=0.1",
                graphql,
            ),
        ] {
            assert_eq!(
                Media::accepted_by(&with(header::ACCEPT, accept)),
                media,
                "{accept}"
            );
        }
        assert_eq!(Media::accepted_by(&HeaderMap::new()), json);
    }

    #[test]
    fn only_json_in_utf_8_is_read() {
        let read = |value| is_json(Some(&HeaderValue::from_static(value)));
        assert!(read("application/json"));
        assert!(read("Application/JSON; charset=UTF-8"));
        assert!(read("application/json ; Charset=\"utf-8\""));
        assert!(!read("application/json; charset=latin1"));
        assert!(!read("application/json; charset=utf-8; charset=latin1"));
        assert!(!read("text/plain"));
        assert!(!read("application/x-www-form-urlencoded"));
        assert!(!is_json(None));
    }
}
