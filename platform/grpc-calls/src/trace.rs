//! W3C trace context, as it is propagated and stored with events.

use std::borrow::Cow;

use event_sourcing::trace::TraceContext as Fields;
use http::HeaderMap;
use tonic::metadata::MetadataMap;

use crate::metadata::{self, TRACEPARENT, TRACESTATE};

/// Size limit of a `tracestate` in the specification, in bytes.
const MAX_STATE_BYTES: usize = 512;
/// The length of a `traceparent` of version 00, and the minimum of later versions.
const PARENT_BYTES: usize = 55;

/// A well-formed trace context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    parent: String,
    state: Option<String>,
}

impl TraceContext {
    /// Reads `traceparent` and `tracestate`; the latter may be split over several entries. As the specification
    /// requires, a malformed parent makes the whole context absent, and a malformed state is dropped.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut parents = headers.get_all(TRACEPARENT).iter();
        let only = parents.next().filter(|_| parents.next().is_none())?;
        let parent = parent(only.to_str().ok()?)?;
        let states = headers.get_all(TRACESTATE).iter();
        let states: Vec<_> = states.filter_map(|part| part.to_str().ok()).collect();
        let state = states.join(",");
        let is_usable = !state.is_empty() && state.len() <= MAX_STATE_BYTES;
        Some(Self {
            parent: parent.into_owned(),
            state: is_usable.then_some(state),
        })
    }

    /// A context as events store it.
    #[must_use]
    pub fn from_fields(fields: &Fields) -> Option<Self> {
        Some(Self {
            parent: parent(fields.get(TRACEPARENT)?)?.into_owned(),
            state: fields
                .get(TRACESTATE)
                .filter(|state| state.len() <= MAX_STATE_BYTES)
                .cloned(),
        })
    }

    /// The context as events store it.
    #[must_use]
    pub fn to_fields(&self) -> Fields {
        self.parts()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// A context that asks receivers not to export their spans. `trace` and `span` are random.
    #[must_use]
    pub fn not_sampled(trace: u128, span: u64) -> Self {
        Self {
            // Zero is no id.
            parent: format!("00-{:032x}-{:016x}-00", trace | 1, span | 1),
            state: None,
        }
    }

    /// The parts, each with the name under which it is sent and stored.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let state = self.state.as_deref().map(|state| (TRACESTATE, state));
        std::iter::once((TRACEPARENT, self.parent.as_str())).chain(state)
    }

    /// Sets both parts in a request.
    pub fn insert(&self, metadata: &mut MetadataMap) {
        for (name, value) in self.parts() {
            metadata::insert(metadata, name, value);
        }
    }
}

/// A `traceparent` in the format of version 00, which later versions start with; `None` if it is malformed.
fn parent(text: &str) -> Option<Cow<'_, str>> {
    let (known, rest) = text.split_at_checked(PARENT_BYTES)?;
    let fields: Vec<&str> = known.split('-').collect();
    let [version, trace, span, flags] = fields[..] else {
        return None;
    };
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_field = |text: &str, length| text.len() == length && text.bytes().all(is_hex);
    let is_id = |text: &str, length| is_field(text, length) && text.bytes().any(|b| b != b'0');
    let is_well_formed =
        is_field(version, 2) && is_id(trace, 32) && is_id(span, 16) && is_field(flags, 2);
    if !is_well_formed || version == "ff" {
        return None;
    }
    if version == "00" {
        return rest.is_empty().then_some(Cow::Borrowed(known));
    }
    let is_later = rest.is_empty() || rest.starts_with('-');
    is_later.then(|| Cow::Owned(format!("00-{trace}-{span}-{flags}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn read(pairs: &[(&'static str, &str)]) -> Option<Vec<(String, String)>> {
        let mut map = MetadataMap::new();
        for (key, value) in pairs {
            map.append(*key, value.parse().expect("ASCII"));
        }
        let context = TraceContext::of(map.as_ref())?;
        let mut passed_on = MetadataMap::new();
        context.insert(&mut passed_on);
        let own = |text: &str| text.to_owned();
        let parts: Vec<_> = context.parts().map(|(k, v)| (own(k), own(v))).collect();
        for (name, value) in &parts {
            assert_eq!(metadata::get(&passed_on, name), Some(&**value));
        }
        Some(parts)
    }

    fn parent_of(text: &str) -> Option<String> {
        let parts = read(&[(TRACEPARENT, text)])?;
        parts.into_iter().next().map(|(_, value)| value)
    }

    #[test]
    fn a_well_formed_parent_is_propagated() {
        assert_eq!(parent_of(PARENT).as_deref(), Some(PARENT));
        let later = PARENT.replacen("00", "cc", 1);
        assert_eq!(parent_of(&later).as_deref(), Some(PARENT));
        assert_eq!(parent_of(&format!("{later}-more")).as_deref(), Some(PARENT));
    }

    #[test]
    fn a_malformed_parent_is_ignored() {
        for malformed in [
            String::new(),
            PARENT.to_uppercase(),
            PARENT.replace('-', "0"),
            PARENT.replacen("00", "ff", 1),
            format!("{PARENT}-more"),
            format!("{}x", PARENT.replacen("00", "cc", 1)),
            PARENT[..54].to_owned(),
            PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            PARENT.replace("00f067aa0ba902b7", &"0".repeat(16)),
            PARENT.replace("4bf9", "4bg9"),
        ] {
            assert_eq!(parent_of(&malformed), None, "{malformed}");
        }
        assert_eq!(read(&[(TRACEPARENT, PARENT), (TRACEPARENT, PARENT)]), None);
        assert_eq!(read(&[(TRACESTATE, "vendor=1")]), None);
    }

    #[test]
    fn a_state_is_propagated_with_its_parent_unless_it_is_too_long() {
        let state = |values: &[&str]| {
            let mut pairs = vec![(TRACEPARENT, PARENT)];
            pairs.extend(values.iter().map(|value| (TRACESTATE, *value)));
            let parts = read(&pairs).expect("a context");
            parts.into_iter().nth(1).map(|(_, value)| value)
        };
        assert_eq!(state(&["a=1"]).as_deref(), Some("a=1"));
        assert_eq!(state(&["a=1", "b=2"]).as_deref(), Some("a=1,b=2"));
        let longest = "x".repeat(MAX_STATE_BYTES);
        assert_eq!(state(&[&longest]), Some(longest.clone()));
        assert_eq!(state(&[&longest, "y"]), None);
        assert_eq!(state(&[""]), None);
        assert_eq!(state(&[]), None);
    }
}
