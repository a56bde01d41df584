//! Loads the state of a stream: snapshot first, then the events after it.

use std::error::Error;
use std::sync::Arc;

use super::state::{AggregateType, AnyState};
use crate::clock::Clock;
use crate::id::Version;
use crate::snapshot::{self, MarkedState};
use crate::store::{EventStore, Snapshot, StoreError, StreamPage};
use crate::stream::StreamId;
use uuid::Uuid;

const PAGE: usize = 500;

/// A state read from the store.
pub(super) struct Loaded {
    pub(super) state: AnyState,
    pub(super) version: Version,
    pub(super) last_event: Option<Uuid>,
    /// The number of events folded after the snapshot.
    pub(super) folded: u64,
}

impl Loaded {
    fn initial(kind: &'static AggregateType) -> Self {
        Self {
            state: (kind.initial)(),
            version: Version::NONE,
            last_event: None,
            folded: 0,
        }
    }
}

/// Loads the state of a stream, at its end or at version `at`. Snapshots above `at` are not used.
pub(super) async fn load(
    store: &dyn EventStore,
    kind: &'static AggregateType,
    stream: &StreamId,
    at: Option<Version>,
) -> Result<Loaded, StoreError> {
    let resumed = from_snapshot(store, kind, stream, at).await?;
    let (mut loaded, mut page) = if let Some(resumed) = resumed {
        resumed
    } else {
        let page = store.read_stream(stream, Version::NONE, PAGE).await?;
        (Loaded::initial(kind), page)
    };
    loop {
        let is_wanted = |version: Version| at.is_none_or(|at| version <= at);
        // A state must not be folded past an unreadable event: decisions on it could violate the domain's rules.
        let mut unreadable = page.unreadable.iter();
        if let Some(unreadable) = unreadable.find(|event| is_wanted(event.version)) {
            return Err(undecodable(stream, unreadable.clone()));
        }
        let wanted = page.events.iter();
        let wanted = wanted.take_while(|event| is_wanted(event.version)).count();
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
        page = store.read_stream(stream, loaded.version, PAGE).await?;
    }
}

/// The state of the stream's snapshot and the first page of events after it; `None` if there is no usable snapshot.
async fn from_snapshot(
    store: &dyn EventStore,
    kind: &'static AggregateType,
    stream: &StreamId,
    at: Option<Version>,
) -> Result<Option<(Loaded, StreamPage)>, StoreError> {
    let stored = store.load_snapshot(stream, kind.snapshot_version).await?;
    let Some(stored) = stored.filter(|stored| at.is_none_or(|at| stored.version <= at)) else {
        return Ok(None);
    };
    let Some(marked) = MarkedState::read(&stored.state) else {
        return Ok(None);
    };
    let Some(state) = (kind.read_snapshot)(marked.state()) else {
        return Ok(None);
    };
    // The page starts one event early, at the snapshot's own event, which needs no additional call. If its id differs,
    // the snapshot was taken from another log (a restored database) and its state is wrong.
    let before = Version(stored.version.0.saturating_sub(1));
    let mut page = store.read_stream(stream, before, PAGE).await?;
    let mut unreadable = page.unreadable.iter();
    if let Some(own) = unreadable.find(|event| event.version == stored.version) {
        return Err(undecodable(stream, own.clone()));
    }
    let own = page.events.first();
    if own.is_none_or(|own| own.version != stored.version || own.event_id != marked.event_id) {
        snapshot::discard(store, &stored).await;
        return Ok(None);
    }
    page.events.remove(0);
    let loaded = Loaded {
        state,
        version: stored.version,
        last_event: Some(marked.event_id),
        folded: 0,
    };
    Ok(Some((loaded, page)))
}

/// An event of the stream that the store or this binary cannot read. Only commands on this stream fail.
#[derive(Debug, thiserror::Error)]
#[error("stream {stream} has an event that cannot be read")]
struct Undecodable {
    stream: StreamId,
    #[source]
    error: Box<dyn Error + Send + Sync>,
}

fn undecodable(stream: &StreamId, error: impl Error + Send + Sync + 'static) -> StoreError {
    let source = Arc::new(Undecodable {
        stream: stream.clone(),
        error: Box::new(error),
    });
    StoreError::Failed {
        operation: "load aggregate",
        source,
    }
}

/// The state as a row of the snapshot table; `None` if the aggregate forbids it, or JSON cannot represent it.
pub(super) fn to_snapshot(
    kind: &'static AggregateType,
    stream: StreamId,
    state: &AnyState,
    version: Version,
    last_event: Uuid,
    clock: &dyn Clock,
) -> Option<Snapshot> {
    let text = (kind.write_snapshot)(state)?;
    Some(Snapshot {
        stream,
        version,
        schema_version: kind.snapshot_version,
        state: MarkedState::write(last_event, &text)?,
        created_at: clock.now(),
    })
}
