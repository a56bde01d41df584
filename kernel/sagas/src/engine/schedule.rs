//! Schedules the open sagas: which one is driven next, and when.
//!
//! ```text
//!            make_ready              take
//!   Idle ───────────────► Ready ──────────────► Running ──► Over   ended; removed when the log shows it
//!    ▲   (timer or wake)    │ partition lost       │
//!    └──────────────────────┴────── reschedule ────┘
//! ```
//!
//! A saga that is woken while it runs is marked (`woken`) and becomes ready as soon as it is rescheduled, so that no
//! wake-up is lost and no saga is driven twice at the same time.
//!
//! Nothing here is stored. After a crash the next owner of a partition takes its open sagas from the log and drives each
//! that does not wait for an operator; the drive computes the next wake-up from the saga's state.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use event_sourcing::id::Position;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::ownership::Ownership;

/// When a saga is to be driven again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextWake {
    /// Never: it has ended.
    Ended,
    /// When it is woken: there is nothing to do before.
    OnSignal,
    /// At this time, or when it is woken.
    Until(DateTime<Utc>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Idle,
    Ready,
    Running,
    /// Ended. It stays until the index reads the end, because an insertion by the index would otherwise add it again.
    Ended,
}

#[derive(Debug)]
struct Entry {
    kind: u8,
    partition: u16,
    place: Place,
    /// Woken while it was running.
    woken: bool,
    /// It waits for an operator, according to the log.
    is_suspended: bool,
    /// Its stream could not be read in the last drive, and that was logged.
    is_unreadable: bool,
    wake_at: Option<DateTime<Utc>>,
}

/// A saga that has not ended, according to the log.
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
    /// The position up to which the index has read the log.
    read_up_to: Position,
}

