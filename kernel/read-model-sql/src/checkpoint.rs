//! A process's view of one generation: its checkpoint, and whether its rows may be read.
//!
//! A checkpoint can decrease: commits are not synced, so a crash of the query database can lose the last ones. A poll
//! that started after the last notification therefore replaces it, also with a lower position.

use std::time::Duration;

use event_sourcing::Position;
use event_sourcing::projection::Parked;
use tokio::time::Instant;

/// The last known state of a generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The generation; 0 before the first read.
    pub generation: i64,
    /// The rows are the fold of all events up to this position, at least.
    pub position: Position,
    /// Whether the rows may be read. Before that they are being built: they have not reached the head of the log, or
    /// not the head that this process found when it started. It stays true for the generation, also while it
    /// lags.
    pub caught_up: bool,
    /// The event at which it is parked and the reason, if it is.
    pub parked: Option<Parked>,
    /// Whether an operator has paused the projection, as the runner in this process knows.
    pub is_paused: bool,
    /// The time at which the checkpoint in the database was at or below `position`; `None` before the first read.
    pub as_of: Option<Instant>,
    notified_at: Option<Instant>,
    /// Whether the rows have reached the head of the log once, in any process.
    is_built: bool,
    floor: Floor,
}

/// What the rows must reach before this process reads them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Floor {
    /// The generation that must reach it; others need not.
    pub(crate) generation: i64,
    /// The head when this process started.
    pub(crate) position: Position,
    /// Whether the rows are of another log and so may never be read.
    pub(crate) is_foreign: bool,
}

impl Default for Checkpoint {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

impl Checkpoint {
    pub(crate) const UNKNOWN: Self = Self {
        generation: 0,
        position: Position::START,
        caught_up: false,
        parked: None,
        is_paused: false,
        as_of: None,
        notified_at: None,
        is_built: false,
        floor: Floor {
            generation: 0,
            position: Position::START,
            is_foreign: false,
        },
    };

    /// A checkpoint read from the database by a poll that started at `as_of`.
    pub(crate) fn read(
        generation: i64,
        position: Position,
        is_built: bool,
        parked: Option<Parked>,
        as_of: Instant,
    ) -> Self {
        Self {
            generation,
            position,
            is_built,
            parked,
            as_of: Some(as_of),
            ..Self::UNKNOWN
        }
    }

    /// Whether a read has confirmed it within the last `age`.
    #[must_use]
    pub fn is_fresh(&self, age: Duration) -> bool {
        self.as_of.is_some_and(|as_of| as_of.elapsed() <= age)
    }

    pub(crate) fn observe(&mut self, generation: i64, position: Position, is_built: bool) -> bool {
        let is_newer = position > self.position || is_built && !self.is_built;
        // A notification of another generation is ignored: only a read changes the generation, together with its
        // position.
        if generation != self.generation || !is_newer {
            return false;
        }
        self.position = position.max(self.position);
        self.is_built |= is_built;
        self.notified_at = Some(Instant::now());
        self.update_caught_up();
        true
    }

    pub(crate) fn require(&mut self, floor: Floor) {
        self.floor = floor;
        self.caught_up = false;
        self.update_caught_up();
    }

    /// Whether the rows stay at their position until an operator or another binary acts.
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        self.parked.is_some() || self.is_paused
    }

    pub(crate) fn set_paused(&mut self, is_paused: bool) {
        self.is_paused = is_paused;
        self.update_caught_up();
    }

    /// Allows reads of the rows when they have reached the floor. A parked or paused projection makes no progress, so its
    /// rows are read as they are.
    fn update_caught_up(&mut self) {
        let floor = self.floor;
        let is_far = self.position < floor.position && !self.is_stalled();
        let is_barred = floor.generation == self.generation && (floor.is_foreign || is_far);
        self.caught_up |= self.is_built && !is_barred;
    }

