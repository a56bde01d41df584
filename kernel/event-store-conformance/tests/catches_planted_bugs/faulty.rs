//! Stores with one bug each: the memory store, with modified arguments or results.

mod leases;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta};
use event_sourcing::clock::ManualClock;
use event_sourcing::{
    CommandId, CommandStatus, Commit, EncodedEvent, Entry, Envelope, EventStore, ExpectedVersion,
    Filter, LogId, LogIdentity, LogPage, MemoryEventStore, Metadata, NewEvent, Position, Receipt,
    Rejected, Snapshot, StoreError, StreamId, StreamPage, Version, Write,
};
use event_store_conformance::{Handle, Harness};
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// No bug: shows that the wrapper itself violates no guarantee.
    None,
    /// Repeated command ids are not detected.
    ForgetsCommands,
    /// A repeat is rejected when its expected version no longer matches.
    ChecksExpectationsFirst,
    /// The receipt of a repeat has only the first stream.
    ForgetsStreams,
    /// Expected versions are not checked.
    IgnoresExpectations,
    /// `Follows` checks only the version.
    FollowsAnyEvent,
    /// Writes without events are not checked.
    IgnoresPreconditions,
    /// Each stream of a commit is committed separately.
    SplitsCommits,
    /// One rejected commit rejects the batch.
    FailsTheBatch,
    /// Positions are taken from a sequence, which a rejected commit advances too.
    SkipsPositions,
    /// The last commit is briefly visible before the previous one.
    ShowsLateCommitsFirst,
    /// A page starts with the last event of the previous page.
    DoublesEvents,
    /// Pages without a match make no progress.
    MakesNoProgress,
    /// A full page claims to have read to the head.
    ClaimsTheHead,
    /// Pages have no limit.
    IgnoresLimits,
    /// A full page is never reported as the last one of its stream.
    NeverEndsFullPages,
    /// Filters check only event types.
    IgnoresStreamTypes,
    /// An event type that a filter ignores in one stream type is ignored in all.
    IgnoresTooMuch,
    /// An unreadable event fails its page.
    FailsPages,
    /// An unreadable event is omitted.
    LeavesUnreadableOut,
    NeverWakes,
    /// Times are rounded to milliseconds.
    RoundsTimes,
    /// Metadata are not stored.
    DropsMetadata,
    /// The parts of a status are read one after the other.
    TearsStanding,
    /// The log's id is different each time.
    ChangesItsId,
    /// All logs have the same id.
    SharesItsId,
    /// A mark has the event before its position.
    NamesTheEventBefore,
    /// Any snapshot replaces the stored one.
    ReplacesSnapshots,
    /// All schema versions share one snapshot.
    MixesSchemaVersions,
    /// A snapshot is never removed.
    KeepsForeignSnapshots,
    /// Fences are not checked.
    IgnoresFences,
    /// The token does not grow when the owner changes.
    KeepsTokens,
    /// A held lease is returned to any owner.
    SharesLeases,
    /// Leases never expire.
    NeverExpires,
    /// Any owner can release a lease.
    ReleasesForAnyOwner,
    /// The list of leases checks only the first character of the prefix.
    ListsTooMuch,
    /// The list of leases is too short.
    ListsAHundred,
    /// A retention deletes ended leases with any name.
    ForgetsEveryLease,
    /// No lease is ever deleted.
    ForgetsNoLease,
    /// Leases are seized only if they are free.
    SeizesOnlyFreeLeases,
    /// The token of a seized lease does not grow.
    SeizesUnderOldTokens,
}

/// A store with a bug.
#[derive(Debug)]
pub struct Faulty {
    inner: MemoryEventStore,
    bug: Bug,
    counter: AtomicU64,
}

fn filler() -> NewEvent {
    NewEvent {
        event: EncodedEvent {
            event_type: "Filler",
            schema_version: 1,
            data: "{}".to_owned(),
        },
        metadata: Metadata::default(),
    }
}

