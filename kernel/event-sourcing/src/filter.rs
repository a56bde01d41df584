//! Selects the events of the log that a reader gets.

use crate::event::StoredEvent;

/// Selects events by event type, and streams by stream type. An event matches if either selects it.
///
/// A reader that folds events selects the *streams* that it follows, without the event types that it knows and ignores.
/// It then also gets events of unknown types in those streams, and can stop. A filter by event type never returns an
/// unknown type: use it for readers that may skip what they do not know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    event_types: Vec<&'static str>,
    streams: Vec<StreamFilter>,
}

/// Streams of one type, except the ignored event types.
#[derive(Clone, Debug, PartialEq, Eq)]
struct StreamFilter {
    stream_type: &'static str,
    ignored: Vec<&'static str>,
}

impl Filter {
    /// All events.
    pub const ALL: Self = Self {
        event_types: Vec::new(),
        streams: Vec::new(),
    };

    /// Events of these types in any stream; an empty list means all events.
    #[must_use]
    pub fn of_types(event_types: &[&'static str]) -> Self {
        Self {
            event_types: event_types.to_vec(),
            streams: Vec::new(),
        }
    }

    /// All events in streams of these types, including unknown event types; an empty list means all events.
    #[must_use]
    pub fn of_streams(stream_types: &[&'static str]) -> Self {
        let streams = stream_types.iter();
        Self {
            event_types: Vec::new(),
            streams: streams
                .map(|stream_type| StreamFilter {
                    stream_type,
                    ignored: Vec::new(),
                })
                .collect(),
        }
    }

    /// Excludes these event types in the streams selected so far. Events selected by event type still match.
    #[must_use]
    pub fn ignoring(mut self, event_types: &[&'static str]) -> Self {
        for stream in &mut self.streams {
            stream.ignored.extend(event_types);
        }
        self
    }

    /// Excludes all event types of `E` except these in the streams selected so far. Events of unknown types still
    /// match.
    ///
    /// # Panics
    /// One of these is not a type of `E`: a misspelt name would silently exclude an event.
    #[must_use]
    pub(crate) fn only_of<E: StoredEvent>(self, event_types: &[&'static str]) -> Self {
        let mut names = event_types.iter();
        if let Some(unknown) = names.find(|name| !E::TYPES.contains(name)) {
            panic!(
                "{unknown} is not one of the handler's event types: {:?}",
                E::TYPES
            );
        }
        let known = E::TYPES.iter();
        let others: Vec<_> = known
            .filter(|known| !event_types.contains(known))
            .copied()
            .collect();
        self.ignoring(&others)
    }

    /// The union of both filters.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        if self.is_all() || other.is_all() {
            return Self::ALL;
        }
        for event_type in other.event_types {
            if !self.event_types.contains(&event_type) {
                self.event_types.push(event_type);
            }
        }
        for stream in other.streams {
            let known = self.streams.iter_mut();
            let mut known = known.filter(|known| known.stream_type == stream.stream_type);
            // Each stream type is listed once: an event type stays ignored only if both filters ignore it.
            match known.next() {
                Some(known) => known
                    .ignored
                    .retain(|ignored| stream.ignored.contains(ignored)),
                None => self.streams.push(stream),
            }
        }
        self
    }

    /// The union of the filters; without any, all events.
    #[must_use]
    pub fn union(filters: impl IntoIterator<Item = Self>) -> Self {
        filters.into_iter().reduce(Self::or).unwrap_or_default()
    }

    /// Whether both select streams of one type.
    pub(crate) fn shares_stream_type(&self, other: &Self) -> bool {
        let streams = self.streams.iter();
        let mut types = streams.map(|stream| stream.stream_type);
        types.any(|stream_type| {
            let mut others = other.streams.iter();
            others.any(|other| other.stream_type == stream_type)
        })
    }

    /// Whether every event matches.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.event_types.is_empty() && self.streams.is_empty()
    }

    /// Whether an event of this type matches in a stream of that type.
    #[must_use]
    pub fn matches(&self, stream_type: &str, event_type: &str) -> bool {
        self.is_all()
            || self.event_types.contains(&event_type)
            || self.streams.iter().any(|stream| {
                stream.stream_type == stream_type && !stream.ignored.contains(&event_type)
            })
    }

    /// Whether every event that matches `other` also matches this filter.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        if self.is_all() {
            return true;
        }
        let has = |event_type| self.event_types.contains(event_type);
        !other.is_all()
            && other.event_types.iter().all(has)
            && other.streams.iter().all(|wanted| {
                self.streams.iter().any(|stream| {
                    let mut ignored = stream.ignored.iter();
                    stream.stream_type == wanted.stream_type
                        && ignored.all(|ignored| has(ignored) || wanted.ignored.contains(ignored))
                })
            })
    }

    /// The event types that match in any stream.
    #[must_use]
    pub fn event_types(&self) -> &[&'static str] {
        &self.event_types
    }

    /// The stream types that it selects, each once.
    #[must_use]
    pub fn stream_types(&self) -> Vec<&'static str> {
        let streams = self.streams.iter();
        streams.map(|stream| stream.stream_type).collect()
    }

    /// The excluded pairs of stream type and event type.
    pub fn ignored(&self) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
        self.streams.iter().flat_map(|stream| {
            let ignored = stream.ignored.iter();
            ignored.map(|event_type| (stream.stream_type, *event_type))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders() -> Filter {
        Filter::of_streams(&["order"]).ignoring(&["Viewed"])
    }

    #[test]
    fn a_stream_type_matches_unknown_event_types_and_not_ignored_ones() {
        let filter = orders().or(Filter::of_types(&["Viewed by staff"]));
        assert!(filter.matches("order", "Placed"));
        assert!(filter.matches("order", "of next year"));
        assert!(!filter.matches("order", "Viewed"));
        assert!(!filter.matches("product", "Placed"));
        assert!(filter.matches("product", "Viewed by staff"));
        assert!(Filter::ALL.matches("order", "Viewed"));
    }

    #[test]
    fn a_union_matches_what_either_filter_matches() {
        let viewed = Filter::of_streams(&["order", "product"]).ignoring(&["Placed"]);
        let both = orders().or(viewed.clone());
        assert!(both.matches("order", "Placed") && both.matches("order", "Viewed"));
        assert!(!both.matches("product", "Placed"));
        assert!(both.covers(&orders()) && both.covers(&viewed));
        assert!(orders().or(Filter::ALL).is_all());
    }

    #[test]
    fn a_filter_covers_its_subsets() {
        let all_orders = Filter::of_streams(&["order"]);
        assert!(Filter::ALL.covers(&all_orders));
        assert!(!all_orders.covers(&Filter::ALL));
        assert!(all_orders.covers(&orders()));
        assert!(!orders().covers(&all_orders));
        assert!(
            orders()
                .or(Filter::of_types(&["Viewed"]))
                .covers(&all_orders)
        );
        // An event type may occur in any stream.
        assert!(!all_orders.covers(&Filter::of_types(&["Placed"])));
        assert!(Filter::of_types(&["A", "B"]).covers(&Filter::of_types(&["B"])));
        assert!(!Filter::of_types(&["A"]).covers(&orders()));
    }
}
