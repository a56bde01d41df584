//! An event store in memory, for examples and tests. It gives every guarantee except durability.
//!
//! One lock protects all state, so a batch is validated and written atomically, as the database adapters do with the
//! database's locks. Waiting readers are woken through a watch channel with the head.

mod handler;
mod lease;
mod projection;

pub use handler::MemoryHandlerStore;
pub use projection::MemoryProjectionStore;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::watch;
use uuid::Uuid;

use crate::clock::Clock;
use crate::commit::{Commit, Receipt, Rejected};
use crate::envelope::{DecodedOnce, Envelope};
use crate::id::{CommandId, Position, Version};
use crate::lease::{Lease, LeaseRetention, Token};
use crate::log::{LogId, LogIdentity, LogMark};
use crate::store::{
    CommandStatus, Entry, EventStore, Filter, LogPage, MAX_PAGE_EVENTS, Snapshot, StoreError,
    StreamPage, Unreadable,
};
use crate::stream::StreamId;
use crate::validate_batch::{
    BatchOutcome, Lookups, PositionedEvent, StoreState, StreamTip, validate_batch,
};

/// A log of events in memory, with its leases. Share it by `Arc`.
#[derive(Debug)]
pub struct MemoryEventStore {
    id: LogId,
    clock: Arc<dyn Clock>,
    contents: RwLock<Contents>,
    head: watch::Sender<Position>,
}

#[derive(Debug, Default)]
struct Contents {
    /// The event at position p has index p - 1.
    log: Vec<Arc<Envelope>>,
    /// Events that are returned as unreadable, by position, with the reason.
    damaged: HashMap<Position, String>,
    /// Indexes into the log; the event at version v has index v - 1 here.
    streams: HashMap<StreamId, Vec<usize>>,
    receipts: HashMap<CommandId, Receipt>,
    snapshots: HashMap<(StreamId, u32), Snapshot>,
    leases: HashMap<Arc<str>, LeaseRow>,
}

#[derive(Debug)]
struct LeaseRow {
    owner: String,
    token: Token,
    expires_at: DateTime<Utc>,
}

impl LeaseRow {
    fn is_held_by(&self, owner: &str, now: DateTime<Utc>) -> bool {
        self.owner == owner && self.expires_at > now
    }
}

impl MemoryEventStore {
    /// An empty store. `clock` decides when leases expire.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        // A log in memory does not outlive its process, so a counter makes its id unique.
        static MADE: AtomicU64 = AtomicU64::new(1);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        Self {
            id: LogId(Uuid::from_u128(number.into())),
            clock,
            contents: RwLock::default(),
            head: watch::Sender::new(Position::START),
        }
    }

    /// A copy of the log up to `position`, like a restored backup: it has the same id and grows independently. Leases
    /// and snapshots are not copied.
    #[must_use]
    pub fn restored_to(&self, position: Position) -> Self {
        let log: Vec<_> = {
            let contents = self.read();
            contents
                .log
                .iter()
                .take(index_after(position.0))
                .cloned()
                .collect()
        };
        let mut streams: HashMap<StreamId, Vec<usize>> = HashMap::new();
        for (index, event) in log.iter().enumerate() {
            streams.entry(event.stream.clone()).or_default().push(index);
        }
        let receipts = self.read().receipts.clone();
        let head = Position(log.len() as u64);
        let receipts = receipts
            .into_iter()
            .filter(|(_, receipt)| receipt.last <= head)
            .collect();
        Self {
            id: self.id,
            clock: Arc::clone(&self.clock),
            contents: RwLock::new(Contents {
                log,
                streams,
                receipts,
                ..Contents::default()
            }),
            head: watch::Sender::new(head),
        }
    }

    fn mark(&self, contents: &Contents, position: Position) -> LogMark {
        let index = position.0.checked_sub(1).map(index_after);
        let event = index.and_then(|index| contents.log.get(index));
        LogMark {
            log: self.id,
            position,
            event: event.map(|event| event.event_id),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Contents> {
        self.contents.read()
    }

    fn write(&self) -> RwLockWriteGuard<'_, Contents> {
        self.contents.write()
    }

    /// Makes the event at `position` unreadable, for tests of readers.
    pub fn damage(&self, position: Position, reason: impl Into<String>) {
        self.write().damaged.insert(position, reason.into());
    }

    /// Makes the damaged event readable again, as for a newer binary.
    pub fn repair(&self, position: Position) {
        self.write().damaged.remove(&position);
    }

    fn expiry(&self, ttl: Duration) -> (DateTime<Utc>, DateTime<Utc>) {
        let now = self.clock.now();
        let ttl = TimeDelta::from_std(ttl).unwrap_or(TimeDelta::MAX);
        let expires_at = now
            .checked_add_signed(ttl)
            .unwrap_or(DateTime::<Utc>::MAX_UTC);
        (now, expires_at)
    }
}