impl SchedulerState {
    fn insert(&mut self, saga_id: &str, kind: usize, partition: u16) -> bool {
        // The index and `insert_started` both report a new saga: the second report must not reset its entry.
        if self.sagas.contains_key(saga_id) {
            return false;
        }
        let entry = Entry {
            kind: u8::try_from(kind).unwrap_or(u8::MAX),
            partition,
            place: Place::Idle,
            woken: false,
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
                    // A ready saga has no timer, so that timers never accumulate.
                    if let Some(at) = entry.wake_at.take() {
                        self.timers.remove(&(at, Arc::clone(saga_id)));
                    }
                    self.ready.push_back(Arc::clone(saga_id));
                }
                // The drive may have read the saga's stream before the event that caused this wake-up.
                Place::Running => entry.woken = true,
                Place::Ready | Place::Ended => {}
            }
        }
    }

    /// Makes the sagas ready whose time has arrived, and returns the time of the next timer.
    fn wake(&mut self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        while let Some(at) = self.timers.first().map(|(at, _)| *at) {
            if at > now {
                return Some(at);
            }
            if let Some((_, saga_id)) = self.timers.pop_first() {
                // Also in a partition that was lost since the timer was set: `take` finds that and leaves the saga idle.
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
    /// Makes the sagas ready whose time has arrived, and returns the time of the next timer.
    pub(super) fn wake(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.state.lock().wake(now)
    }

    /// Waits until something may be due.
    pub(super) async fn changed(&self) {
        self.due.notified().await;
    }

    /// Records that the index has read the log up to `position`.
    pub(super) fn set_read_up_to(&self, position: Position) {
        self.state.lock().read_up_to = position;
    }

    /// Adds a saga that a commit at `position` started, unless the index has read up to there: it has then seen the saga,
    /// and perhaps its end, after which adding it would leave it open permanently.
    pub(super) fn insert_started(
        &self,
        saga_id: &str,
        kind: usize,
        partition: u16,
        position: Position,
    ) -> bool {
        let mut state = self.state.lock();
        // Compared and inserted under one lock: in between, the index could otherwise read and remove the saga.
        state.read_up_to < position && state.insert(saga_id, kind, partition)
    }

    /// Adds a saga. Returns whether it was unknown.
    pub(super) fn insert(&self, saga_id: &str, kind: usize, partition: u16) -> bool {
        self.state.lock().insert(saga_id, kind, partition)
    }

    /// Removes a saga whose end was read from the log. Returns it, if it was known.
    pub(super) fn remove(&self, saga_id: &str) -> Option<Open> {
        self.state.lock().remove(saga_id)
    }

    /// Wakes a saga, if this process owns its partition.
    pub(super) fn wake_saga(&self, saga_id: &str, ownership: &Ownership) {
        let mut state = self.state.lock();
        let Some((saga_id, entry)) = state.sagas.get_key_value(saga_id) else {
            return;
        };
        // Otherwise there is nothing to remember: the partition's owner finds the same event in the log, and a process that
        // acquires the partition drives all of its sagas.
        if ownership.owns(entry.partition) {
            let saga_id = Arc::clone(saga_id);
            state.make_ready(&saga_id);
            drop(state);
            self.due.notify_one();
        }
    }

    /// Wakes all sagas of a partition except those that wait for an operator: the log will show what the operator does.
    pub(super) fn wake_partition(&self, partition: u16) {
        let mut state = self.state.lock();
        let of_partition = state
            .sagas
            .iter()
            .filter(|(_, entry)| entry.partition == partition && !entry.is_suspended);
        let of_partition: Vec<_> = of_partition.map(|(id, _)| Arc::clone(id)).collect();
        for saga_id in of_partition {
            state.make_ready(&saga_id);
        }
        drop(state);
        self.due.notify_one();
    }

    /// Whether it was woken since its drive started.
    pub(super) fn is_woken(&self, saga_id: &str) -> bool {
        self.state
            .lock()
            .sagas
            .get(saga_id)
            .is_some_and(|entry| entry.woken)
    }

    /// Whether any saga of the partition is running.
    pub(super) fn is_running(&self, partition: u16) -> bool {
        self.state.lock().running.contains_key(&partition)
    }

    /// Sets whether it waits for an operator.
    pub(super) fn suspend(&self, saga_id: &str, is_suspended: bool) {
        if let Some(entry) = self.state.lock().sagas.get_mut(saga_id) {
            entry.is_suspended = is_suspended;
        }
    }

    /// Sets whether its stream is unreadable. Returns whether that changed.
    pub(super) fn set_unreadable(&self, saga_id: &str, is_unreadable: bool) -> bool {
        let mut state = self.state.lock();
        let entry = state.sagas.get_mut(saga_id);
        entry.is_some_and(|entry| {
            std::mem::replace(&mut entry.is_unreadable, is_unreadable) != is_unreadable
        })
    }

    /// The open sagas.
    pub(super) fn open(&self) -> Vec<Open> {
        let state = self.state.lock();
        let sagas = state.sagas.iter();
        sagas.map(|(id, entry)| Open::new(id, entry)).collect()
    }

    /// The number of open sagas that this process owns, and of those among them that wait for an operator.
    pub(super) fn count(&self, ownership: &Ownership) -> (usize, usize) {
        let state = self.state.lock();
        let own = state
            .sagas
            .values()
            .filter(|entry| ownership.owns(entry.partition));
        own.fold((0, 0), |(open, suspended), entry| {
            (open + 1, suspended + usize::from(entry.is_suspended))
        })
    }

    /// Takes the next saga that is ready and marks it as running.
    pub(super) fn take(&self, ownership: &Ownership) -> Option<Due> {
        let mut state = self.state.lock();
        while let Some(saga_id) = state.ready.pop_front() {
            // Removed by the index since it became ready.
            let Some(entry) = state.sagas.get_mut(&saga_id) else {
                continue;
            };
            // Lost or draining: the next owner wakes all sagas of the partition, so this one need not stay ready here.
            if !ownership.may_start(entry.partition) {
                entry.place = Place::Idle;
                continue;
            }
            // Before the drive reads the saga's stream, so that a wake-up from here on causes another drive.
            (entry.place, entry.woken) = (Place::Running, false);
            let (kind, partition) = (usize::from(entry.kind), entry.partition);
            // Under the same lock, because a draining partition is released as soon as none of its sagas is running.
            *state.running.entry(partition).or_default() += 1;
            return Some(Due {
                saga_id,
                kind,
                partition,
            });
        }
        None
    }

    /// Ends a drive. The partition is passed in, because the index may have removed the saga while it was running.
    pub(super) fn reschedule(&self, saga_id: &Arc<str>, partition: u16, rest: NextWake) {
        let mut state = self.state.lock();
        // Also for a removed saga: a draining partition is released only when its count is zero.
        if let Some(count) = state.running.get_mut(&partition) {
            *count -= 1;
            if *count == 0 {
                state.running.remove(&partition);
            }
        }
        let Some(entry) = state.sagas.get_mut(saga_id) else {
            return;
        };
        // Under the same lock as the change of place: a wake-up is either seen here or finds the saga idle.
        let again = std::mem::take(&mut entry.woken);
        entry.place = match rest {
            NextWake::Ended => Place::Ended,
            NextWake::OnSignal | NextWake::Until(_) => Place::Idle,
        };
        // An event arrived during the drive, and the time that the drive returned was computed without it.
        if again {
            state.make_ready(saga_id);
        } else if let NextWake::Until(at) = rest {
            entry.wake_at = Some(at);
            state.timers.insert((at, Arc::clone(saga_id)));
        }
        drop(state);
        self.due.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_waiting_saga_has_one_timer_however_often_it_was_rescheduled() {
        let schedule = Schedule::default();
        let saga_id: Arc<str> = "saga-1".into();
        schedule.insert(&saga_id, 0, 0);
        let start = DateTime::UNIX_EPOCH;
        for second in 0..100 {
            // Woken, and rescheduled for the same time or a later one.
            schedule.state.lock().make_ready(&saga_id);
            let at = start + TimeDelta::seconds(second / 2);
            schedule.reschedule(&saga_id, 0, NextWake::Until(at));
            assert_eq!(schedule.state.lock().timers.len(), 1);
        }
        let mut state = schedule.state.lock();
        assert_eq!(state.wake(start), Some(start + TimeDelta::seconds(49)));
        assert_eq!(state.wake(start + TimeDelta::seconds(49)), None);
        assert!(state.timers.is_empty());
        drop(state);
        schedule.reschedule(&saga_id, 0, NextWake::Until(start));
        schedule.remove(&saga_id);
        assert!(schedule.state.lock().timers.is_empty());
    }
}
