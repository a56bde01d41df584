//! How a parked stream comes back: its events are read from the log again, from the one that it was parked at, until
//! none is left that was passed while it was parked.
//!
//! Meanwhile the stream stays among the parked ones, so that what is read of it otherwise is passed, and a process that
//! starts replays it from the same event. Its row is deleted at the end.

use super::keys::{Keys, Queue, version};
use crate::id::{Position, Version};
use crate::store::{Entry, Filter, StreamPage};
use crate::stream::StreamId;

/// The events of one read.
pub(super) const PAGE: usize = 100;

/// A stream that is read again.
#[derive(Debug)]
pub(super) struct Replay {
    pub(super) queue: Queue,
    /// It was read up to here.
    after: Version,
    through: Position,
}

impl Keys {
    /// Has a parked stream try again, once there is room.
    pub(super) fn resume(&mut self, stream: &StreamId) {
        let is_parked = self
            .parked
            .get(stream)
            .is_some_and(|parked| parked.replay.is_none());
        if is_parked && !self.resumed.contains(stream) {
            self.resumed.push_back(stream.clone());
        }
    }

    /// The next stream that is to be read again, and after which version.
    pub(super) fn next_replay(&mut self) -> Option<(StreamId, Version)> {
        while let Some(stream) = self.resumed.pop_front() {
            let Some(parked) = self.parked.get_mut(&stream) else {
                continue;
            };
            let after = Version(parked.row.version.0.saturating_sub(1));
            parked.replay = Some(Replay {
                queue: Queue::default(),
                after,
                through: Position::START,
            });
            return Some((stream, after));
        }
        None
    }

    /// How many streams are being replayed.
    pub(super) fn replaying(&self) -> usize {
        let parked = self.parked.values();
        parked.filter(|parked| parked.replay.is_some()).count()
    }

    /// After which version a stream is to be read on that is being replayed.
    pub(super) fn replayed_to(&self, stream: &StreamId) -> Option<Version> {
        let parked = self.parked.get(stream)?;
        parked.replay.as_ref().map(|replay| replay.after)
    }

    /// Adds a page of the stream. Whether the stream is to be read on; otherwise it has events whose turn comes, or is
    /// not parked any more.
    ///
    /// What the reading of the log has not come to yet is left to it.
    pub(super) fn replay(&mut self, stream: &StreamId, page: StreamPage, filter: &Filter) -> bool {
        let read_through = self.read_through();
        let Some(parked) = self.parked.get_mut(stream) else {
            return false;
        };
        let Some(replay) = &mut parked.replay else {
            return false;
        };
        let mut is_end = page.is_end;
        for entry in in_order(page) {
            if entry.position() > read_through {
                is_end = true;
                break;
            }
            (replay.after, replay.through) = (version(&entry), entry.position());
            if filter.matches(entry.stream().aggregate_type(), entry.event_type()) {
                replay.queue.entries.push_back(entry);
            }
        }
        if !replay.queue.entries.is_empty() {
            self.again(stream.clone());
            return false;
        }
        if is_end && parked.passed <= replay.through.max(parked.row.position) {
            self.release(stream);
            return false;
        }
        true
    }
}

/// The events of a page and those that cannot be read, by their versions.
fn in_order(page: StreamPage) -> Vec<Entry> {
    let events = page
        .events
        .into_iter()
        .map(|event| Entry::Event(event.into()));
    let unreadable = page.unreadable.into_iter();
    let unreadable = unreadable.map(|event| Entry::Unreadable(event.into()));
    let mut entries: Vec<_> = events.chain(unreadable).collect();
    entries.sort_unstable_by_key(version);
    entries
}
