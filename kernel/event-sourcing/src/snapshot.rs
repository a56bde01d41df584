//! Verifies that a snapshot matches its stream's events.
//!
//! A store that was restored from an older copy, or only partly, can contain a snapshot of lost events. The version
//! alone does not show it: the stream may have grown past it with other events since. Therefore a state is stored with
//! the id of the last folded event, and is used only if the stream has that event at that version.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::fields;
use crate::store::{EventStore, Snapshot};

/// The content of a snapshot's text.
#[derive(Debug, Deserialize, Serialize)]
pub struct MarkedState<'a> {
    /// The last event that was folded.
    pub event_id: Uuid,
    #[serde(borrow)]
    state: &'a RawValue,
}

impl<'a> MarkedState<'a> {
    /// Parses the text; `None` if it has another format, which counts as no snapshot.
    #[must_use]
    pub fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The JSON text of the state.
    #[must_use]
    pub fn state(&self) -> &'a str {
        self.state.get()
    }

    /// The text to store; `None` if `state` is not JSON.
    #[must_use]
    pub fn write(event_id: Uuid, state: &str) -> Option<String> {
        let state = serde_json::from_str(state).ok()?;
        serde_json::to_string(&MarkedState { event_id, state }).ok()
    }
}

/// Removes a snapshot that does not match its stream's events, so that a new one can be stored. If that fails, the next
/// load tries again.
pub async fn discard(store: &dyn EventStore, snapshot: &Snapshot) {
    let Snapshot {
        stream,
        version,
        schema_version,
        ..
    } = snapshot;
    tracing::warn!(
        { fields::STREAM } = %stream,
        { fields::SNAPSHOT_VERSION } = version.0,
        "ignored a snapshot that does not match its stream's events; the state is folded from the events"
    );
    let removed = store.remove_snapshot(stream, *schema_version, *version);
    if let Err(error) = removed.await {
        tracing::warn!(
            { fields::STREAM } = %stream,
            { fields::ERROR } = &error as &dyn std::error::Error,
            "the ignored snapshot could not be removed"
        );
    }
}
