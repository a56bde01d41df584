//! How events become stored text.

use event_sourcing::EncodedEvent;
use serde::Serialize;

pub(crate) fn encode<T: Serialize>(
    event_type: &'static str,
    schema_version: u32,
    data: &T,
) -> EncodedEvent {
    let data = serde_json::to_string(data).unwrap_or_else(|error| {
        unreachable!("events are plain structs, so JSON can hold them: {error}")
    });
    EncodedEvent {
        event_type,
        schema_version,
        data,
    }
}
