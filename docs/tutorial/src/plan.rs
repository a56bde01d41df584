//! The command that plans a show.

use event_sourcing::Command;
use event_sourcing::execute::{DecideError, States, UnitOfWork};

use crate::show::{Show, ShowRejection};

pub struct PlanShow {
    pub id: String,
    pub title: String,
    pub seats: u32,
}

impl Command for PlanShow {
    const NAME: &'static str = "plan_show";
    type Rejection = ShowRejection;
    type Reply = u32;

    fn decide(
        &self,
        work: &mut UnitOfWork<'_, ShowRejection>,
    ) -> Result<(), DecideError<ShowRejection>> {
        work.decide::<Show, _>(&self.id, |show| show.plan(&self.title, self.seats))
    }

    fn reply(&self, states: &States) -> Option<u32> {
        states.get::<Show>(&self.id)?.0.free
    }
}

#[cfg(test)]
mod tests {
    use event_sourcing::testing::{given_streams, written};

    use super::*;
    use crate::show::{Planned, ShowEvent};

    #[test]
    fn a_show_is_planned_once() {
        let planned = || {
            let title = "Hamlet".to_owned();
            ShowEvent::Planned(Planned { title, seats: 3 })
        };
        let command = PlanShow {
            id: "hamlet".to_owned(),
            title: "Hamlet".to_owned(),
            seats: 3,
        };
        given_streams()
            .when(&command)
            .then([written::<Show>("hamlet", [planned()])]);
        given_streams()
            .with::<Show>("hamlet", [planned()])
            .when(&command)
            .then_rejected(ShowRejection::AlreadyPlanned);
    }
}