    pub(crate) fn confirm(&mut self, read: Self) {
        // A read that started before the last notification may have seen an older checkpoint. It confirms, but does not
        // decrease the position.
        let notified_since = self.notified_at > read.as_of;
        let is_same = self.generation == read.generation;
        if !is_same && self.as_of > read.as_of {
            // It started before a read that has seen the swap of the generations.
            return;
        }
        if is_same && self.position > read.position && notified_since {
            self.as_of = read.as_of;
            self.is_built |= read.is_built;
        } else {
            *self = Self {
                caught_up: is_same && self.caught_up,
                is_paused: self.is_paused,
                notified_at: self.notified_at,
                floor: self.floor,
                ..read
            };
        }
        self.update_caught_up();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(position: u64, as_of: Instant) -> Checkpoint {
        Checkpoint {
            generation: 1,
            position: Position(position),
            as_of: Some(as_of),
            ..Checkpoint::UNKNOWN
        }
    }

    #[test]
    fn a_poll_from_before_the_last_notification_does_not_decrease_the_position() {
        let before = Instant::now();
        let mut checkpoint = read(5, before);
        assert!(checkpoint.observe(1, Position(9), false));
        checkpoint.confirm(read(7, before));
        assert_eq!(checkpoint.position, Position(9));
        assert_eq!(checkpoint.as_of, Some(before));
    }

    #[test]
    fn a_lower_position_from_a_later_poll_replaces_the_checkpoint() {
        let mut checkpoint = read(5, Instant::now());
        assert!(checkpoint.observe(1, Position(9), false));
        let after = Instant::now() + Duration::from_millis(1);
        checkpoint.confirm(read(7, after));
        assert_eq!(checkpoint.position, Position(7));
    }

    #[test]
    fn a_notification_of_another_generation_is_ignored() {
        let mut checkpoint = read(5, Instant::now());
        assert!(!checkpoint.observe(2, Position(9), false));
        assert_eq!(checkpoint.position, Position(5));
    }

    #[test]
    fn a_read_from_before_a_swap_does_not_return_to_the_previous_generation() {
        let before = Instant::now();
        let after = before + Duration::from_millis(1);
        let mut checkpoint = read(5, before);
        let swapped = Checkpoint {
            generation: 2,
            ..read(6, after)
        };
        checkpoint.confirm(swapped);
        checkpoint.confirm(read(5, before));
        assert_eq!(
            (checkpoint.generation, checkpoint.position),
            (2, Position(6))
        );
        let later = after + Duration::from_millis(1);
        checkpoint.confirm(read(7, later));
        assert_eq!(
            (checkpoint.generation, checkpoint.position),
            (1, Position(7))
        );
    }

    #[test]
    fn rows_are_readable_after_they_have_reached_the_head_once() {
        let mut checkpoint = read(5, Instant::now());
        checkpoint.confirm(read(7, Instant::now()));
        assert!(!checkpoint.caught_up, "it is being built");
        assert!(checkpoint.observe(1, Position(9), true));
        assert!(checkpoint.caught_up);
        let later = Instant::now() + Duration::from_secs(1);
        checkpoint.confirm(read(3, later));
        assert!(checkpoint.caught_up, "also if the checkpoint decreases");
        let other = Checkpoint {
            generation: 2,
            ..read(9, later)
        };
        checkpoint.confirm(other);
        assert!(!checkpoint.caught_up, "another generation is being built");
    }

    #[test]
    fn rows_that_lag_at_start_are_not_readable_before_they_reach_the_head() {
        let built = |position| Checkpoint {
            is_built: true,
            ..read(position, Instant::now())
        };
        let floor = Floor {
            generation: 1,
            position: Position(9),
            is_foreign: false,
        };
        let mut checkpoint = Checkpoint::UNKNOWN;
        checkpoint.require(floor);
        checkpoint.confirm(built(5));
        assert!(!checkpoint.caught_up);
        let mut parked = checkpoint.clone();
        parked.confirm(Checkpoint {
            parked: Some(Parked {
                position: Position(6),
                reason: "unreadable".to_owned(),
            }),
            ..built(5)
        });
        assert!(parked.caught_up, "a parked projection makes no progress");
        assert!(checkpoint.observe(1, Position(9), false));
        assert!(checkpoint.caught_up);
        checkpoint.require(Floor {
            is_foreign: true,
            ..floor
        });
        assert!(!checkpoint.caught_up, "the rows are of another log");
        checkpoint.confirm(Checkpoint {
            generation: 2,
            ..built(3)
        });
        assert!(checkpoint.caught_up, "the next generation is of this log");
    }
}