impl Faulty {
    fn count(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn fresh_id(&self) -> CommandId {
        CommandId(Uuid::from_u64_pair(u64::MAX, self.count()))
    }

    /// The commit as modified by the bug.
    fn tampered(&self, commit: &Commit) -> Commit {
        let mut id = commit.command_id();
        let mut writes = commit.writes().to_vec();
        let mut fence = commit.fence().cloned();
        match self.bug {
            Bug::ForgetsCommands => id = self.fresh_id(),
            Bug::IgnoresFences => fence = None,
            Bug::IgnoresPreconditions => writes.retain(|write| !write.events.is_empty()),
            Bug::IgnoresExpectations => {
                for write in &mut writes {
                    write.expected = ExpectedVersion::Any;
                }
            }
            Bug::FollowsAnyEvent => {
                for write in &mut writes {
                    if let ExpectedVersion::Follows { version, .. } = write.expected {
                        write.expected = ExpectedVersion::Exact(version);
                    }
                }
            }
            _ => {}
        }
        Commit::try_new(id, commit.recorded_at(), writes, fence).expect("still a commit")
    }

    /// Commits each stream with events separately. Returns the result of the last commit, or the first rejection.
    async fn torn(&self, commit: &Commit) -> Result<Receipt, Rejected> {
        let mut answer = None;
        for write in commit
            .writes()
            .iter()
            .filter(|write| !write.events.is_empty())
        {
            let writes = vec![write.clone()];
            let part = Commit::try_new(self.fresh_id(), commit.recorded_at(), writes, None);
            let answers = self.inner.append(&[part.expect("a part")]).await;
            answer = Some(answers.expect("an answer").remove(0)?);
        }
        Ok(answer.expect("a commit has events"))
    }

    /// The rejection of the first write that expects no stream where one exists.
    async fn taken(&self, batch: &[Commit]) -> Option<Rejected> {
        let writes = batch.iter().flat_map(Commit::writes);
        for Write {
            stream, expected, ..
        } in writes
        {
            let page = self
                .inner
                .read_stream(stream, Version::NONE, 1)
                .await
                .expect("a page");
            if *expected == ExpectedVersion::NoStream && !page.events.is_empty() {
                return Some(Rejected::WrongExpectedVersion {
                    stream: stream.clone(),
                    expected: *expected,
                    actual: Version(1),
                });
            }
        }
        None
    }

    /// Writes an event that readers do not see, where a sequence would have advanced.
    async fn leave_a_hole(&self) {
        let write = Write {
            stream: StreamId::new("filler", "filler"),
            expected: ExpectedVersion::Any,
            events: vec![filler()],
        };
        let hole = Commit::try_new(self.fresh_id(), DateTime::UNIX_EPOCH, vec![write], None);
        self.inner
            .append(&[hole.expect("a commit")])
            .await
            .expect("an answer");
    }

    fn tamper<'e>(&self, events: impl IntoIterator<Item = &'e mut Envelope>) {
        for event in events {
            match self.bug {
                Bug::DropsMetadata => event.metadata = Metadata::default(),
                Bug::RoundsTimes => {
                    let millis = event.recorded_at.timestamp_millis();
                    event.recorded_at = DateTime::from_timestamp_millis(millis).expect("a moment");
                }
                _ => {}
            }
        }
    }

    fn limit(&self, limit: usize) -> usize {
        if self.bug == Bug::IgnoresLimits {
            usize::MAX
        } else {
            limit
        }
    }
}

#[async_trait]
impl EventStore for Faulty {
    async fn append(&self, batch: &[Commit]) -> Result<Vec<Result<Receipt, Rejected>>, StoreError> {
        if self.bug == Bug::SplitsCommits {
            let mut answers = Vec::new();
            for commit in batch {
                answers.push(self.torn(commit).await);
            }
            return Ok(answers);
        }
        if self.bug == Bug::ChecksExpectationsFirst
            && let Some(rejected) = self.taken(batch).await
        {
            return Ok(vec![Err(rejected); batch.len()]);
        }
        let tampered: Vec<_> = batch.iter().map(|commit| self.tampered(commit)).collect();
        let mut answers = self.inner.append(&tampered).await?;
        let rejected = answers
            .iter()
            .find_map(|answer| answer.as_ref().err().cloned());
        match (self.bug, rejected) {
            (Bug::FailsTheBatch, Some(rejected)) => answers.fill(Err(rejected)),
            (Bug::SkipsPositions, Some(_)) => self.leave_a_hole().await,
            (Bug::ForgetsStreams, _) => {
                for receipt in answers
                    .iter_mut()
                    .flatten()
                    .filter(|receipt| receipt.duplicate)
                {
                    receipt.versions.truncate(1);
                }
            }
            _ => {}
        }
        Ok(answers)
    }

    async fn command_status(
        &self,
        command: CommandId,
        streams: &[StreamId],
    ) -> Result<CommandStatus, StoreError> {
        let mut standing = self.inner.command_status(command, streams).await?;
        if self.bug == Bug::TearsStanding {
            tokio::task::yield_now().await;
            standing.head = self.inner.head().await?;
        }
        Ok(standing)
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Version,
        limit: usize,
    ) -> Result<StreamPage, StoreError> {
        let mut page = self
            .inner
            .read_stream(stream, after, self.limit(limit))
            .await?;
        if self.bug == Bug::NeverEndsFullPages && page.events.len() == limit {
            page.is_end = false;
        }
        self.tamper(&mut page.events);
        Ok(page)
    }

