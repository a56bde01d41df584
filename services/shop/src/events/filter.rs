//! Which events `shop events tail` prints.

use clap::ArgMatches;
use event_sourcing::StreamId;

use crate::event_log::EventView;

/// All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    pub stream: Option<StreamId>,
    pub stream_type: Option<String>,
    pub event_types: Vec<String>,
    pub correlation_id: Option<String>,
    pub order: Option<String>,
}

impl EventFilter {
    pub fn of(arguments: &ArgMatches) -> Self {
        let text = |name: &str| arguments.get_one::<String>(name).cloned();
        let types = arguments.get_many::<String>("type").unwrap_or_default();
        Self {
            stream: arguments.get_one("stream").cloned(),
            stream_type: text("stream-type"),
            event_types: types.cloned().collect(),
            correlation_id: text("correlation-id"),
            order: text("order"),
        }
    }

    pub fn matches(&self, event: &EventView) -> bool {
        let of_stream = |stream: &StreamId| {
            (stream.aggregate_type(), stream.aggregate_id())
                == (event.stream_type.as_str(), event.stream_id.as_str())
        };
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.is_none() || wanted.as_deref() == found
        };
        self.stream.as_ref().is_none_or(of_stream)
            && is(&self.stream_type, Some(&event.stream_type))
            && (self.event_types.is_empty() || self.event_types.contains(&event.event_type))
            && is(&self.correlation_id, event.correlation_id())
            && is(&self.order, event.order_id())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use event_sourcing::envelope::DecodedOnce;
    use event_sourcing::store::Entry;
    use event_sourcing::{Envelope, Metadata, Position, Version};

    use super::*;

    fn event(stream: &str, event_type: &str, data: &str, request: Option<&str>) -> EventView {
        let stream = crate::terminal::parse_stream(stream).expect("a stream");
        EventView::of(&Entry::Event(Arc::new(Envelope {
            position: Position(1),
            stream,
            version: Version(1),
            event_id: uuid::Uuid::nil(),
            command_id: None,
            event_type: event_type.to_owned(),
            schema_version: 1,
            data: data.to_owned(),
            metadata: Metadata {
                correlation_id: request.map(str::to_owned),
                ..Metadata::default()
            },
            recorded_at: chrono::DateTime::UNIX_EPOCH,
            decoded: DecodedOnce::default(),
        })))
    }

    #[test]
    fn each_condition_must_hold() {
        let shipped = event("order/o", "OrderShipped", "{}", Some("request-1"));
        let stream = Some(StreamId::new("order", "o"));
        let all = EventFilter::default();
        assert!(all.matches(&shipped));
        let filter = EventFilter {
            stream,
            stream_type: Some("order".to_owned()),
            event_types: vec!["OrderShipped".to_owned()],
            correlation_id: Some("request-1".to_owned()),
            order: Some("o".to_owned()),
        };
        assert!(filter.matches(&shipped));
        for other in [
            event("order/p", "OrderShipped", "{}", Some("request-1")),
            event("order/o", "OrderDelivered", "{}", Some("request-1")),
            event("order/o", "OrderShipped", "{}", Some("request-2")),
            event("order/o", "OrderShipped", "{}", None),
        ] {
            assert!(!filter.matches(&other), "{other:?}");
        }
    }

    #[test]
    fn an_order_has_its_saga_and_its_stock() {
        let of_order = EventFilter {
            order: Some("o".to_owned()),
            ..EventFilter::default()
        };
        let reserved = r#"{"order_id":"o"}"#;
        assert!(of_order.matches(&event("stock/s", "StockReserved", reserved, None)));
        let saga = r#"{"saga_id":"x","subject":"o"}"#;
        assert!(of_order.matches(&event("order_saga/x", "SagaCompleted", saga, None)));
        assert!(!of_order.matches(&event("stock/s", "StockUpdated", "{}", None)));
    }
}