impl Contents {
    fn head(&self) -> Position {
        Position(self.log.len() as u64)
    }

    fn version(&self, stream: &StreamId) -> Version {
        Version(self.streams.get(stream).map_or(0, Vec::len) as u64)
    }

    fn entry(&self, event: &Arc<Envelope>) -> Entry {
        self.unreadable(event).map_or_else(
            || Entry::Event(Arc::clone(event)),
            |unreadable| Entry::Unreadable(Arc::new(unreadable)),
        )
    }

    fn unreadable(&self, event: &Envelope) -> Option<Unreadable> {
        let reason = self.damaged.get(&event.position)?;
        Some(Unreadable {
            position: event.position,
            stream: event.stream.clone(),
            version: event.version,
            event_type: event.event_type.clone(),
            reason: reason.clone(),
        })
    }

    fn tip(&self, stream: &StreamId) -> Option<StreamTip> {
        let last = &self.log[*self.streams.get(stream)?.last()?];
        Some(StreamTip {
            version: last.version,
            event_id: last.event_id,
        })
    }

    fn next_token(&self, name: &str) -> Token {
        Token(self.leases.get(name).map_or(0, |row| row.token.0) + 1)
    }

    fn give(
        &mut self,
        name: &Arc<str>,
        owner: &str,
        token: Token,
        expires_at: DateTime<Utc>,
    ) -> Lease {
        let row = LeaseRow {
            owner: owner.to_owned(),
            token,
            expires_at,
        };
        self.leases.insert(Arc::clone(name), row);
        Lease {
            name: Arc::clone(name),
            token,
        }
    }

    fn delete_ended_leases(&mut self, retention: LeaseRetention, now: DateTime<Utc>) {
        self.leases.retain(|name, row| {
            let ended_for = (now - row.expires_at).to_std().unwrap_or_default();
            !name.starts_with(retention.prefix) || ended_for < retention.period
        });
    }

    fn answers(&self, lookups: &Lookups<'_>) -> StoreState {
        let receipts = lookups.commands.iter().filter_map(|command| {
            let receipt = self.receipts.get(command)?;
            Some((*command, receipt.clone()))
        });
        let tips = lookups
            .streams
            .iter()
            .filter_map(|stream| Some(((*stream).clone(), self.tip(stream)?)));
        let tokens = lookups
            .leases
            .iter()
            .filter_map(|lease| Some((Arc::clone(lease), self.leases.get(*lease)?.token)));
        StoreState {
            head: self.head(),
            receipts: receipts.collect(),
            tips: tips.collect(),
            tokens: tokens.collect(),
        }
    }

    fn apply(&mut self, batch: &[Commit], outcome: &BatchOutcome<'_>) {
        for positioned in &outcome.events {
            let index = self.log.len();
            self.log.push(Arc::new(envelope(positioned)));
            self.streams
                .entry(positioned.stream.clone())
                .or_default()
                .push(index);
        }
        for (commit, answer) in batch.iter().zip(&outcome.results) {
            if let Ok(receipt) = answer
                && !receipt.duplicate
            {
                self.receipts.insert(commit.command_id(), receipt.clone());
            }
        }
    }
}

fn envelope(positioned: &PositionedEvent<'_>) -> Envelope {
    Envelope {
        position: positioned.position,
        stream: positioned.stream.clone(),
        version: positioned.version,
        event_id: positioned.event_id,
        command_id: positioned.command_id,
        event_type: positioned.new.event.event_type.to_owned(),
        schema_version: positioned.new.event.schema_version,
        data: positioned.new.event.data.clone(),
        metadata: positioned.new.metadata.clone(),
        recorded_at: positioned.recorded_at,
        decoded: DecodedOnce::default(),
    }
}

