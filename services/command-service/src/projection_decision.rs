//! What operators decide about projections.

use domain::DomainError;
use domain::value::EntityId;
use event_sourcing::Position;
use event_sourcing::execute::{Command, DecideError, States, UnitOfWork};
use event_sourcing::projection::{Actor, ProjectionControl};

/// A decision about a projection. Which projections there are is the read side's to know.
#[derive(Clone, Debug)]
pub struct DecideOnProjection {
    pub projection: EntityId,
    pub decision: ProjectionDecision,
    /// Who decides it, and why.
    pub actor: Actor,
}

/// What can be decided about a projection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectionDecision {
    /// An event is left out of its rows.
    Skip(Position),
    /// It tries the event again that it is parked at.
    Resume,
}

impl Command for DecideOnProjection {
    const NAME: &'static str = "decide_on_projection";
    type Rejection = DomainError;
    type Reply = ();

    fn operation(&self) -> &'static str {
        match self.decision {
            ProjectionDecision::Skip(_) => "skip_projection_event",
            ProjectionDecision::Resume => "resume_projection",
        }
    }

    fn decide(
        &self,
        work: &mut UnitOfWork<'_, DomainError>,
    ) -> Result<(), DecideError<DomainError>> {
        let (name, actor) = (self.projection.as_str(), self.actor.clone());
        work.decide::<ProjectionControl, DomainError>(name, |control| {
            Ok(match self.decision {
                ProjectionDecision::Skip(position) => control.skip(name, position, actor),
                ProjectionDecision::Resume => control.resume(name, actor),
            })
        })
    }

    fn reply(&self, states: &States) -> Option<()> {
        let control = states.get::<ProjectionControl>(self.projection.as_str());
        control.map(|_| ())
    }
}
