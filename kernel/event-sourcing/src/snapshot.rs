//! Whether a snapshot is one of its stream's events.
//!
//! A store that was restored from an older copy, or only in part, can hold a snapshot of events that are gone. Its
//! version alone says little: the stream may have grown past it with other events since. So a state is kept with the id
//! of the event that it was folded up to, and is used only if the stream has that event at that version.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::fields;
use crate::store::{EventStore, Snapshot};

/// What the text of a state's snapshot holds.
#[derive(Debug, Deserialize, Serialize)]
pub struct MarkedState<'a> {
    /// The last event that was folded.
    pub event_id: Uuid,
    #[serde(borrow)]
    state: &'a RawValue,
}

impl<'a> MarkedState<'a> {
    /// Nothing if the text is of another shape, which is as good as no snapshot.
    #[must_use]
    pub fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The text of the state.
    #[must_use]
    pub fn state(&self) -> &'a str {
        self.state.get()
    }

    /// The text to keep; nothing if `state` is not JSON.
    #[must_use]
    pub fn write(event_id: Uuid, state: &str) -> Option<String> {
        let state = serde_json::from_str(state).ok()?;
        serde_json::to_string(&MarkedState { event_id, state }).ok()
    }
}

/// Removes a snapshot that is not of its stream's events, so that the next one takes its place. If that fails, it is
/// found again at the next load.
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
        "ignored a snapshot that is not of its stream's events; the state is folded from the events"
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
