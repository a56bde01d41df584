//! What a process knows of one generation: how far it is, and whether it may be read.
//!
//! A checkpoint can fall back: a query database gives up its last moments in a crash. A poll that started after the
//! last notification and reads a lower position therefore wins over what was heard before.

use std::time::Duration;

use event_sourcing::Position;
use event_sourcing::projection::Parked;
use tokio::time::Instant;

/// What is known of the generation of a projection's schema version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The generation; 0 until the first read.
    pub generation: i64,
    /// The rows are the fold of all events up to here, at least.
    pub position: Position,
    /// Whether the rows may be read. Until then they are being built: they were not yet at the head of the log, or not at
    /// the head that this process found when it started. Stays true for the generation, however far it lags later.
    pub caught_up: bool,
    /// Why it is parked, if it is.
    pub parked: Option<Parked>,
    /// The moment at which `position` was at or above the checkpoint in the database; none before the first read.
    pub as_of: Option<Instant>,
    heard_at: Option<Instant>,
    /// Whether the rows were at the head of the log, for whichever process.
    is_built: bool,
    floor: Floor,
}

/// What the rows must reach before this process answers from them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Floor {
    /// The generation that it is about; others need not reach it.
    pub(crate) generation: i64,
    /// Where the head was.
    pub(crate) position: Position,
    /// The rows are of another log, and never will do.
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
        as_of: None,
        heard_at: None,
        is_built: false,
        floor: Floor {
            generation: 0,
            position: Position::START,
            is_foreign: false,
        },
    };

    /// As it was read from the database by a poll that started at `as_of`.
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

    /// Whether it was confirmed within `age` before now.
    #[must_use]
    pub fn is_fresh(&self, age: Duration) -> bool {
        self.as_of.is_some_and(|as_of| as_of.elapsed() <= age)
    }

    pub(crate) fn observe(&mut self, generation: i64, position: Position, is_built: bool) -> bool {
        let is_news = position > self.position || is_built && !self.is_built;
        if generation != self.generation || !is_news {
            return false;
        }
        self.position = position.max(self.position);
        self.is_built |= is_built;
        self.heard_at = Some(Instant::now());
        self.admit();
        true
    }

    pub(crate) fn require(&mut self, floor: Floor) {
        self.floor = floor;
        self.caught_up = false;
        self.admit();
    }

    /// Lets the rows be read, once they have come as far as they must. A parked projection comes no further.
    fn admit(&mut self) {
        let floor = self.floor;
        let is_far = self.position < floor.position && self.parked.is_none();
        let is_barred = floor.generation == self.generation && (floor.is_foreign || is_far);
        self.caught_up |= self.is_built && !is_barred;
    }

    pub(crate) fn confirm(&mut self, read: Self) {
        let heard_since = self.heard_at > read.as_of;
        let is_same = self.generation == read.generation;
        if is_same && self.position > read.position && heard_since {
            self.as_of = read.as_of;
            self.is_built |= read.is_built;
        } else {
            *self = Self {
                caught_up: is_same && self.caught_up,
                heard_at: self.heard_at,
                floor: self.floor,
                ..read
            };
        }
        self.admit();
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
    fn a_poll_that_began_before_the_last_notification_does_not_take_it_back() {
        let before = Instant::now();
        let mut checkpoint = read(5, before);
        assert!(checkpoint.observe(1, Position(9), false));
        checkpoint.confirm(read(7, before));
        assert_eq!(checkpoint.position, Position(9));
        assert_eq!(checkpoint.as_of, Some(before));
    }

    #[test]
    fn a_later_poll_that_reads_less_shows_that_the_database_lost_its_end() {
        let mut checkpoint = read(5, Instant::now());
        assert!(checkpoint.observe(1, Position(9), false));
        let after = Instant::now() + Duration::from_millis(1);
        checkpoint.confirm(read(7, after));
        assert_eq!(checkpoint.position, Position(7));
    }

    #[test]
    fn a_notification_of_another_generation_is_not_a_checkpoint_of_the_active_one() {
        let mut checkpoint = read(5, Instant::now());
        assert!(!checkpoint.observe(2, Position(9), false));
        assert_eq!(checkpoint.position, Position(5));
    }

    #[test]
    fn rows_are_read_once_they_were_at_the_head_and_from_then_on() {
        let mut checkpoint = read(5, Instant::now());
        checkpoint.confirm(read(7, Instant::now()));
        assert!(!checkpoint.caught_up, "it is being built");
        assert!(checkpoint.observe(1, Position(9), true));
        assert!(checkpoint.caught_up);
        let later = Instant::now() + Duration::from_secs(1);
        checkpoint.confirm(read(3, later));
        assert!(checkpoint.caught_up, "also if the database lost its end");
        let other = Checkpoint {
            generation: 2,
            ..read(9, later)
        };
        checkpoint.confirm(other);
        assert!(!checkpoint.caught_up, "another generation is being built");
    }

    #[test]
    fn rows_that_lag_at_the_start_are_not_read_before_they_reach_the_head_of_the_start() {
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
        assert!(parked.caught_up, "it comes no further");
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
        assert!(checkpoint.caught_up, "the next generation is of this one");
    }
}
