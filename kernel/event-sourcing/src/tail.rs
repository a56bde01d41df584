//! One reading of the log for all who follow it in a process.
//!
//! Projections, caches and indexes want the newest events at the same moment. If each of them reads for itself, the
//! store answers the same question once for each. Behind a [`Tail`] one of them reads, and the others are answered
//! from what it kept:
//!
//! ```text
//!              │ far behind: from the store │ among what is kept: from memory │ at its end: one reads on for all
//!   log  ──────┴────────────────────────────┴─────────────────────────────────┴──────────────────────────────────►
//! ```
//!
//! The log only grows, and positions have no gaps, so what was read once stays true. Whoever is at the end is never
//! answered from memory: the store is asked. A store that was restored from an older copy, or replaced, is noticed when
//! it is [identified](EventStore::identify): what was kept of the log before is then forgotten.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::commit::{Commit, Receipt, Rejected};
use crate::id::{CommandId, Position, Version};
use crate::log::{LogIdentity, LogMark};
use crate::store::{
    CommandStatus, Entry, EventStore, Filter, LogPage, MAX_PAGE_EVENTS, Snapshot, StoreError,
    StreamPage,
};
use crate::stream::StreamId;

/// The events of one read. Whoever is further behind the head reads for itself, in pages of its own size.
const PAGE: u64 = 1_000;
/// The most events that are kept.
const MAX_EVENTS: usize = 4_000;
/// The most bytes of data that are kept.
const MAX_BYTES: usize = 8 << 20;

/// A store whose log is read once for all who follow it through this. Everything else goes to the store as it comes.
pub struct Tail {
    store: Arc<dyn EventStore>,
    filter: Filter,
    kept: Mutex<TailBuffer>,
    /// Held by the one that reads on.
    reading: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tail").finish_non_exhaustive()
    }
}

impl Tail {
    /// A tail of `store` for readers whose filters let nothing through that `filter` does not. Others are answered
    /// by the store.
    #[must_use]
    pub fn new(store: Arc<dyn EventStore>, filter: Filter) -> Self {
        Self {
            store,
            filter,
            kept: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
        }
    }

    /// Reads on behind what is kept, so that `after` is not its end any more, if the log goes on there.
    async fn extend(&self, after: Position) -> Result<Extended, StoreError> {
        let _alone = self.reading.lock().await;
        let Some(from) = self.kept.lock().read_from(after) else {
            // Whoever was alone before has read it.
            return Ok(Extended::There);
        };
        let limit = usize::try_from(PAGE).unwrap_or(MAX_PAGE_EVENTS);
        let page = self.store.read_all(from, &self.filter, limit).await?;
        let (read_up_to, head) = (page.read_up_to, page.head);
        self.kept.lock().extend(from, page);
        Ok(if head > after {
            Extended::There
        } else {
            Extended::Nothing(LogPage {
                entries: Vec::new(),
                read_up_to: read_up_to,
                head,
            })
        })
    }
}

enum Extended {
    There,
    /// The log ends here.
    Nothing(LogPage),
}

/// Where a page comes from.
enum Lookup {
    Page(LogPage),
    /// The store has it, and to keep it would help nobody.
    InStore,
    /// It begins where what is kept ends.
    Next,
}

/// Every event behind `after` and up to `read_up_to` that the filter lets through.
#[derive(Default)]
struct TailBuffer {
    entries: VecDeque<Entry>,
    bytes: usize,
    after: Position,
    read_up_to: Position,
    head: Position,
}

impl TailBuffer {
    fn look(&self, after: Position, filter: &Filter, limit: usize) -> Lookup {
        if after >= self.read_up_to {
            let is_far = self.head.0.saturating_sub(after.0) > PAGE;
            return if is_far {
                Lookup::InStore
            } else {
                Lookup::Next
            };
        }
        if after < self.after {
            return Lookup::InStore;
        }
        let behind = self
            .entries
            .partition_point(|entry| entry.position() <= after);
        let wanted = self.entries.range(behind..);
        let wanted = wanted
            .filter(|entry| filter.matches(entry.stream().aggregate_type(), entry.event_type()));
        let entries: Vec<_> = wanted.take(limit).cloned().collect();
        let read_up_to = match entries.last() {
            Some(last) if entries.len() == limit => last.position(),
            _ => self.read_up_to,
        };
        Lookup::Page(LogPage {
            entries,
            read_up_to: read_up_to,
            head: self.head,
        })
    }

