//! Posts events to external endpoints, one event handler per endpoint.

use domain::category::CategoryEvent;
use domain::order::OrderEvent;
use domain::product::ProductEvent;
use domain::stock::StockEvent;
use event_sourcing::handler::{Delivery, EventHandler, HandlerError, Reactions, Start};
use event_sourcing::{Envelope, Filter, StoredEvent};
use platform::fields;
use providers::WebhookPublisher;
use sagas::CallError;

use super::retryable;

/// The event types that an endpoint can subscribe to. Events about unique names, memberships and sagas are internal.
#[must_use]
pub fn event_types() -> Vec<&'static str> {
    [
        CategoryEvent::TYPES,
        ProductEvent::TYPES,
        StockEvent::TYPES,
        OrderEvent::TYPES,
    ]
    .concat()
}

/// Posts events to one endpoint.
#[derive(Debug)]
pub struct Webhook(WebhookPublisher);

impl Webhook {
    #[must_use]
    pub fn new(publisher: WebhookPublisher) -> Self {
        // A counter that first appears with value 1 hides its first event from `rate()`.
        declined(publisher.name()).increment(0);
        Self(publisher)
    }

    async fn on_event(&self, event: &Envelope, _: Delivery<'_>) -> Result<(), HandlerError> {
        match self.0.deliver(event).await {
            // The endpoint declined permanently (HTTP 410): a parked stream would never resume.
            Err(CallError::Declined(reason)) => {
                declined(self.0.name()).increment(1);
                tracing::error!(
                    { fields::WEBHOOK } = self.0.name(),
                    { fields::POSITION } = event.position.0,
                    { fields::REASON } = reason,
                    "a webhook endpoint declined an event permanently; the event is dropped"
                );
                Ok(())
            }
            Err(failure) => Err(retryable(&failure)),
            Ok(()) => Ok(()),
        }
    }
}

fn declined(endpoint: &str) -> metrics::Counter {
    metrics::counter!("webhooks_declined_total", "endpoint" => endpoint.to_owned())
}

impl EventHandler for Webhook {
    const NAME: &'static str = "webhooks";
    /// A new endpoint receives events from the current position on.
    const START: Start = Start::Now;

    fn instance(&self) -> Option<&str> {
        Some(self.0.name())
    }

    fn reactions(&self, on: &mut Reactions<Self>) {
        let mut wanted = event_types();
        wanted.retain(|event_type| self.0.selects(event_type));
        on.stored(Filter::of_types(&wanted), Self::on_event);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use domain::category::{CategoryNameEvent, MembershipEvent};

    use super::*;

    /// The domain has a fixture of each event, so they are all of its events.
    #[test]
    fn each_event_of_the_domain_is_published_or_known_to_be_internal() {
        let internal = [CategoryNameEvent::TYPES, MembershipEvent::TYPES].concat();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../domain/tests/fixtures");
        let mut count = 0;
        for entry in fs::read_dir(folder).expect("the fixtures") {
            let file = entry.expect("an entry").file_name();
            let file = file.to_string_lossy();
            let Some((name, _)) = file.split_once(".v") else {
                continue;
            };
            count += 1;
            let is_published = event_types().contains(&name);
            assert!(
                is_published != internal.contains(&name),
                "is {name} published?"
            );
        }
        assert!(count >= event_types().len(), "{count} fixtures");
    }
}