    async fn read_all(
        &self,
        after: Position,
        filter: &Filter,
        limit: usize,
    ) -> Result<LogPage, StoreError> {
        let from = match self.bug {
            Bug::DoublesEvents => Position(after.0.saturating_sub(1)),
            _ => after,
        };
        let filter = match self.bug {
            Bug::IgnoresStreamTypes => Filter::of_types(filter.event_types()),
            Bug::IgnoresTooMuch => {
                let ignored: Vec<_> = filter.ignored().map(|(_, ignored)| ignored).collect();
                let streams = Filter::of_streams(&filter.stream_types()).ignoring(&ignored);
                Filter::of_types(filter.event_types()).or(streams)
            }
            _ => filter.clone(),
        };
        let mut page = self
            .inner
            .read_all(from, &filter, self.limit(limit))
            .await?;
        let count = page.entries.len();
        let is_unreadable = |entry: &Entry| entry.event().is_none();
        match self.bug {
            Bug::MakesNoProgress if count == 0 => page.read_up_to = after,
            Bug::ClaimsTheHead => page.read_up_to = page.head,
            Bug::SkipsPositions => page.entries.retain(|entry| entry.event_type() != "Filler"),
            Bug::LeavesUnreadableOut => page.entries.retain(|entry| !is_unreadable(entry)),
            Bug::FailsPages if page.entries.iter().any(is_unreadable) => {
                return Err(StoreError::Failed {
                    operation: "read the log",
                    source: Arc::from(Box::from("a row cannot be read")),
                });
            }
            Bug::ShowsLateCommitsFirst if count > 1 && self.count() < 50 => {
                page.entries.remove(count - 2);
            }
            _ => {}
        }
        let events = page.entries.iter_mut().filter_map(|entry| match entry {
            Entry::Event(envelope) => Some(Arc::make_mut(envelope)),
            Entry::Unreadable(_) => None,
        });
        self.tamper(events);
        Ok(page)
    }

    async fn head(&self) -> Result<Position, StoreError> {
        self.inner.head().await
    }

    async fn identify(&self, positions: &[Position]) -> Result<LogIdentity, StoreError> {
        let asked: Vec<_> = match self.bug {
            Bug::NamesTheEventBefore => {
                let before = |position: &Position| Position(position.0.saturating_sub(1));
                positions.iter().map(before).collect()
            }
            _ => positions.to_vec(),
        };
        let mut identity = self.inner.identify(&asked).await?;
        for (mark, position) in identity.marks.iter_mut().zip(positions) {
            mark.position = *position;
        }
        match self.bug {
            Bug::ChangesItsId => identity.head.log = LogId(self.fresh_id().0),
            Bug::SharesItsId => identity.head.log = LogId(Uuid::nil()),
            _ => {}
        }
        Ok(identity)
    }

    async fn wait_for(&self, position: Position) -> Result<Position, StoreError> {
        if self.bug == Bug::NeverWakes && self.inner.head().await? < position {
            std::future::pending::<()>().await;
        }
        self.inner.wait_for(position).await
    }

    async fn load_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
    ) -> Result<Option<Snapshot>, StoreError> {
        let stored = if self.bug == Bug::MixesSchemaVersions {
            0
        } else {
            schema_version
        };
        let loaded = self.inner.load_snapshot(stream, stored).await?;
        Ok(loaded.map(|snapshot| Snapshot {
            schema_version,
            version: Version(snapshot.version.0 % 1_000),
            ..snapshot
        }))
    }

    async fn save_snapshot(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let mut stored = snapshot.clone();
        match self.bug {
            Bug::MixesSchemaVersions => stored.schema_version = 0,
            // Each snapshot is stored with a higher version than the one before, which is reduced again when it is
            // loaded.
            Bug::ReplacesSnapshots => stored.version.0 += self.count() * 1_000,
            _ => {}
        }
        self.inner.save_snapshot(&stored).await
    }

    async fn remove_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
        version: Version,
    ) -> Result<(), StoreError> {
        if self.bug == Bug::KeepsForeignSnapshots {
            return Ok(());
        }
        self.inner
            .remove_snapshot(stream, schema_version, version)
            .await
    }
}

/// The harness of a store with a bug.
pub struct FaultyHarness {
    clock: Arc<ManualClock>,
    store: Arc<Faulty>,
}

impl FaultyHarness {
    /// A new store with this bug.
    pub fn new(bug: Bug) -> Self {
        let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let store = Faulty {
            inner: MemoryEventStore::new(Arc::clone(&clock) as _),
            bug,
            counter: AtomicU64::new(0),
        };
        Self {
            clock,
            store: Arc::new(store),
        }
    }
}

#[async_trait]
impl Harness for FaultyHarness {
    async fn open(&self) -> Handle {
        Handle::new(Arc::clone(&self.store))
    }

    async fn advance(&self, by: Duration) {
        self.clock
            .advance(TimeDelta::from_std(by).expect("a short time"));
    }

    async fn damage(&self, position: Position, variant: usize) -> bool {
        let is_supported = variant == 0;
        if is_supported {
            self.store.inner.damage(position, "damaged by a test");
        }
        is_supported
    }
}
