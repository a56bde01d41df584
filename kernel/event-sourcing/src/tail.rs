//! A shared buffer of the newest events, so that all readers of a process follow the log with one read.
//!
//! Projections, caches and indexes need the newest events at the same time. Without a [`Tail`] each of them would send
//! the same query to the store. With it one reader reads the next page, and the others are served from the buffer:
//!
//! ```text
//!              │ far back: from the store │ in the buffer: from memory │ at its end: one reader reads for all
//!   log  ──────┴──────────────────────────┴────────────────────────────┴──────────────────────────────────────►
//! ```
//!
//! The log is append-only and positions have no gaps, so buffered events stay valid. A reader at the end is never
//! answered from memory: the store is queried. A store that was restored from an older copy, or replaced, is detected
//! when it is [identified](EventStore::identify): the buffer is then cleared.

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

/// The page size of a shared read. A reader with a larger lag reads from the store itself, in pages of
/// its own size.
const PAGE: u64 = 1_000;
/// The maximum number of buffered events.
const MAX_EVENTS: usize = 4_000;
/// The maximum size of the buffered events' data, in bytes.
const MAX_BYTES: usize = 8 << 20;

/// An event store that shares reads at the end of the log between its readers. All other calls are passed through.
pub struct Tail {
    store: Arc<dyn EventStore>,
    filter: Filter,
    buffer: Mutex<TailBuffer>,
    /// Held by the reader that extends the buffer.
    extending: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tail").finish_non_exhaustive()
    }
}

impl Tail {
    /// A tail of `store` for readers whose filters are subsets of `filter`. Other reads go to the store.
    #[must_use]
    pub fn new(store: Arc<dyn EventStore>, filter: Filter) -> Self {
        Self {
            store,
            filter,
            buffer: Mutex::default(),
            extending: tokio::sync::Mutex::default(),
        }
    }

    /// Extends the buffer past `after`, if the log has more events there.
    async fn extend(&self, after: Position) -> Result<ExtendResult, StoreError> {
        // Held during the read: readers that reach the end together send one query. If the one that reads is dropped, the
        // next in the queue reads instead.
        let _alone = self.extending.lock().await;
        let Some(start) = self.buffer.lock().read_from(after) else {
            // Another reader has extended the buffer while this one waited.
            return Ok(ExtendResult::Available);
        };
        let limit = usize::try_from(PAGE).unwrap_or(MAX_PAGE_EVENTS);
        // With the filter of the tail, since the page serves readers with other filters than the caller's.
        let page = self.store.read_all(start.position, &self.filter, limit);
        let page = page.await?;
        let (read_up_to, head) = (page.read_up_to, page.head);
        // The buffer is not locked during the read. `extend` discards the page if the buffer was cleared since.
        self.buffer.lock().extend(start, page);
        // The page is not the caller's: it may start before `after`, and have events that the caller's filter leaves out.
        Ok(if head > after {
            ExtendResult::Available
        } else {
            ExtendResult::EndOfLog(LogPage {
                entries: Vec::new(),
                read_up_to,
                head,
            })
        })
    }
}

enum ExtendResult {
    Available,
    /// The log ends here.
    EndOfLog(LogPage),
}

/// The source of a page.
enum Lookup {
    Page(LogPage),
    /// Read it from the store without buffering: it is too old to be shared.
    InStore,
    /// It starts at the end of the buffer, which must be extended.
    EndOfBuffer,
}

/// Every event after `after` and up to `read_up_to` that the filter matches.
#[derive(Default)]
struct TailBuffer {
    entries: VecDeque<Entry>,
    bytes: usize,
    after: Position,
    read_up_to: Position,
    head: Position,
    /// How often it was cleared. The position alone would not tell: a buffer that was cleared ends where an empty one did.
    clears: u64,
}

/// Where a page begins that extends the buffer.
#[derive(Clone, Copy)]
struct PageStart {
    position: Position,
    clears: u64,
}

impl TailBuffer {
    fn lookup(&self, after: Position, filter: &Filter, limit: usize) -> Lookup {
        if after >= self.read_up_to {
            // A rebuild, for example, would fill the buffer with old events and evict the new ones that others need next.
            let is_far = self.head.0.saturating_sub(after.0) > PAGE;
            return if is_far {
                Lookup::InStore
            } else {
                Lookup::EndOfBuffer
            };
        }
        if after < self.after {
            return Lookup::InStore;
        }
        let start = self
            .entries
            .partition_point(|entry| entry.position() <= after);
        let wanted = self.entries.range(start..);
        let wanted = wanted
            .filter(|entry| filter.matches(entry.stream().aggregate_type(), entry.event_type()));
        let entries: Vec<_> = wanted.take(limit).cloned().collect();
        // A full page ends at its last event. Otherwise the reader has passed the whole buffer, also what its filter left
        // out, so that its checkpoint advances without events.
        let read_up_to = match entries.last() {
            Some(last) if entries.len() == limit => last.position(),
            _ => self.read_up_to,
        };
        Lookup::Page(LogPage {
            entries,
            read_up_to,
            head: self.head,
        })
    }

