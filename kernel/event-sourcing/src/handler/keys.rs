//! The order of deliveries: the events that were read and are not done, and the parked streams.
//!
//! Nothing here waits or fails, so that the order can be tested separately.
//!
//! ```text
//!                   ┌───────────── done ─────────────┐
//!                   ▼                                │
//!   read ──► queue of its stream ──► ready ──► being delivered ──► failed ──► ready again after the backoff
//!                                                    │
//!                                                    └──► parked: the queue is dropped, and later events of the
//!                                                         stream are skipped; `replay` reads them again
//! ```

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::ParkedStream;
use crate::id::{Position, Version};
use crate::store::{Entry, LogPage};
use crate::stream::StreamId;

/// The waiting events of one stream. The first one is the next to deliver.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) entries: VecDeque<Entry>,
    /// The number of attempts of the first one.
    attempts: u32,
}

/// A parked stream that is read again.
#[derive(Debug)]
pub(super) struct Replay {
    pub(super) queue: Queue,
    /// The last version that was read.
    pub(super) after: Version,
    pub(super) read_up_to: Position,
}

/// A stream that is parked, or is being replayed.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) row: ParkedStream,
    /// The newest event of the stream that was skipped while it was parked. The replay must reach it.
    pub(super) skipped_up_to: Position,
    /// Set while it is replayed.
    pub(super) replay: Option<Replay>,
}

/// The changes of parked streams that are not written yet.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) parked: Vec<ParkedStream>,
    pub(super) released: Vec<StreamId>,
}

/// The next event to deliver.
#[derive(Debug)]
pub(super) struct NextEvent {
    pub(super) stream: StreamId,
    pub(super) entry: Entry,
    /// Counts from 1.
    pub(super) attempt: u32,
}

#[derive(Debug)]
pub(super) struct DeliveryQueues {
    queues: HashMap<StreamId, Queue>,
    /// Streams whose first event may be delivered.
    ready: VecDeque<StreamId>,
    /// The same for streams that are replayed. They have priority, so that they cannot starve.
    ready_again: VecDeque<StreamId>,
    /// The positions of all queued events: the lowest bounds the checkpoint.
    pending: BTreeSet<Position>,
    read_through: Position,
    pub(super) parked: HashMap<StreamId, Parked>,
    /// Parked streams that will be replayed.
    pub(super) resumed: VecDeque<StreamId>,
    changed: Vec<StreamId>,
}

impl DeliveryQueues {
    /// The state of a process that starts at a checkpoint.
    pub(super) fn new(checkpoint: Position, parked: Vec<ParkedStream>) -> Self {
        let parked = parked.into_iter().map(|row| {
            let parked = Parked {
                row,
                skipped_up_to: Position::START,
                replay: None,
            };
            (parked.row.stream.clone(), parked)
        });
        Self {
            queues: HashMap::new(),
            ready: VecDeque::new(),
            ready_again: VecDeque::new(),
            pending: BTreeSet::new(),
            read_through: checkpoint,
            parked: parked.collect(),
            resumed: VecDeque::new(),
            changed: Vec::new(),
        }
    }

    /// Every event up to here is done, or part of a parked stream.
    pub(super) fn checkpoint(&self) -> Position {
        match self.pending.first() {
            // Every event below the first pending one is done or parked, so a restart resumes at the pending one.
            Some(first) => Position(first.0.saturating_sub(1)),
            None => self.read_through,
        }
    }

    /// The position up to which the log was read.
    pub(super) fn read_up_to(&self) -> Position {
        self.read_through
    }

    /// The number of events that are not done.
    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Adds a page of the log.
    pub(super) fn read(&mut self, page: LogPage) {
        for entry in page.entries {
            let (stream, position) = (entry.stream(), entry.position());
            if let Some(parked) = self.parked.get_mut(stream) {
                // Not queued: the replay reads it from the stream again, after the event at which the stream is parked.
                parked.skipped_up_to = position;
                continue;
            }
            self.pending.insert(position);
            let stream = stream.clone();
            let queue = self.queues.entry(stream.clone()).or_default();
            queue.entries.push_back(entry);
            // Only the first event makes a stream ready; the next follows when it is done, which keeps the order.
            if queue.entries.len() == 1 {
                self.ready.push_back(stream);
            }
        }
        self.read_through = page.read_up_to.max(self.read_through);
    }

