//! Which sagas are open: a fold over the log, of which a snapshot is kept, so that a start does not read all of it.

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

const SCHEMA: u32 = 1;
/// How long events gather before they are read. What this process does itself it hears of at once.
const LINGER: Duration = Duration::from_millis(5);

/// What a process must hear of sagas that it does not drive, or that were touched from outside. All else that is known
/// concerns only their owners; what is unknown stops its saga.
const FOLLOWED_TYPES: [&str; 7] = [
    names::STARTED,
    names::CANCEL_REQUESTED,
    names::SUSPENDED,
    names::RESUMED,
    names::COMPLETED,
    names::COMPENSATED,
    names::FAILED,
];

/// What an engine reads of the log, if its sagas have streams of these types.
pub(super) fn open_saga_filter(saga_streams: &[&'static str]) -> Filter {
    event_filter(saga_streams, &FOLLOWED_TYPES)
}

/// A snapshot of the index: the open sagas' ids, types and partitions, and whether they wait for a person.
#[derive(Debug, Serialize, Deserialize)]
struct IndexSnapshot(Vec<(String, String, u16, bool)>);

fn stream() -> StreamId {
    StreamId::new("saga_index", "open")
}

/// Follows the log until the sagas have come to rest.
pub(super) async fn follow(shared: &Shared, rested: &CancellationToken) {
    let mut index = Index {
        shared,
        reader: None,
        kept: Position::START,
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
                "the log of sagas could not be read; it is tried again"
            );
        }
        tokio::select! {
            () = rested.cancelled() => break,
            () = tokio::time::sleep(shared.config.retry) => {}
        }
    }
    if index.position() > Some(index.kept) {
        index.save_snapshot().await;
    }
}

struct Index<'a> {
    shared: &'a Shared,
    /// The log is known up to here.
    reader: Option<LogReader>,
    /// Of this position there is a snapshot.
    kept: Position,
    /// Open sagas of types that this binary does not know; another one may, and begin with this one's snapshot.
    unknown_types: HashMap<String, (String, u16)>,
    /// Whether every saga's beginning could be read. Otherwise no snapshot is kept, since it would lack a saga.
    is_whole: bool,
}

impl Index<'_> {
    async fn step(&mut self) -> Result<(), StoreError> {
        let reached = if self.reader.is_none() {
            self.kept = self.load().await?;
            self.reader = Some(self.read_after(self.kept));
            self.kept
        } else {
            self.read().await?
        };
        for partition in self.shared.ownership.caught_up(reached) {
            self.shared.schedule.touch_partition(partition);
        }
        if reached.0
            >= self
                .kept
                .0
                .saturating_add(self.shared.config.snapshot_every)
        {
            self.save_snapshot().await;
        }
        Ok(())
    }

    async fn load(&mut self) -> Result<Position, StoreError> {
        let Some(kept) = self.shared.store.load_snapshot(&stream(), SCHEMA).await? else {
            return Ok(Position::START);
        };
        // Its version is a position: one after the log's end is of a log that this one is not.
        if kept.version.0 > self.shared.store.head().await?.0 {
            snapshot::discard(&*self.shared.store, &kept).await;
            return Ok(Position::START);
        }
        // A snapshot that does not read is as good as none: the events are still there.
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
        let strangers = self.unknown_types.iter();
        let strangers = strangers.map(|(saga_id, (saga_type, partition))| {
            (saga_id.clone(), saga_type.clone(), *partition, false)
        });
        let Ok(state) = serde_json::to_string(&IndexSnapshot(known.chain(strangers).collect()))
        else {
            return;
        };
        let snapshot = Snapshot {
            stream: stream(),
            version: Version(position.0),
            schema_version: SCHEMA,
            state,
            created_at: self.shared.clock.now(),
        };
        if let Err(error) = self.shared.store.save_snapshot(&snapshot).await {
            tracing::warn!(
                { fields::ERROR } = &error as &dyn std::error::Error,
                "the index of sagas was not kept"
            );
        }
        self.kept = position;
    }

    /// The log is known up to here.
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
            return Ok(self.kept);
        };
        if reader.is_at_end() {
            reader.grown().await?;
            tokio::time::sleep(LINGER).await;
        }
        let page = reader.page().await?;
        self.shared.schedule.hear_through(page.read_up_to);
        for entry in &page.entries {
            match entry {
                Entry::Event(envelope) => {
                    if let Err(error) = self.apply(envelope) {
                        self.stop_one(entry, &error);
                    }
                }
                Entry::Unreadable(unreadable) => self.stop_one(entry, &**unreadable),
            }
        }
        Ok(page.read_up_to)
    }

    /// An event cannot be read. Its saga is looked at, which cannot read it either and rests; all others go on.
    fn stop_one(&mut self, entry: &Entry, error: &(dyn std::error::Error + 'static)) {
        let saga_id = entry.stream().aggregate_id();
        // One whose beginning cannot be read is missing here.
        self.is_whole &= entry.event_type() != names::STARTED;
        metrics::counter!("events_unreadable_total", "reader" => "saga_index").increment(1);
        tracing::error!(
            { fields::SAGA_ID } = saga_id,
            { fields::POSITION } = entry.position().0,
            { fields::EVENT_TYPE } = entry.event_type(),
            { fields::ERROR } = error,
            "an event of a saga cannot be read: the saga stops"
        );
        self.shared.schedule.touch(saga_id, &self.shared.ownership);
    }

    fn apply(&mut self, envelope: &Envelope) -> Result<(), DecodeError> {
        let schedule = &self.shared.schedule;
        let saga_id = envelope.stream.aggregate_id();
        match envelope.event_type.as_str() {
            names::STARTED => {
                let event = envelope.decode::<AnySagaEvent>()?;
                // One that this process began itself is being driven.
                if let SagaEvent::Started(started) = event {
                    if self.shared.ownership.owns(started.partition) {
                        let saga = started.saga_type.clone();
                        metrics::counter!("saga_started_total", "saga" => saga).increment(1);
                    }
                    if self.insert(saga_id, &started.saga_type, started.partition) {
                        schedule.touch(saga_id, &self.shared.ownership);
                    }
                }
            }
            names::SUSPENDED => schedule.suspend(saga_id, true),
            names::RESUMED => {
                schedule.suspend(saga_id, false);
                schedule.touch(saga_id, &self.shared.ownership);
            }
            names::CANCEL_REQUESTED => schedule.touch(saga_id, &self.shared.ownership),
            end @ (names::COMPLETED | names::COMPENSATED | names::FAILED) => {
                let ended = schedule.remove(saga_id);
                self.unknown_types.remove(saga_id);
                // A person's commit, in whatever process. The other ends are counted by those who commit them.
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

    /// Adds a saga. Says whether this process can drive it and did not know it.
    fn insert(&mut self, saga_id: &str, saga_type: &str, partition: u16) -> bool {
        if let Some(kind) = self.shared.driver(saga_type) {
            return self.shared.schedule.insert(saga_id, kind, partition);
        }
        tracing::error!(
            { fields::SAGA_ID } = saga_id,
            { fields::SAGA_TYPE } = saga_type,
            "this binary does not know the saga's type"
        );
        let stranger = (saga_type.to_owned(), partition);
        self.unknown_types.insert(saga_id.to_owned(), stranger);
        false
    }
}
