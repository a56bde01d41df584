//! From a stream to a state: snapshot, then events.

use std::sync::Arc;

use super::state::{AnyState, Kind};
use crate::aggregate::DecodeError;
use crate::clock::Clock;
use crate::id::Version;
use crate::store::{EventStore, Snapshot, StoreError};
use crate::stream::StreamId;
use uuid::Uuid;

const PAGE: usize = 500;

/// A state as the store has it.
pub(super) struct Loaded {
    pub(super) state: AnyState,
    pub(super) version: Version,
    pub(super) last_event: Option<Uuid>,
    /// How many events were folded on top of the snapshot.
    pub(super) folded: u64,
}

/// Loads the state of a stream, at its end or at version `at`. Snapshots above `at` are not used.
pub(super) async fn load(
    store: &dyn EventStore,
    kind: &'static Kind,
    stream: &StreamId,
    at: Option<Version>,
) -> Result<Loaded, StoreError> {
    let snapshot = store.load_snapshot(stream, kind.snapshot_version).await?;
    let mut loaded = from_snapshot(kind, snapshot, at);
    loop {
        let page = store.read_stream(stream, loaded.version, PAGE).await?;
        let wanted = at.map_or(page.events.len(), |at| {
            page.events
                .iter()
                .take_while(|event| event.version <= at)
                .count()
        });
        let events = &page.events[..wanted];
        loaded.state =
            (kind.fold)(&loaded.state, events).map_err(|error| undecodable(stream, error))?;
        if let Some(last) = events.last() {
            loaded.version = last.version;
            loaded.last_event = Some(last.event_id);
            loaded.folded += wanted as u64;
        }
        if page.is_end || wanted < page.events.len() || page.events.is_empty() {
            return Ok(loaded);
        }
    }
}

fn from_snapshot(kind: &'static Kind, snapshot: Option<Snapshot>, at: Option<Version>) -> Loaded {
    snapshot
        .filter(|snapshot| at.is_none_or(|at| snapshot.version <= at))
        .and_then(|snapshot| Some(((kind.read_snapshot)(&snapshot.state)?, snapshot.version)))
        .map_or_else(
            || Loaded {
                state: (kind.initial)(),
                version: Version::NONE,
                last_event: None,
                folded: 0,
            },
            |(state, version)| Loaded {
                state,
                version,
                last_event: None,
                folded: 0,
            },
        )
}

fn undecodable(stream: &StreamId, error: DecodeError) -> StoreError {
    #[derive(Debug, thiserror::Error)]
    #[error("stream {stream} has an event that cannot be read")]
    struct Undecodable {
        stream: StreamId,
        #[source]
        error: DecodeError,
    }
    let source = Arc::new(Undecodable {
        stream: stream.clone(),
        error,
    });
    StoreError::Failed {
        operation: "load aggregate",
        source,
    }
}

/// The state as a row of the snapshot table; nothing if it may not be kept, or JSON cannot hold it.
pub(super) fn snapshot(
    kind: &'static Kind,
    stream: StreamId,
    state: &AnyState,
    version: Version,
    clock: &dyn Clock,
) -> Option<Snapshot> {
    Some(Snapshot {
        stream,
        version,
        schema_version: kind.snapshot_version,
        state: (kind.write_snapshot)(state)?,
        created_at: clock.now(),
    })
}
