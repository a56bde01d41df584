//! The media types of GraphQL over HTTP.

use http::{HeaderMap, HeaderValue, header};

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
        let mut best: Option<(Self, f32)> = None;
        let mut is_given = false;
        for value in headers.get_all(header::ACCEPT) {
            is_given = true;
            for range in value.to_str().unwrap_or_default().split(',') {
                let Some((media, quality)) = accepted(range) else {
                    continue;
                };
                if quality > 0.0 && best.is_none_or(|(_, known)| quality > known) {
                    best = Some((media, quality));
                }
            }
        }
        if is_given {
            best.map(|(media, _)| media)
        } else {
            Some(Self::Json)
        }
    }
}

fn accepted(range: &str) -> Option<(Media, f32)> {
    let mut parts = range.split(';').map(str::trim);
    let media = match parts.next()?.to_ascii_lowercase().as_str() {
        "application/graphql-response+json" => Media::GraphqlResponse,
        "application/json" | "application/*" | "*/*" => Media::Json,
        _ => return None,
    };
    let quality = parts.find_map(|part| part.strip_prefix("q="));
    Some((media, quality.map_or(1.0, |q| q.parse().unwrap_or(0.0))))
}

/// Whether a body is JSON, in UTF-8.
#[must_use]
pub fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return false;
    };
    let text = value.to_str().unwrap_or_default().to_ascii_lowercase();
    let mut parts = text.split(';').map(str::trim);
    let is_json = parts.next() == Some("application/json");
    let charset = parts.find_map(|part| part.strip_prefix("charset="));
    is_json && charset.is_none_or(|charset| matches!(charset.trim_matches('"'), "utf-8" | "utf8"))
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
        let read = |value| is_json(&with(header::CONTENT_TYPE, value));
        assert!(read("application/json"));
        assert!(read("Application/JSON; charset=UTF-8"));
        assert!(!read("application/json; charset=latin1"));
        assert!(!read("text/plain"));
        assert!(!read("application/x-www-form-urlencoded"));
        assert!(!is_json(&HeaderMap::new()));
    }
}
