//! Which saga is looked at next.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use event_sourcing::id::Position;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::ownership::Ownership;

/// How a look at a saga ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextWake {
    /// It has ended.
    Ended,
    /// Nothing is to be done until somebody touches it.
    OnSignal,
    /// There will be more to do at this time.
    Until(DateTime<Utc>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Idle,
    Ready,
    Running,
    /// Ended; it leaves when the log says so as well.
    Over,
}

#[derive(Debug)]
struct Entry {
    kind: u8,
    partition: u16,
    place: Place,
    /// Touched while it was driven.
    again: bool,
    /// It waits for a person, as the log says: until it is resumed there, or ends.
    is_suspended: bool,
    /// Its stream could not be read when it was looked at last, and that was logged.
    is_unreadable: bool,
    wake_at: Option<DateTime<Utc>>,
}

/// A saga that has not ended, as the log says.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) saga_id: Arc<str>,
    pub(super) kind: usize,
    pub(super) partition: u16,
    pub(super) is_suspended: bool,
}

impl Open {
    fn new(saga_id: &Arc<str>, entry: &Entry) -> Self {
        Self {
            saga_id: Arc::clone(saga_id),
            kind: usize::from(entry.kind),
            partition: entry.partition,
            is_suspended: entry.is_suspended,
        }
    }
}

/// The open sagas of all partitions, and what is due.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    state: Mutex<SchedulerState>,
    due: Notify,
}

#[derive(Debug, Default)]
struct SchedulerState {
    sagas: HashMap<Arc<str>, Entry>,
    ready: VecDeque<Arc<str>>,
    /// One for each saga that has a `wake_at`.
    timers: BTreeSet<(DateTime<Utc>, Arc<str>)>,
    running: HashMap<u16, usize>,
    /// The log is heard up to here.
    read_up_to: Position,
}

impl SchedulerState {
    fn insert(&mut self, saga_id: &str, kind: usize, partition: u16) -> bool {
        if self.sagas.contains_key(saga_id) {
            return false;
        }
        let entry = Entry {
            kind: u8::try_from(kind).unwrap_or(u8::MAX),
            partition,
            place: Place::Idle,
            again: false,
            is_suspended: false,
            is_unreadable: false,
            wake_at: None,
        };
        self.sagas.insert(saga_id.into(), entry);
        true
    }

    fn make_ready(&mut self, saga_id: &Arc<str>) {
        if let Some(entry) = self.sagas.get_mut(saga_id) {
            match entry.place {
                Place::Idle => {
                    entry.place = Place::Ready;
                    if let Some(at) = entry.wake_at.take() {
                        self.timers.remove(&(at, Arc::clone(saga_id)));
                    }
                    self.ready.push_back(Arc::clone(saga_id));
                }
                Place::Running => entry.again = true,
                Place::Ready | Place::Over => {}
            }
        }
    }

    /// Makes ready what has waited long enough, and gives the time of the next.
    fn wake(&mut self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        while let Some(at) = self.timers.first().map(|(at, _)| *at) {
            if at > now {
                return Some(at);
            }
            if let Some((_, saga_id)) = self.timers.pop_first() {
                self.make_ready(&saga_id);
            }
        }
        None
    }

    fn remove(&mut self, saga_id: &str) -> Option<Open> {
        let (saga_id, entry) = self.sagas.remove_entry(saga_id)?;
        if let Some(at) = entry.wake_at {
            self.timers.remove(&(at, Arc::clone(&saga_id)));
        }
        Some(Open::new(&saga_id, &entry))
    }
}

/// A saga that is to be driven.
pub(super) struct Due {
    pub(super) saga_id: Arc<str>,
    pub(super) kind: usize,
    pub(super) partition: u16,
}

impl Schedule {
    /// Makes ready what has waited long enough, and gives the time of the next.
    pub(super) fn wake(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.state.lock().wake(now)
    }

    /// Waits until something may be due.
    pub(super) async fn changed(&self) {
        self.due.notified().await;
    }

    /// From here on the events up to `position` are heard.
    pub(super) fn hear_through(&self, position: Position) {
        self.state.lock().read_up_to = position;
    }

    /// Adds a saga that a commit at `position` started, unless the log was heard up to there: it may have ended since.
    pub(super) fn insert_begun(
        &self,
        saga_id: &str,
        kind: usize,
        partition: u16,
        position: Position,
    ) -> bool {
        let mut book = self.state.lock();
        book.read_up_to < position && book.insert(saga_id, kind, partition)
    }

    /// Adds a saga, and says whether it was not known.
    pub(super) fn insert(&self, saga_id: &str, kind: usize, partition: u16) -> bool {
        self.state.lock().insert(saga_id, kind, partition)
    }

    /// The log says that it has ended. Gives it, if it was known.
    pub(super) fn remove(&self, saga_id: &str) -> Option<Open> {
        self.state.lock().remove(saga_id)
    }

    /// Has it looked at, if this process owns it.
    pub(super) fn touch(&self, saga_id: &str, ownership: &Ownership) {
        let mut book = self.state.lock();
        let Some((saga_id, entry)) = book.sagas.get_key_value(saga_id) else {
            return;
        };
        if ownership.owns(entry.partition) {
            let saga_id = Arc::clone(saga_id);
            book.make_ready(&saga_id);
            drop(book);
            self.due.notify_one();
        }
    }