    /// Where to read for a reader at `after`; `None` if that part is already buffered. A gap up to one page is read
    /// too; a larger one clears the buffer, which must stay contiguous.
    fn read_from(&mut self, after: Position) -> Option<PageStart> {
        if after < self.read_up_to {
            return None;
        }
        if after.0 - self.read_up_to.0 > PAGE {
            self.clear();
            (self.after, self.read_up_to) = (after, after);
        }
        Some(PageStart {
            position: self.read_up_to,
            clears: self.clears,
        })
    }

    fn clear(&mut self) {
        *self = Self {
            clears: self.clears + 1,
            ..Self::default()
        };
    }

    /// Records that the head is at least here. A buffered page that ends before it is then not reported as the last.
    fn observe_head(&mut self, head: Position) {
        // The answers of concurrent calls arrive in any order: an older head must not replace a newer one.
        self.head = self.head.max(head);
    }

    /// Clears the buffer if the log is not the one that was read: a buffered event is missing there or has another id.
    fn clear_if_foreign(&mut self, found: &[LogMark]) {
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
                // The log ends before a position that was part of it: it was restored from an older copy.
                (_, None) => mark.position > Position::START && mark.position <= self.head,
                (None, Some(_)) => false,
            }
        };
        if found.iter().any(is_foreign) {
            self.clear();
        }
    }

    fn extend(&mut self, from: PageStart, page: LogPage) {
        if self.clears != from.clears || self.read_up_to != from.position {
            // The buffer was cleared while the page was read; the page may belong to another log.
            return;
        }
        if page.read_up_to < from.position {
            // The log became shorter: it was restored from a copy, and no buffered event can be trusted.
            self.clear();
            return;
        }
        self.read_up_to = page.read_up_to;
        self.observe_head(page.head);
        self.bytes += page.entries.iter().map(size).sum::<usize>();
        self.entries.extend(page.entries);
        while self.entries.len() > MAX_EVENTS || self.bytes > MAX_BYTES {
            let Some(oldest) = self.entries.pop_front() else {
                return;
            };
            self.bytes -= size(&oldest);
            // A reader before the evicted event must read from the store, or it would skip that event.
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
        // The events are not buffered: those of other processes may lie between the end of the buffer and these.
        let accepted = answers.iter().flatten();
        if let Some(last) = accepted.map(|receipt| receipt.last).max() {
            self.buffer.lock().observe_head(last);
        }
        Ok(answers)
    }

    async fn command_status(
        &self,
        command: CommandId,
        streams: &[StreamId],
    ) -> Result<CommandStatus, StoreError> {
        self.store.command_status(command, streams).await
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
            let found = self.buffer.lock().lookup(after, filter, most);
            match found {
                Lookup::Page(page) => return Ok(page),
                Lookup::InStore => return self.store.read_all(after, filter, limit).await,
                Lookup::EndOfBuffer => match self.extend(after).await? {
                    // Look it up again: the buffer may have been extended further or cleared in the meantime.
                    ExtendResult::Available => {}
                    ExtendResult::EndOfLog(page) => return Ok(page),
                },
            }
        }
    }

    async fn head(&self) -> Result<Position, StoreError> {
        let head = self.store.head().await?;
        self.buffer.lock().observe_head(head);
        Ok(head)
    }

    async fn identify(&self, positions: &[Position]) -> Result<LogIdentity, StoreError> {
        let identity = self.store.identify(positions).await?;
        self.buffer.lock().clear_if_foreign(&identity.marks);
        Ok(identity)
    }

    async fn wait_for(&self, position: Position) -> Result<Position, StoreError> {
        // Always ask the store: the buffered head of a log that was restored to a shorter copy would wake this reader
        // in an endless loop.
        let head = self.store.wait_for(position).await?;
        self.buffer.lock().observe_head(head);
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{Lookup, TailBuffer};
    use crate::id::Position;
    use crate::log::{LogId, LogMark};
    use crate::store::{Filter, LogPage};

    #[test]
    fn a_page_that_was_read_before_the_buffer_was_cleared_is_discarded() {
        let mut buffer = TailBuffer::default();
        buffer.observe_head(Position(5));
        let start = buffer
            .read_from(Position::START)
            .expect("nothing is buffered");
        // Meanwhile the log is found to be another one: it ends before position 3.
        buffer.clear_if_foreign(&[LogMark {
            log: LogId(Uuid::nil()),
            position: Position(3),
            event: None,
        }]);
        let page = LogPage {
            entries: Vec::new(),
            read_up_to: Position(5),
            head: Position(5),
        };
        buffer.extend(start, page);
        let found = buffer.lookup(Position::START, &Filter::ALL, 10);
        assert!(matches!(found, Lookup::EndOfBuffer));
    }
}
