//! The index of open sagas: a fold over the log with a snapshot, so that a start does not read the whole log.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use event_sourcing::LogReader;
use event_sourcing::envelope::Envelope;
use event_sourcing::event::DecodeError;
use event_sourcing::failure_log::FailureLog;
use event_sourcing::id::{Position, Version};
use event_sourcing::snapshot;
use event_sourcing::store::{Entry, Filter, MAX_PAGE_EVENTS, Snapshot, StoreError};
use event_sourcing::stream::StreamId;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::shared::Shared;
use crate::event::{AnySagaEvent, SagaEvent, event_filter};
use crate::{fields, names};

/// The schema version of the snapshots that this binary reads and writes.
pub const INDEX_SCHEMA_VERSION: u32 = 1;
/// The type of the index's snapshots. It has no stream: the version of a snapshot is a position of the log.
pub const INDEX_TYPE: &str = "saga_index";
/// How long to wait for more events before a page is read. A process does not wait for its own changes: it reports them to
/// the engine.
const LINGER: Duration = Duration::from_millis(5);

/// The events that matter to processes other than the saga's owner, or that another process may have appended. Other
/// known types concern only the owner; an unknown type parks its saga.
const FOLLOWED_TYPES: [&str; 7] = [
    names::STARTED,
    names::CANCEL_REQUESTED,
    names::SUSPENDED,
    names::RESUMED,
    names::COMPLETED,
    names::COMPENSATED,
    names::FAILED,
];

/// The events an engine reads from the log, if its sagas have streams of these types.
pub(super) fn open_saga_filter(saga_streams: &[&'static str]) -> Filter {
    event_filter(saga_streams, &FOLLOWED_TYPES)
}

/// A snapshot of the index: the open sagas' ids, types and partitions, and whether they are suspended.
#[derive(Debug, Serialize, Deserialize)]
struct IndexSnapshot(Vec<(String, String, u16, bool)>);

fn stream() -> StreamId {
    StreamId::new(INDEX_TYPE, "open")
}

/// Follows the log until the last drive has ended.
pub(super) async fn follow(shared: &Shared, rested: &CancellationToken) {
    let mut index = Index {
        shared,
        reader: None,
        snapshot_position: Position::START,
        unknown_types: HashMap::new(),
        is_whole: true,
    };
    let failures = FailureLog::new();
    loop {
        let step = tokio::select! {
            () = rested.cancelled() => break,
            step = index.step() => step,
        };
        let Err(error) = step else {
            failures.log_recovery(Instant::now(), "the log of sagas can be read again");
            continue;
        };
        if let Some(suppressed) = failures.failed(Instant::now()) {
            tracing::warn!(
                { fields::ERROR } = &error as &dyn std::error::Error,
                { fields::SUPPRESSED } = suppressed,
                "the log of sagas could not be read; retrying"
            );
        }
        tokio::select! {
            () = rested.cancelled() => break,
            () = tokio::time::sleep(shared.config.retry) => {}
        }
    }
    if index.position() > Some(index.snapshot_position) {
        index.save_snapshot().await;
    }
}

struct Index<'a> {
    shared: &'a Shared,
    /// None until the snapshot is loaded.
    reader: Option<LogReader>,
    /// The position of the last snapshot.
    snapshot_position: Position,
    /// Open sagas of types that this binary does not know. Binaries that know them may start from this one's snapshot.
    unknown_types: HashMap<String, (String, u16)>,
    /// Whether every `SagaStarted` could be read. If not, no snapshot is saved, since it would lack a saga.
    is_whole: bool,
}

