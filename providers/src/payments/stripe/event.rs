//! The events of Stripe's webhooks: which payment each is about.

use sagas::OperationKey;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::api::KEY_METADATA;
use super::settings::is_id;

/// An event, with the fields that are used.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    id: String,
    data: EventData,
}

#[derive(Clone, Debug, Deserialize)]
struct EventData {
    object: Map<String, Value>,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventSubject<'e> {
    /// The key in the metadata of the event's object.
    Key(OperationKey),
    /// The intent with this id.
    Intent(&'e str),
    /// No payment of ours.
    Other,
}

impl Event {
    /// Parses the body of a request; `None` if it is not an event, with an id that Stripe can have: another one could be one
    /// that no database can store, and Stripe would repeat it for days.
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<Self> {
        let event: Self = serde_json::from_slice(body).ok()?;
        is_id(&event.id).then_some(event)
    }

    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    #[must_use]
    pub fn subject(&self) -> EventSubject<'_> {
        let object = &self.data.object;
        let metadata = object.get("metadata").and_then(|all| all.get(KEY_METADATA));
        if let Some(key) = metadata.and_then(Value::as_str) {
            return OperationKey::try_new(key).map_or(EventSubject::Other, EventSubject::Key);
        }
        let text = |field| object.get(field).and_then(Value::as_str);
        let is_intent = text("object") == Some("payment_intent");
        let intent = text(if is_intent { "id" } else { "payment_intent" });
        intent
            .filter(|intent| is_id(intent))
            .map_or(EventSubject::Other, EventSubject::Intent)
    }
}

#[cfg(test)]
mod tests {
    use sagas::OperationKey;
    use serde_json::{Value, json};

    use super::{Event, EventSubject};

    fn event(id: &str, object: &Value) -> Option<Event> {
        Event::parse(
            json!({"id": id, "data": {"object": object}})
                .to_string()
                .as_bytes(),
        )
    }

    #[test]
    fn the_key_in_the_metadata_comes_before_the_intent() {
        let key = OperationKey::new("saga-1", "process_payment", 0);
        let object = json!({
            "object": "payment_intent", "id": "pi_1", "metadata": {"shop_key": key.as_str()},
        });
        let event = event("evt_1", &object).expect("an event");
        assert_eq!(event.subject(), EventSubject::Key(key));
    }

    #[test]
    fn an_id_that_stripe_cannot_have_is_of_nothing() {
        assert!(event("evt\0", &json!({})).is_none());
        for object in [
            json!({"object": "payment_intent", "id": "pi\0"}),
            json!({"object": "charge", "payment_intent": "pi\0"}),
            json!({"metadata": {"shop_key": "a\0b"}, "payment_intent": "pi_1"}),
        ] {
            let event = event("evt_1", &object).expect("an event");
            assert_eq!(event.subject(), EventSubject::Other, "{object}");
        }
    }
}
