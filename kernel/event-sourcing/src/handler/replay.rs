//! The replay of a parked stream: its events are read from the log again, starting at the one at which it was parked,
//! until every event that was skipped while it was parked has been delivered.
//!
//! During the replay the stream stays parked, so that the main read of the log still skips its events, and a process
//! that crashes and restarts replays it from the same event. The row is deleted at the end.

use super::keys::{DeliveryQueues, Queue, Replay, version};
use crate::id::{Position, Version};
use crate::store::{Entry, Filter, StreamPage};
use crate::stream::StreamId;

/// The page size of a replay.
pub(super) const PAGE: usize = 100;

impl DeliveryQueues {
    /// Schedules the replay of a parked stream.
    pub(super) fn resume(&mut self, stream: &StreamId) {
        let is_parked = self
            .parked
            .get(stream)
            .is_some_and(|parked| parked.replay.is_none());
        if is_parked && !self.resumed.contains(stream) {
            self.resumed.push_back(stream.clone());
        }
    }

    /// The next stream to replay, with the version after which to read; `None` while `limit` streams are being
    /// replayed.
    pub(super) fn next_replay(&mut self, limit: usize) -> Option<(StreamId, Version)> {
        // Checked first: counting the replays visits all parked streams.
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

    /// The number of streams that are being replayed.
    fn replaying(&self) -> usize {
        let parked = self.parked.values();
        parked.filter(|parked| parked.replay.is_some()).count()
    }

    /// The version after which to continue reading a stream that is being replayed.
    pub(super) fn replayed_to(&self, stream: &StreamId) -> Option<Version> {
        let parked = self.parked.get(stream)?;
        parked.replay.as_ref().map(|replay| replay.after)
    }

    /// Adds a page of the stream. Returns true if the next page must be read; otherwise the stream has events to
    /// deliver, or is released.
    ///
    /// Events that the main read of the log has not reached yet are left to it.
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
            // The main read will find this event after the stream is released; delivering it here would deliver it
            // twice.
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
            self.make_ready(stream.clone());
            return false;
        }
        // Every skipped event was delivered or does not match. Otherwise the main read has skipped more since: read
        // again.
        if is_end && parked.skipped_up_to <= replay.read_up_to.max(parked.row.position) {
            self.release(stream);
            return false;
        }
        true
    }
}

/// The readable and unreadable events of a page, in order of version.
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

    /// An event of the only stream, whose version equals its position.
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
            read_up_to,
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

    /// A stream with two events, parked at event 1.
    fn parked() -> (DeliveryQueues, StreamId) {
        let mut keys = DeliveryQueues::new(Position::START, Vec::new());
        keys.read(log([1, 2]));
        let turn = keys.next_event(false).expect("an event to deliver");
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

    /// Delivers all ready events and returns their positions.
    fn deliver(keys: &mut DeliveryQueues) -> Vec<u64> {
        let turns = std::iter::from_fn(|| {
            let turn = keys.next_event(false)?;
            keys.done(&turn.stream);
            Some(turn.entry.position().0)
        });
        turns.collect()
    }

    #[test]
    fn events_read_during_the_replay_are_replayed_before_the_release() {
        let (mut keys, id) = parked();
        keys.resume(&id);
        assert_eq!(keys.next_replay(1), Some((id.clone(), Version::NONE)));
        assert!(!keys.replay(&id, stream([1, 2]), &Filter::ALL));
        assert_eq!(deliver(&mut keys), [1, 2]);
        // The main read skips event 3 after the replay has read the stream to its end.
        keys.read(log([3]));
        assert!(
            keys.replay(&id, stream([]), &Filter::ALL),
            "the next page must be read"
        );
        assert!(!keys.replay(&id, stream([3]), &Filter::ALL));
        assert_eq!(deliver(&mut keys), [3]);
        assert!(!keys.replay(&id, stream([]), &Filter::ALL));
        assert!(keys.parked.is_empty());
        keys.read(log([4]));
        assert_eq!(deliver(&mut keys), [4]);
    }

    #[test]
    fn events_that_the_main_read_has_not_reached_are_left_to_it() {
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
    fn a_parked_stream_does_not_hold_back_the_checkpoint_and_others_do() {
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