impl Index<'_> {
    async fn step(&mut self) -> Result<(), StoreError> {
        let reached = if self.reader.is_none() {
            self.snapshot_position = self.load().await?;
            self.reader = Some(self.read_after(self.snapshot_position));
            self.snapshot_position
        } else {
            self.read().await?
        };
        // Only after the page is applied: a partition is active once every saga below its head is in the schedule.
        for partition in self.shared.ownership.caught_up(reached) {
            self.shared.schedule.wake_partition(partition);
        }
        if reached.0
            >= self
                .snapshot_position
                .0
                .saturating_add(self.shared.config.snapshot_every)
        {
            self.save_snapshot().await;
        }
        Ok(())
    }

    async fn load(&mut self) -> Result<Position, StoreError> {
        let Some(kept) = self
            .shared
            .store
            .load_snapshot(&stream(), INDEX_SCHEMA_VERSION)
            .await?
        else {
            return Ok(Position::START);
        };
        // Its version is a position. A position above the head belongs to another log, such as one before a restore.
        if kept.version.0 > self.shared.store.head().await?.0 {
            snapshot::discard(&*self.shared.store, &kept).await;
            return Ok(Position::START);
        }
        // An unreadable snapshot is ignored: the events are still in the log.
        let Ok(IndexSnapshot(sagas)) = serde_json::from_str(&kept.state) else {
            return Ok(Position::START);
        };
        for (saga_id, saga_type, partition, is_suspended) in sagas {
            self.insert(&saga_id, &saga_type, partition);
            self.shared.schedule.suspend(&saga_id, is_suspended);
        }
        Ok(Position(kept.version.0))
    }

    async fn save_snapshot(&mut self) {
        let Some(position) = self.position().filter(|_| self.is_whole) else {
            return;
        };
        let known = self.shared.schedule.open().into_iter();
        let known = known.filter_map(|open| {
            let name = self.shared.drivers.get(open.kind)?.name().to_owned();
            let saga_id = open.saga_id.to_string();
            Some((saga_id, name, open.partition, open.is_suspended))
        });
        let unknown = self.unknown_types.iter();
        let unknown = unknown.map(|(saga_id, (saga_type, partition))| {
            (saga_id.clone(), saga_type.clone(), *partition, false)
        });
        let Ok(state) = serde_json::to_string(&IndexSnapshot(known.chain(unknown).collect()))
        else {
            return;
        };
        let snapshot = Snapshot {
            stream: stream(),
            version: Version(position.0),
            schema_version: INDEX_SCHEMA_VERSION,
            state,
            created_at: self.shared.clock.now(),
        };
        if let Err(error) = self.shared.store.save_snapshot(&snapshot).await {
            tracing::warn!(
                { fields::ERROR } = &error as &dyn std::error::Error,
                "the snapshot of the saga index was not saved"
            );
        }
        // Also after a failure: the next attempt follows `snapshot_every` events later.
        self.snapshot_position = position;
    }

    /// The position up to which the log was read.
    fn position(&self) -> Option<Position> {
        self.reader.as_ref().map(LogReader::position)
    }

    fn read_after(&self, position: Position) -> LogReader {
        let drivers = self.shared.drivers.iter();
        let streams: Vec<_> = drivers.map(|driver| driver.stream_type()).collect();
        let log = Arc::clone(&self.shared.store);
        LogReader::new(log, open_saga_filter(&streams), MAX_PAGE_EVENTS, position)
    }

    async fn read(&mut self) -> Result<Position, StoreError> {
        let Some(reader) = &mut self.reader else {
            return Ok(self.snapshot_position);
        };
        if reader.is_at_end() {
            reader.grown().await?;
            tokio::time::sleep(LINGER).await;
        }
        let page = reader.page().await?;
        // Before the events are applied: a saga of this page that `insert_started` added in between would stay open
        // permanently if its end were in this page too.
        self.shared.schedule.set_read_up_to(page.read_up_to);
        for entry in &page.entries {
            match entry {
                Entry::Event(envelope) => {
                    if let Err(error) = self.apply(envelope) {
                        self.park(entry, &error);
                    }
                }
                Entry::Unreadable(unreadable) => self.park(entry, &**unreadable),
            }
        }
        Ok(page.read_up_to)
    }

    /// An event cannot be read. Its saga is driven, fails to read it as well and is parked; all others continue.
    fn park(&mut self, entry: &Entry, error: &(dyn std::error::Error + 'static)) {
        let saga_id = entry.stream().aggregate_id();
        // A saga whose first event cannot be read is missing in the index.
        self.is_whole &= entry.event_type() != names::STARTED;
        metrics::counter!("events_unreadable_total", "reader" => INDEX_TYPE).increment(1);
        tracing::error!(
            { fields::SAGA_ID } = saga_id,
            { fields::POSITION } = entry.position().0,
            { fields::EVENT_TYPE } = entry.event_type(),
            { fields::ERROR } = error,
            "an event of a saga cannot be read: the saga is parked"
        );
        self.shared
            .schedule
            .wake_saga(saga_id, &self.shared.ownership);
    }

    fn apply(&mut self, envelope: &Envelope) -> Result<(), DecodeError> {
        let schedule = &self.shared.schedule;
        let saga_id = envelope.stream.aggregate_id();
        match envelope.event_type.as_str() {
            names::STARTED => {
                let event = envelope.decode::<AnySagaEvent>()?;
                // A saga that this process started itself may be in the schedule already.
                if let SagaEvent::Started(started) = event {
                    if self.shared.ownership.owns(started.partition) {
                        let saga = started.saga_type.clone();
                        metrics::counter!("saga_started_total", "saga" => saga).increment(1);
                    }
                    if self.insert(saga_id, &started.saga_type, started.partition) {
                        schedule.wake_saga(saga_id, &self.shared.ownership);
                    }
                }
            }
            names::SUSPENDED => schedule.suspend(saga_id, true),
            names::RESUMED => {
                schedule.suspend(saga_id, false);
                schedule.wake_saga(saga_id, &self.shared.ownership);
            }
            names::CANCEL_REQUESTED => schedule.wake_saga(saga_id, &self.shared.ownership),
            end @ (names::COMPLETED | names::COMPENSATED | names::FAILED) => {
                let ended = schedule.remove(saga_id);
                self.unknown_types.remove(saga_id);
                // An operator's commit, in any process. The other ends are counted by the process that commits them.
                if end == names::FAILED
                    && let Some(ended) = ended
                    && self.shared.ownership.owns(ended.partition)
                    && let Some(driver) = self.shared.drivers.get(ended.kind)
                {
                    metrics::counter!("saga_failed_total", "saga" => driver.name()).increment(1);
                }
            }
            unknown => return Err(DecodeError::unknown_type(unknown)),
        }
        Ok(())
    }

    /// Adds a saga. Returns whether this binary can drive it and it was not in the schedule.
    fn insert(&mut self, saga_id: &str, saga_type: &str, partition: u16) -> bool {
        if let Some(kind) = self.shared.driver(saga_type) {
            return self.shared.schedule.insert(saga_id, kind, partition);
        }
        tracing::error!(
            { fields::SAGA_ID } = saga_id,
            { fields::SAGA_TYPE } = saga_type,
            "unknown saga type: another binary must drive this saga"
        );
        let unknown = (saga_type.to_owned(), partition);
        self.unknown_types.insert(saga_id.to_owned(), unknown);
        false
    }
}
