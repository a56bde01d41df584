//! Media types with their parameters, and the header Accept (RFC 9110, sections 8.3.1 and 12.5.1).

use std::cmp::Reverse;

use http::{HeaderMap, header};

/// The quality of a range without a weight, in thousandths.
const FULL_QUALITY: u16 = 1_000;

/// The media ranges that a client accepts.
#[derive(Debug)]
pub struct Accept(Vec<Range>);

#[derive(Debug)]
struct Range {
    media: String,
    quality: u16,
}

/// How a client ranks a media type that it accepts: the greater one is preferred. Of equal weights that of the more specific
/// range, then that of the earlier range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Preference {
    quality: u16,
    specificity: u8,
    place: Reverse<usize>,
}

impl Accept {
    pub fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::ACCEPT).into_iter();
        let texts = values.filter_map(|value| value.to_str().ok());
        Self(
            texts
                .flat_map(|text| split(text, ','))
                .filter_map(range)
                .collect(),
        )
    }

    /// Whether the client names and accepts the media type itself: a wildcard is not enough.
    pub fn names(&self, media: &str) -> bool {
        let mut ranges = self.0.iter();
        ranges.any(|range| range.media == media && range.quality > 0)
    }

    /// The client's preference for a media type; `None` if it does not accept it. The most specific range that matches
    /// decides, so that a weight of 0 excludes a media type from a wildcard. Parameters other than the weight are ignored: of
    /// ranges that differ only in them, the highest weight counts.
    pub fn preference(&self, media: &str) -> Option<Preference> {
        let ranges = self.0.iter().enumerate();
        let matching = ranges.filter_map(|(place, range)| {
            let specificity = specificity(&range.media, media)?;
            Some((specificity, range.quality, Reverse(place)))
        });
        let (specificity, quality, place) = matching.max()?;
        (quality > 0).then_some(Preference {
            quality,
            specificity,
            place,
        })
    }
}

/// How exactly a range names a media type; `None` if it does not match.
fn specificity(range: &str, media: &str) -> Option<u8> {
    let (kind, _) = media.split_once('/')?;
    match range.split_once('/')? {
        _ if range == media => Some(2),
        (of, "*") if of == kind => Some(1),
        ("*", "*") => Some(0),
        _ => None,
    }
}

/// A range with a weight that is none is ignored.
fn range(text: &str) -> Option<Range> {
    let (media, parameters) = media_type(text);
    let weight = parameters.into_iter().find(|(name, _)| name == "q");
    let quality = weight.map_or(Some(FULL_QUALITY), |(_, weight)| quality(weight))?;
    Some(Range { media, quality })
}

/// A weight in thousandths. Some clients omit the 0 before the point.
fn quality(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if text.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths = format!("{fraction:0<3}")[..3].parse().ok()?;
    match whole {
        "" | "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(FULL_QUALITY),
        _ => None,
    }
}

/// A media type in lower case, and its parameters with their names in lower case.
pub fn media_type(text: &str) -> (String, Vec<(String, &str)>) {
    let mut parts = split(text, ';');
    let media = parts.next().unwrap_or_default();
    let parameters = parts.filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        Some((name.trim().to_ascii_lowercase(), value.trim()))
    });
    (media.trim().to_ascii_lowercase(), parameters.collect())
}

/// Splits at a separator outside of quoted strings.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |next| {
        if is_escaped {
            is_escaped = false;
            return false;
        }
        match next {
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ => return next == separator && !is_quoted,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::{Accept, quality};

    fn accept(text: &'static str) -> Accept {
        let value = HeaderValue::from_static(text);
        Accept::of(&HeaderMap::from_iter([(header::ACCEPT, value)]))
    }

    #[test]
    fn only_a_range_of_the_media_type_itself_with_a_weight_names_it() {
        for (text, expected) in [
            ("text/event-stream", true),
            ("application/json, Text/Event-Stream; q=0.5", true),
            ("text/event-stream;q=0.001", true),
            ("text/event-stream; charset=utf-8; Q=1.000", true),
            ("text/event-stream;q=0", false),
            ("text/event-stream ; Q=0.0", false),
            ("text/event-stream; charset=utf-8; q=0", false),
            ("application/x; note=\"a, text/event-stream\"", false),
            ("application/x; note=\"\\\", text/event-stream\"", false),
            ("text/*, */*", false),
            ("", false),
        ] {
            assert_eq!(accept(text).names("text/event-stream"), expected, "{text}");
        }
    }

    #[test]
    fn a_weight_is_a_number_up_to_1() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1", Some(1_000)),
            ("1.000", Some(1_000)),
            ("0.5", Some(500)),
            (".2", Some(200)),
            ("0.3333", Some(333)),
            ("", None),
            ("1.1", None),
            ("2", None),
            ("-1", None),
            ("nan", None),
            ("0.x", None),
        ] {
            assert_eq!(quality(text), expected, "{text}");
        }
    }
}
