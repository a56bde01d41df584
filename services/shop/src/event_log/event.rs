//! An event as it is written: one JSON object, or one line with the fields that matter.

use chrono::{DateTime, Utc};
use event_sourcing::store::Entry;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::terminal::{line, stamp};

/// The maximum number of characters of one value in a line.
const MAX_VALUE_CHARS: usize = 80;
/// Fields that a line omits: a saga's data repeats that of its order, and the others follow from what the line shows.
const OMITTED: [&str; 7] = [
    "data",
    "origin",
    "definition",
    "partition",
    "saga_type",
    "key",
    "deadline",
];

/// An event, or the reason that it cannot be read.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventView {
    pub position: u64,
    pub stream_type: String,
    pub stream_id: String,
    pub version: u64,
    pub event_type: String,
    #[serde(flatten)]
    pub content: Content,
}

/// The content of an event.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Content {
    Readable(Box<Readable>),
    Unreadable {
        /// Why.
        unreadable: String,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Readable {
    pub schema_version: u32,
    pub event_id: String,
    /// Of the first event of a commit only.
    pub command_id: Option<String>,
    pub recorded_at: DateTime<Utc>,
    /// The stored text, if it is not JSON.
    pub data: Value,
    pub metadata: Value,
}

impl EventView {
    pub fn of(entry: &Entry) -> Self {
        let (version, content) = match entry {
            Entry::Event(event) => {
                let data = serde_json::from_str(&event.data);
                let content = Content::Readable(Box::new(Readable {
                    schema_version: event.schema_version,
                    event_id: event.event_id.to_string(),
                    command_id: event.command_id.map(|id| id.to_string()),
                    recorded_at: event.recorded_at,
                    data: data.unwrap_or_else(|_| Value::from(event.data.as_str())),
                    metadata: serde_json::to_value(&event.metadata).unwrap_or_default(),
                }));
                (event.version, content)
            }
            Entry::Unreadable(unreadable) => {
                let reason = unreadable.reason.clone();
                let content = Content::Unreadable { unreadable: reason };
                (unreadable.version, content)
            }
        };
        let stream = entry.stream();
        Self {
            position: entry.position().0,
            stream_type: stream.aggregate_type().to_owned(),
            stream_id: stream.aggregate_id().to_owned(),
            version: version.0,
            event_type: entry.event_type().to_owned(),
            content,
        }
    }

    pub fn readable(&self) -> Option<&Readable> {
        match &self.content {
            Content::Readable(readable) => Some(readable),
            Content::Unreadable { .. } => None,
        }
    }

    /// A text field of its data.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.readable()?.data.get(field)?.as_str()
    }

    /// The order that it is about, by its data or its stream.
    pub fn order_id(&self) -> Option<&str> {
        match self.stream_type.as_str() {
            "order" => Some(&self.stream_id),
            _ => self.text("order_id").or_else(|| self.text("subject")),
        }
    }

    /// The request that caused it.
    pub fn correlation_id(&self) -> Option<&str> {
        self.readable()?.metadata.get("correlation_id")?.as_str()
    }
}

/// Time, position, stream, version and type of an event, and the fields that matter, in one line.
pub fn event_line(event: &EventView) -> String {
    let (time, rest) = match &event.content {
        Content::Readable(readable) => {
            let fields = Fields::of(event, &readable.data).0;
            (stamp(readable.recorded_at), fields.join(" "))
        }
        Content::Unreadable { unreadable } => {
            let width = stamp(DateTime::UNIX_EPOCH).len();
            (
                format!("{:width$}", "-"),
                format!("unreadable: {unreadable}"),
            )
        }
    };
    let text = format!(
        "{time} {:>7}  {}/{} {}  {}  {rest}",
        event.position, event.stream_type, event.stream_id, event.version, event.event_type,
    );
    line(text.trim_end())
}

/// The fields of an event's data that matter, as `name=value`.
#[derive(Debug)]
pub struct Fields(pub Vec<String>);

impl Fields {
    /// Omits what the line shows already, and what is null.
    fn of(event: &EventView, data: &Value) -> Self {
        let Value::Object(fields) = data else {
            return Self(vec![short(&data.to_string())]);
        };
        let fields = fields.iter().filter(|(name, value)| {
            let is_own_id = value.as_str() == Some(event.stream_id.as_str());
            !(value.is_null() || is_own_id || OMITTED.contains(&name.as_str()))
        });
        let mut fields: Vec<_> = fields.collect();
        fields.sort_by_key(|(name, _)| *name != "step");
        let fields = fields.into_iter();
        Self(fields.map(|(name, value)| field(name, value)).collect())
    }
}

