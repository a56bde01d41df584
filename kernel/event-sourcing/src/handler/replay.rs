//! How a parked stream comes back: its events are read from the log again, from the one that it was parked at, until
//! none is left that was passed while it was parked.
//!
//! Meanwhile the stream stays among the parked ones, so that what is read of it otherwise is passed, and a process that
//! starts replays it from the same event. Its row is deleted at the end.

use super::keys::{Keys, Queue, Replay, version};
use crate::id::{Position, Version};
use crate::store::{Entry, Filter, StreamPage};
use crate::stream::StreamId;

/// The events of one read.
pub(super) const PAGE: usize = 100;

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

    /// The next stream that is to be read again, and after which version; nothing while `limit` streams are.
    pub(super) fn next_replay(&mut self, limit: usize) -> Option<(StreamId, Version)> {
        // The parked streams are counted only when one of them waits.
        if self.resumed.is_empty() || self.replaying() >= limit {
            return None;
        }
        while let Some(stream) = self.resumed.pop_front() {
            let Some(parked) = self.parked.get_mut(&stream) else {
                continue;
            };
            let after = Version(parked.row.version.0.saturating_sub(1));
            parked.replay = Some(Replay {
                queue: Queue::default(),
                after,
                read_up_to: Position::START,
            });
            return Some((stream, after));
        }
        None
    }

    /// How many streams are being replayed.
    fn replaying(&self) -> usize {
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
        let read_through = self.read_up_to();
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
            (replay.after, replay.read_up_to) = (version(&entry), entry.position());
            if filter.matches(entry.stream().aggregate_type(), entry.event_type()) {
                replay.queue.entries.push_back(entry);
            }
        }
        if !replay.queue.entries.is_empty() {
            self.again(stream.clone());
            return false;
        }
        if is_end && parked.passed <= replay.read_up_to.max(parked.row.position) {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::envelope::{DecodedOnce, Envelope};
    use crate::event::Metadata;
    use crate::handler::ParkedStream;
    use crate::store::LogPage;

    /// An event of the only stream whose place in it is that in the log.
    fn event(number: u64) -> Envelope {
        Envelope {
            position: Position(number),
            stream: StreamId::new("counter", "a"),
            version: Version(number),
            event_id: Uuid::from_u128(number.into()),
            command_id: None,
            event_type: "Incremented".to_owned(),
            schema_version: 1,
            data: "{}".to_owned(),
            metadata: Metadata::default(),
            recorded_at: DateTime::UNIX_EPOCH,
            decoded: DecodedOnce::default(),
        }
    }

    fn log(numbers: impl IntoIterator<Item = u64>) -> LogPage {
        let entries: Vec<_> = numbers
            .into_iter()
            .map(|number| Entry::Event(Arc::new(event(number))))
            .collect();
        let read_up_to = entries.last().map_or(Position::START, Entry::position);
        LogPage {
            entries,
            read_up_to: read_up_to,
            head: read_up_to,
        }
    }

    fn stream(numbers: impl IntoIterator<Item = u64>) -> StreamPage {
        StreamPage {
            events: numbers.into_iter().map(event).collect(),
            unreadable: Vec::new(),
            is_end: true,
        }
    }

    /// A stream that was parked at its event 1, of two that were read.
    fn parked() -> (Keys, StreamId) {
        let mut keys = Keys::new(Position::START, Vec::new());
        keys.read(log([1, 2]));
        let turn = keys.next_turn(false).expect("a turn");
        keys.park(ParkedStream {
            stream: turn.stream.clone(),
            position: Position(1),
            version: Version(1),
            event_type: "Incremented".to_owned(),
            reason: "a test".to_owned(),
            parked_at: DateTime::UNIX_EPOCH,
            decisions: 0,
        });
        (keys, turn.stream)
    }

    /// The places of the events whose turn comes, each of which is done.
    fn deliver(keys: &mut Keys) -> Vec<u64> {
        let turns = std::iter::from_fn(|| {
            let turn = keys.next_turn(false)?;
            keys.done(&turn.stream);
            Some(turn.entry.position().0)
        });
        turns.collect()
    }

    #[test]
    fn what_was_read_of_the_stream_meanwhile_is_replayed_before_it_is_released() {
        let (mut keys, id) = parked();
        keys.resume(&id);
        assert_eq!(keys.next_replay(1), Some((id.clone(), Version::NONE)));
        assert!(!keys.replay(&id, stream([1, 2]), &Filter::ALL));
        assert_eq!(deliver(&mut keys), [1, 2]);
        // Event 3 was read of the log, and passed, after the stream was read to its end.
        keys.read(log([3]));
        assert!(keys.replay(&id, stream([]), &Filter::ALL), "it is read on");
        assert!(!keys.replay(&id, stream([3]), &Filter::ALL));
        assert_eq!(deliver(&mut keys), [3]);
        assert!(!keys.replay(&id, stream([]), &Filter::ALL));
        assert!(keys.parked.is_empty());
        keys.read(log([4]));
        assert_eq!(deliver(&mut keys), [4]);
    }

    #[test]
    fn what_the_reading_of_the_log_has_not_come_to_is_left_to_it() {
        let (mut keys, id) = parked();
        keys.resume(&id);
        keys.next_replay(1);
        assert!(!keys.replay(&id, stream([1, 2, 3]), &Filter::ALL));
        assert_eq!(deliver(&mut keys), [1, 2]);
        assert!(!keys.replay(&id, stream([3]), &Filter::ALL));
        assert!(keys.parked.is_empty());
        keys.read(log([3]));
        assert_eq!(deliver(&mut keys), [3]);
    }

    #[test]
    fn a_parked_stream_holds_no_checkpoint_and_others_hold_theirs() {
        let (mut keys, _) = parked();
        assert_eq!(keys.checkpoint(), Position(2));
        let mut other = event(3);
        other.stream = StreamId::new("counter", "b");
        keys.read(LogPage {
            entries: vec![Entry::Event(Arc::new(other))],
            read_up_to: Position(9),
            head: Position(9),
        });
        assert_eq!(keys.checkpoint(), Position(2));
        assert_eq!(deliver(&mut keys), [3]);
        assert_eq!(keys.checkpoint(), Position(9));
    }
}