    /// Where to read for somebody who is at `after`, if it was not read yet. What lies between is read as well, unless
    /// it is much.
    fn read_from(&mut self, after: Position) -> Option<Position> {
        if after < self.read_up_to {
            return None;
        }
        if after.0 - self.read_up_to.0 > PAGE {
            *self = Self {
                after,
                read_up_to: after,
                ..Self::default()
            };
        }
        Some(self.read_up_to)
    }

    /// The log goes on at least to here. So a page that ends before it does not seem to be the last.
    fn see(&mut self, head: Position) {
        self.head = self.head.max(head);
    }

    /// Forgets everything if the log is not the one that was read: where an event was, there is none or another one.
    fn compare(&mut self, found: &[LogMark]) {
        let is_foreign = |mark: &LogMark| {
            let index = self
                .entries
                .partition_point(|entry| entry.position() < mark.position);
            let kept = match self.entries.get(index) {
                Some(Entry::Event(event)) if event.position == mark.position => Some(event),
                _ => None,
            };
            match (kept, mark.event) {
                (Some(kept), Some(found)) => kept.event_id != found,
                (_, None) => mark.position > Position::START && mark.position <= self.head,
                (None, Some(_)) => false,
            }
        };
        if found.iter().any(is_foreign) {
            *self = Self::default();
        }
    }

    fn extend(&mut self, from: Position, page: LogPage) {
        if self.read_up_to != from {
            // What was kept was forgotten while the page was read, which may be of another log.
            return;
        }
        if page.read_up_to < from {
            // A log that has lost its end was restored: nothing that was kept need be true.
            *self = Self::default();
            return;
        }
        self.read_up_to = page.read_up_to;
        self.see(page.head);
        self.bytes += page.entries.iter().map(size).sum::<usize>();
        self.entries.extend(page.entries);
        while self.entries.len() > MAX_EVENTS || self.bytes > MAX_BYTES {
            let Some(oldest) = self.entries.pop_front() else {
                return;
            };
            self.bytes -= size(&oldest);
            self.after = oldest.position();
        }
    }
}

fn size(entry: &Entry) -> usize {
    entry.event().map_or(0, |event| event.data.len())
}

#[async_trait]
impl EventStore for Tail {
    async fn append(&self, batch: &[Commit]) -> Result<Vec<Result<Receipt, Rejected>>, StoreError> {
        let answers = self.store.append(batch).await?;
        let accepted = answers.iter().flatten();
        if let Some(last) = accepted.map(|receipt| receipt.last).max() {
            self.kept.lock().see(last);
        }
        Ok(answers)
    }

    async fn standing(
        &self,
        command: CommandId,
        streams: &[StreamId],
    ) -> Result<CommandStatus, StoreError> {
        self.store.standing(command, streams).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Version,
        limit: usize,
    ) -> Result<StreamPage, StoreError> {
        self.store.read_stream(stream, after, limit).await
    }

    async fn read_all(
        &self,
        after: Position,
        filter: &Filter,
        limit: usize,
    ) -> Result<LogPage, StoreError> {
        if !self.filter.covers(filter) {
            return self.store.read_all(after, filter, limit).await;
        }
        let most = limit.clamp(1, MAX_PAGE_EVENTS);
        loop {
            let found = self.kept.lock().look(after, filter, most);
            match found {
                Lookup::Page(page) => return Ok(page),
                Lookup::InStore => return self.store.read_all(after, filter, limit).await,
                Lookup::Next => match self.extend(after).await? {
                    Extended::There => {}
                    Extended::Nothing(page) => return Ok(page),
                },
            }
        }
    }

    async fn head(&self) -> Result<Position, StoreError> {
        let head = self.store.head().await?;
        self.kept.lock().see(head);
        Ok(head)
    }

    async fn identify(&self, positions: &[Position]) -> Result<LogIdentity, StoreError> {
        let identity = self.store.identify(positions).await?;
        self.kept.lock().compare(&identity.marks);
        Ok(identity)
    }

    async fn wait_for(&self, position: Position) -> Result<Position, StoreError> {
        // Asked each time: what was seen of a log that has lost its end since would wake this reader for ever.
        let head = self.store.wait_for(position).await?;
        self.kept.lock().see(head);
        Ok(head)
    }

    async fn load_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
    ) -> Result<Option<Snapshot>, StoreError> {
        self.store.load_snapshot(stream, schema_version).await
    }

    async fn save_snapshot(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.store.save_snapshot(snapshot).await
    }

    async fn remove_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
        version: Version,
    ) -> Result<(), StoreError> {
        self.store
            .remove_snapshot(stream, schema_version, version)
            .await
    }
}