    /// Has all sagas of a partition looked at, except those that wait for a person: the log will tell of the person.
    pub(super) fn touch_partition(&self, partition: u16) {
        let mut book = self.state.lock();
        let of_partition = book
            .sagas
            .iter()
            .filter(|(_, entry)| entry.partition == partition && !entry.is_suspended);
        let of_partition: Vec<_> = of_partition.map(|(id, _)| Arc::clone(id)).collect();
        for saga_id in of_partition {
            book.make_ready(&saga_id);
        }
        drop(book);
        self.due.notify_one();
    }

    /// Whether it was touched since it is driven.
    pub(super) fn is_touched(&self, saga_id: &str) -> bool {
        self.state
            .lock()
            .sagas
            .get(saga_id)
            .is_some_and(|entry| entry.again)
    }

    /// Whether any saga of the partition is being driven.
    pub(super) fn is_driven(&self, partition: u16) -> bool {
        self.state.lock().running.contains_key(&partition)
    }

    /// It waits for a person, or no more.
    pub(super) fn suspend(&self, saga_id: &str, is_suspended: bool) {
        if let Some(entry) = self.state.lock().sagas.get_mut(saga_id) {
            entry.is_suspended = is_suspended;
        }
    }

    /// Its stream cannot be read, or can be read again. Whether that is new.
    pub(super) fn set_unreadable(&self, saga_id: &str, is_unreadable: bool) -> bool {
        let mut book = self.state.lock();
        let entry = book.sagas.get_mut(saga_id);
        entry.is_some_and(|entry| {
            std::mem::replace(&mut entry.is_unreadable, is_unreadable) != is_unreadable
        })
    }

    /// The open sagas.
    pub(super) fn open(&self) -> Vec<Open> {
        let book = self.state.lock();
        let sagas = book.sagas.iter();
        sagas.map(|(id, entry)| Open::new(id, entry)).collect()
    }

    /// How many of the sagas that this process owns are open, and how many of them wait for a person.
    pub(super) fn count(&self, ownership: &Ownership) -> (usize, usize) {
        let book = self.state.lock();
        let own = book
            .sagas
            .values()
            .filter(|entry| ownership.owns(entry.partition));
        own.fold((0, 0), |(open, suspended), entry| {
            (open + 1, suspended + usize::from(entry.is_suspended))
        })
    }

    pub(super) fn take(&self, ownership: &Ownership) -> Option<Due> {
        let mut book = self.state.lock();
        while let Some(saga_id) = book.ready.pop_front() {
            let Some(entry) = book.sagas.get_mut(&saga_id) else {
                continue;
            };
            if !ownership.may_begin(entry.partition) {
                entry.place = Place::Idle;
                continue;
            }
            (entry.place, entry.again) = (Place::Running, false);
            let (kind, partition) = (usize::from(entry.kind), entry.partition);
            *book.running.entry(partition).or_default() += 1;
            return Some(Due {
                saga_id,
                kind,
                partition,
            });
        }
        None
    }

    pub(super) fn reschedule(&self, saga_id: &Arc<str>, partition: u16, rest: NextWake) {
        let mut book = self.state.lock();
        if let Some(count) = book.running.get_mut(&partition) {
            *count -= 1;
            if *count == 0 {
                book.running.remove(&partition);
            }
        }
        let Some(entry) = book.sagas.get_mut(saga_id) else {
            return;
        };
        let again = std::mem::take(&mut entry.again);
        entry.place = match rest {
            NextWake::Ended => Place::Over,
            NextWake::OnSignal | NextWake::Until(_) => Place::Idle,
        };
        if again {
            book.make_ready(saga_id);
        } else if let NextWake::Until(at) = rest {
            entry.wake_at = Some(at);
            book.timers.insert((at, Arc::clone(saga_id)));
        }
        drop(book);
        self.due.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_saga_that_waits_has_one_timer_however_often_it_was_looked_at() {
        let schedule = Schedule::default();
        let saga_id: Arc<str> = "saga-1".into();
        schedule.insert(&saga_id, 0, 0);
        let begun = DateTime::UNIX_EPOCH;
        for second in 0..100 {
            // Touched from outside, and put back until the same time or a later one.
            schedule.state.lock().make_ready(&saga_id);
            let at = begun + TimeDelta::seconds(second / 2);
            schedule.reschedule(&saga_id, 0, NextWake::Until(at));
            assert_eq!(schedule.state.lock().timers.len(), 1);
        }
        let mut book = schedule.state.lock();
        assert_eq!(book.wake(begun), Some(begun + TimeDelta::seconds(49)));
        assert_eq!(book.wake(begun + TimeDelta::seconds(49)), None);
        assert!(book.timers.is_empty());
        drop(book);
        schedule.reschedule(&saga_id, 0, NextWake::Until(begun));
        schedule.remove(&saga_id);
        assert!(schedule.state.lock().timers.is_empty());
    }
}