/// The index of the first event after a version or position.
fn index_after(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[async_trait]
impl EventStore for MemoryEventStore {
    async fn append(&self, batch: &[Commit]) -> Result<Vec<Result<Receipt, Rejected>>, StoreError> {
        let mut contents = self.write();
        let known = contents.answers(&Lookups::of(batch));
        let outcome = validate_batch(batch, known);
        contents.apply(batch, &outcome);
        // Published after the events are applied, so that woken readers find them.
        self.head.send_replace(outcome.head);
        Ok(outcome.results)
    }

    async fn command_status(
        &self,
        command: CommandId,
        streams: &[StreamId],
    ) -> Result<CommandStatus, StoreError> {
        let contents = self.read();
        let receipt = contents.receipts.get(&command).map(|first| Receipt {
            duplicate: true,
            ..first.clone()
        });
        Ok(CommandStatus {
            receipt,
            versions: streams.iter().map(|s| contents.version(s)).collect(),
            head: contents.head(),
        })
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Version,
        limit: usize,
    ) -> Result<StreamPage, StoreError> {
        let contents = self.read();
        let indexes = contents.streams.get(stream).map_or(&[][..], Vec::as_slice);
        let rest = indexes.get(index_after(after.0)..).unwrap_or_default();
        let count = rest.len().min(limit.clamp(1, MAX_PAGE_EVENTS));
        let mut page = StreamPage {
            events: Vec::with_capacity(count),
            unreadable: Vec::new(),
            is_end: count == rest.len(),
        };
        for index in &rest[..count] {
            let event = &contents.log[*index];
            match contents.unreadable(event) {
                Some(unreadable) => page.unreadable.push(unreadable),
                None => page.events.push(Envelope::clone(event)),
            }
        }
        Ok(page)
    }

    async fn read_all(
        &self,
        after: Position,
        filter: &Filter,
        limit: usize,
    ) -> Result<LogPage, StoreError> {
        let limit = limit.clamp(1, MAX_PAGE_EVENTS);
        let contents = self.read();
        let head = contents.head();
        let rest = contents.log.get(index_after(after.0)..).unwrap_or_default();
        let entries: Vec<_> = rest
            .iter()
            .filter(|event| filter.matches(event.stream.aggregate_type(), &event.event_type))
            .take(limit)
            .map(|event| contents.entry(event))
            .collect();
        let read_up_to = match entries.last() {
            Some(last) if entries.len() == limit => last.position(),
            _ => head,
        };
        Ok(LogPage {
            entries,
            read_up_to,
            head,
        })
    }

    async fn head(&self) -> Result<Position, StoreError> {
        Ok(self.read().head())
    }

    async fn identify(&self, positions: &[Position]) -> Result<LogIdentity, StoreError> {
        let contents = self.read();
        let mark = |position: &Position| self.mark(&contents, *position);
        Ok(LogIdentity {
            head: mark(&contents.head()),
            marks: positions.iter().map(mark).collect(),
        })
    }

    async fn wait_for(&self, position: Position) -> Result<Position, StoreError> {
        let mut head = self.head.subscribe();
        let reached = head.wait_for(|head| *head >= position).await;
        reached
            .map(|head| *head)
            .map_err(|closed| StoreError::Failed {
                operation: "wait for a position",
                source: Arc::new(closed),
            })
    }

    async fn load_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
    ) -> Result<Option<Snapshot>, StoreError> {
        let key = (stream.clone(), schema_version);
        Ok(self.read().snapshots.get(&key).cloned())
    }

    async fn save_snapshot(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let mut contents = self.write();
        let key = (snapshot.stream.clone(), snapshot.schema_version);
        let stored = contents
            .snapshots
            .entry(key)
            .or_insert_with(|| snapshot.clone());
        if stored.version < snapshot.version {
            *stored = snapshot.clone();
        }
        Ok(())
    }

    async fn remove_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
        version: Version,
    ) -> Result<(), StoreError> {
        let key = (stream.clone(), schema_version);
        let mut contents = self.write();
        if contents
            .snapshots
            .get(&key)
            .is_some_and(|stored| stored.version == version)
        {
            contents.snapshots.remove(&key);
        }
        Ok(())
    }
}
