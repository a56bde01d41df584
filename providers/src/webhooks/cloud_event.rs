//! The format of posted events: `CloudEvents` 1.0, JSON, structured mode.

use chrono::SecondsFormat;
use event_sourcing::Envelope;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// The media type of [`body`].
pub(super) const MEDIA_TYPE: &str = "application/cloudevents+json";

/// Attributes in the order of the specification, then extensions, then the data.
#[derive(Serialize)]
struct CloudEvent<'e> {
    specversion: &'static str,
    id: Uuid,
    source: &'e str,
    #[serde(rename = "type")]
    event_type: &'e str,
    subject: &'e str,
    time: String,
    datacontenttype: &'static str,
    /// The sequence extension requires texts that sort like the events, so the position has leading zeros.
    sequence: String,
    /// The partitioning extension: the events of a stream belong together.
    partitionkey: &'e str,
    /// Ours: the shape of the data, as it was stored.
    schemaversion: u32,
    data: &'e RawValue,
}

/// The body of an event of `source`. It depends on nothing else, so a repeat is identical to the byte.
///
/// # Errors
/// The stored data are not JSON.
pub(super) fn body(envelope: &Envelope, source: &str) -> Result<Vec<u8>, serde_json::Error> {
    let stream = envelope.stream.to_string();
    serde_json::to_vec(&CloudEvent {
        specversion: "1.0",
        id: envelope.event_id,
        source,
        event_type: &envelope.event_type,
        subject: &stream,
        time: envelope
            .recorded_at
            .to_rfc3339_opts(SecondsFormat::Micros, true),
        datacontenttype: "application/json",
        sequence: format!("{:020}", envelope.position.0),
        partitionkey: &stream,
        schemaversion: envelope.schema_version,
        data: serde_json::from_str(&envelope.data)?,
    })
}