    /// The next event to deliver, of a stream without a delivery in progress. With `is_full` only replayed streams are
    /// considered.
    pub(super) fn next_event(&mut self, is_full: bool) -> Option<NextEvent> {
        loop {
            let again = self.ready_again.pop_front();
            let next = again.or_else(|| self.ready.pop_front_if(|_| !is_full));
            let stream = next?;
            // The stream may have been parked or released since it became ready; it is then skipped.
            if let Some(queue) = self.queue(&stream)
                && let Some(entry) = queue.entries.front().cloned()
            {
                queue.attempts += 1;
                return Some(NextEvent {
                    stream,
                    entry,
                    attempt: queue.attempts,
                });
            }
        }
    }

    /// Removes the first event of the stream, which is done or skipped. Returns true if the stream is being replayed
    /// and its next page must be read.
    pub(super) fn done(&mut self, stream: &StreamId) -> bool {
        let Some(queue) = self.queue(stream) else {
            return false;
        };
        let ended = queue.entries.pop_front();
        queue.attempts = 0;
        let is_empty = queue.entries.is_empty();
        if !is_empty {
            self.make_ready(stream.clone());
        }
        if self.parked.contains_key(stream) {
            return is_empty;
        }
        if let Some(ended) = ended {
            self.pending.remove(&ended.position());
        }
        if is_empty {
            self.queues.remove(stream);
        }
        false
    }

    /// Makes the first event of the stream ready for delivery.
    pub(super) fn make_ready(&mut self, stream: StreamId) {
        if self.parked.contains_key(&stream) {
            self.ready_again.push_back(stream);
        } else {
            self.ready.push_back(stream);
        }
    }

    /// Parks the stream before its first event. Its queued events no longer hold the checkpoint back: the row of the
    /// parked stream is written in the same transaction.
    pub(super) fn park(&mut self, row: ParkedStream) {
        let stream = row.stream.clone();
        let mut passed = row.position;
        for entry in self.queues.remove(&stream).unwrap_or_default().entries {
            passed = entry.position();
            self.pending.remove(&passed);
        }
        // A stream that fails during its replay keeps the newest position that was skipped before.
        let known = self.parked.get(&stream).map(|known| known.skipped_up_to);
        let parked = Parked {
            row,
            skipped_up_to: known.unwrap_or_default().max(passed),
            replay: None,
        };
        self.parked.insert(stream.clone(), parked);
        self.changed.push(stream);
    }

    /// Removes the stream from the parked ones.
    pub(super) fn release(&mut self, stream: &StreamId) {
        self.parked.remove(stream);
        self.changed.push(stream.clone());
    }

    /// Takes the rows that differ from the stored ones.
    pub(super) fn changes(&mut self) -> Changes {
        let mut changes = Changes::default();
        // A stream can change several times between two writes; only its last state is written.
        self.changed.sort_unstable();
        self.changed.dedup();
        for stream in self.changed.drain(..) {
            match self.parked.get(&stream) {
                Some(parked) => changes.parked.push(parked.row.clone()),
                None => changes.released.push(stream),
            }
        }
        changes
    }

    /// Whether a row differs from the stored one.
    pub(super) fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// The waiting events of a stream: those of the replay, if it is parked.
    fn queue(&mut self, stream: &StreamId) -> Option<&mut Queue> {
        match self.parked.get_mut(stream) {
            Some(parked) => parked.replay.as_mut().map(|replay| &mut replay.queue),
            None => self.queues.get_mut(stream),
        }
    }

    /// The first waiting event of a stream.
    pub(super) fn first(&self, stream: &StreamId) -> Option<&Entry> {
        let queue = match self.parked.get(stream) {
            Some(parked) => parked.replay.as_ref().map(|replay| &replay.queue),
            None => self.queues.get(stream),
        };
        queue?.entries.front()
    }
}

/// An entry's version in its stream.
pub(super) fn version(entry: &Entry) -> Version {
    match entry {
        Entry::Event(envelope) => envelope.version,
        Entry::Unreadable(unreadable) => unreadable.version,
    }
}
