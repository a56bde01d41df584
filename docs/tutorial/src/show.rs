//! A show and its seats.

use chrono::{DateTime, Utc};
use event_sourcing::{Aggregate, DomainEvent};
use serde::{Deserialize, Serialize};

/// What happened to a show.
#[derive(Clone, Debug, PartialEq, DomainEvent)]
pub enum ShowEvent {
    #[event(name = "ShowPlanned")]
    Planned(Planned),
    #[event(name = "SeatsReserved")]
    Reserved(Seats),
    #[event(name = "SeatsReleased")]
    Released(Seats),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    pub title: String,
    pub seats: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seats {
    pub count: u32,
}

/// What its events add up to. `None` before the show is planned.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Show {
    pub free: Option<u32>,
}

impl Aggregate for Show {
    const TYPE: &'static str = "show";
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = ShowEvent;

    fn evolve(&mut self, event: &ShowEvent, _at: DateTime<Utc>) {
        let free = self.free.unwrap_or_default();
        self.free = Some(match event {
            ShowEvent::Planned(planned) => planned.seats,
            ShowEvent::Reserved(seats) => free.saturating_sub(seats.count),
            ShowEvent::Released(seats) => free.saturating_add(seats.count),
        });
    }
}

/// Why a command on a show is rejected.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum ShowRejection {
    #[error("the show is planned already")]
    AlreadyPlanned,
    #[error("there is no such show")]
    NotPlanned,
    #[error("{wanted} seats are wanted and {free} are free")]
    SoldOut { free: u32, wanted: u32 },
}

impl Show {
    pub fn plan(&self, title: &str, seats: u32) -> Result<Vec<ShowEvent>, ShowRejection> {
        if self.free.is_some() {
            return Err(ShowRejection::AlreadyPlanned);
        }
        let title = title.to_owned();
        Ok(vec![ShowEvent::Planned(Planned { title, seats })])
    }

    pub fn reserve(&self, count: u32) -> Result<Vec<ShowEvent>, ShowRejection> {
        let free = self.free.ok_or(ShowRejection::NotPlanned)?;
        if count > free {
            let wanted = count;
            return Err(ShowRejection::SoldOut { free, wanted });
        }
        Ok(vec![ShowEvent::Reserved(Seats { count })])
    }
}

#[cfg(test)]
mod tests {
    use event_sourcing::testing::given;

    use super::*;

    fn planned(seats: u32) -> ShowEvent {
        let title = "Hamlet".to_owned();
        ShowEvent::Planned(Planned { title, seats })
    }

    #[test]
    fn seats_are_reserved_while_there_are_some() {
        let reserved = |count| ShowEvent::Reserved(Seats { count });
        given::<Show>([planned(3), reserved(2)])
            .when(|show| show.reserve(1))
            .then([reserved(1)]);
    }

    #[test]
    fn no_seat_is_sold_twice() {
        given::<Show>([planned(3)])
            .when(|show| show.reserve(4))
            .then_rejected(ShowRejection::SoldOut { free: 3, wanted: 4 });
    }
}