fn field(name: &str, value: &Value) -> String {
    if let (Some(name), Some(cents)) = (name.strip_suffix("_cents"), value.as_i64()) {
        let sign = if cents < 0 { "-" } else { "" };
        let cents = cents.unsigned_abs();
        return format!("{name}={sign}{}.{:02}", cents / 100, cents % 100);
    }
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(item).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => actor(value).unwrap_or_else(|| pairs(fields)),
        _ => value.to_string(),
    };
    let text = short(&text);
    if text.is_empty() || text.contains([' ', '"', '=']) {
        format!("{name}={text:?}")
    } else {
        format!("{name}={text}")
    }
}

/// An item of an order, such as `2 Sencha`; anything else as JSON.
fn item(value: &Value) -> String {
    let name = value.get("product_name").and_then(Value::as_str);
    let quantity = value.get("quantity").and_then(Value::as_u64);
    match (name, quantity) {
        (Some(name), Some(quantity)) => format!("{quantity} {name}"),
        _ => value.to_string(),
    }
}

/// Who did it and why, such as `ada: the row was repaired`.
fn actor(value: &Value) -> Option<String> {
    let text = |field: &str| value.get(field)?.as_str();
    Some(format!("{}: {}", text("id")?, text("reason")?))
}

/// Such as `had_effect true, reference refund_1`.
fn pairs(fields: &Map<String, Value>) -> String {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{name} {}", text(value)));
    pairs.collect::<Vec<_>>().join(", ")
}

fn short(text: &str) -> String {
    match text.char_indices().nth(MAX_VALUE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(data: Value) -> EventView {
        EventView {
            position: 13,
            stream_type: "order".to_owned(),
            stream_id: "order-1".to_owned(),
            version: 2,
            event_type: "OrderCreated".to_owned(),
            content: Content::Readable(Box::new(Readable {
                schema_version: 1,
                event_id: String::new(),
                command_id: None,
                recorded_at: DateTime::UNIX_EPOCH,
                data,
                metadata: json!({}),
            })),
        }
    }

    #[test]
    fn a_line_has_the_fields_that_matter() {
        let items = json!([{ "product_id": "p", "product_name": "Sencha", "quantity": 2 }]);
        let created = event(json!({
            "order_id": "order-1", "user_id": "ada", "items": items, "total_cents": 3980,
            "shipping_address": null, "saga_id": "saga-1",
        }));
        assert_eq!(
            event_line(&created),
            "1970-01-01T00:00:00.000Z      13  order/order-1 2  OrderCreated  \
             items=\"2 Sencha\" saga_id=saga-1 total=39.80 user_id=ada"
        );
    }

    #[test]
    fn money_is_decimal_and_long_or_dangerous_text_is_made_harmless() {
        let fields = |data: Value| Fields::of(&event(json!({})), &data).0.join(" ");
        assert_eq!(
            fields(json!({ "difference_cents": -105 })),
            "difference=-1.05"
        );
        assert_eq!(fields(json!({ "reason": "" })), "reason=\"\"");
        let long = fields(json!({ "reason": "x".repeat(100) }));
        assert_eq!(long, format!("reason={}…", "x".repeat(80)));
        let who = json!({ "actor": { "id": "ada", "reason": "a test" } });
        assert_eq!(fields(who), "actor=\"ada: a test\"");
        let output = json!({ "output": { "had_effect": true, "reference": "refund_1" } });
        assert_eq!(
            fields(output),
            "output=\"had_effect true, reference refund_1\""
        );
        let hostile = event_line(&event(json!({ "reason": "a\u{1b}[2J\nb" })));
        assert!(!hostile.contains(char::is_control), "{hostile:?}");
    }

    #[test]
    fn an_unreadable_event_has_its_reason() {
        let unreadable = "its time cannot be read".to_owned();
        let event = EventView {
            content: Content::Unreadable { unreadable },
            ..event(json!({}))
        };
        assert!(event_line(&event).ends_with("OrderCreated  unreadable: its time cannot be read"));
    }
}
