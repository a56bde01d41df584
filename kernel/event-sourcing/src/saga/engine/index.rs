//! Which sagas are open: a fold over the log, of which a snapshot is kept, so that a start does not read all of it.

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::Shared;
use crate::aggregate::DecodeError;
use crate::event::Envelope;
use crate::id::{Position, Version};
use crate::saga::event::{AnySagaEvent, SagaEvent};
use crate::store::{Filter, MAX_PAGE_EVENTS, Snapshot, StoreError};
use crate::stream::StreamId;

const SCHEMA: u32 = 1;

/// What a process must hear of sagas that it does not drive, or that were touched from outside.
const HEARD: [&str; 6] = [
    "SagaStarted",
    "SagaCancelRequested",
    "SagaResumed",
    "SagaCompleted",
    "SagaCompensated",
    "SagaFailed",
];

/// A snapshot of the index: the open sagas' ids, types and partitions.
#[derive(Debug, Serialize, Deserialize)]
struct Open(Vec<(String, String, u16)>);

fn stream() -> StreamId {
    StreamId::new("saga_index", "open")
}

/// Follows the log until the sagas have come to rest.
pub(super) async fn follow(shared: &Shared, rested: &CancellationToken) {
    let mut position = None;
    let mut kept = Position::START;
    while !rested.is_cancelled() {
        let step = async {
            match position {
                None => load(shared).await,
                Some(after) => read(shared, after).await,
            }
        };
        let step = tokio::select! {
            () = rested.cancelled() => break,
            step = step => step,
        };
        match step {
            Ok(reached) => {
                if position.is_none() {
                    kept = reached;
                }
                position = Some(reached);
                for partition in shared.ownership.caught_up(reached) {
                    shared.schedule.touch_partition(partition);
                }
                if reached.0 >= kept.0 + shared.config.snapshot_every {
                    keep(shared, reached).await;
                    kept = reached;
                }
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the log of sagas could not be read; it is tried again"
                );
                tokio::select! {
                    () = rested.cancelled() => {}
                    () = tokio::time::sleep(shared.config.retry) => {}
                }
            }
        }
    }
    if let Some(position) = position.filter(|position| *position > kept) {
        keep(shared, position).await;
    }
}

async fn load(shared: &Shared) -> Result<Position, StoreError> {
    let Some(snapshot) = shared.store.load_snapshot(&stream(), SCHEMA).await? else {
        return Ok(Position::START);
    };
    // A snapshot that does not read is as good as none: the events are still there.
    let Ok(Open(sagas)) = serde_json::from_str(&snapshot.state) else {
        return Ok(Position::START);
    };
    for (saga_id, saga_type, partition) in sagas {
        insert(shared, &saga_id, &saga_type, partition);
    }
    Ok(Position(snapshot.version.0))
}

async fn keep(shared: &Shared, position: Position) {
    let open = shared.schedule.open().into_iter();
    let open = open.filter_map(|(saga_id, kind, partition)| {
        let name = shared.drivers.get(kind)?.name().to_owned();
        Some((saga_id.to_string(), name, partition))
    });
    let Ok(state) = serde_json::to_string(&Open(open.collect())) else {
        return;
    };
    let snapshot = Snapshot {
        stream: stream(),
        version: Version(position.0),
        schema_version: SCHEMA,
        state,
        created_at: shared.clock.now(),
    };
    if let Err(error) = shared.store.save_snapshot(&snapshot).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the index of sagas was not kept"
        );
    }
}

async fn read(shared: &Shared, after: Position) -> Result<Position, StoreError> {
    let filter = Filter::of_types(&HEARD);
    let page = shared
        .store
        .read_all(after, &filter, MAX_PAGE_EVENTS)
        .await?;
    if page.through <= after {
        shared.store.wait_for(after.next()).await?;
        return Ok(after);
    }
    shared.schedule.hear_through(page.through);
    for envelope in &page.events {
        if let Err(error) = hear(shared, envelope) {
            tracing::error!(
                position = envelope.position.0,
                error = &error as &dyn std::error::Error,
                "an event of a saga cannot be read"
            );
        }
    }
    Ok(page.through)
}

fn hear(shared: &Shared, envelope: &Envelope) -> Result<(), DecodeError> {
    let saga_id = envelope.stream.aggregate_id();
    match envelope.event_type.as_str() {
        "SagaStarted" => {
            let (name, version) = (&envelope.event_type, envelope.schema_version);
            if let SagaEvent::Started(started) = AnySagaEvent::read(name, version, &envelope.data)?
            {
                insert(shared, saga_id, &started.saga_type, started.partition);
                shared.schedule.touch(saga_id, &shared.ownership);
            }
        }
        "SagaCancelRequested" | "SagaResumed" => {
            shared.schedule.touch(saga_id, &shared.ownership);
        }
        _ => shared.schedule.remove(saga_id),
    }
    Ok(())
}

fn insert(shared: &Shared, saga_id: &str, saga_type: &str, partition: u16) {
    if let Some(kind) = shared.driver(saga_type) {
        shared.schedule.insert(saga_id, kind, partition);
    } else {
        tracing::error!(
            saga_id,
            saga_type,
            "this binary does not know the saga's type"
        );
    }
}
