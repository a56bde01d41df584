//! The command with which operators control projections.

use domain::DomainError;
use domain::value::EntityId;
use event_sourcing::Position;
use event_sourcing::execute::{Command, DecideError, States, UnitOfWork};
use event_sourcing::projection::{Actor, ProjectionControl};

/// An operator's decision about a projection. The name is not validated here: only the read side knows the projections.
#[derive(Clone, Debug)]
pub struct DecideOnProjection {
    pub projection: EntityId,
    pub decision: ProjectionDecision,
    /// The operator and the reason.
    pub actor: Actor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectionDecision {
    Skip(Position),
    Pause,
    /// Ends a pause, and retries the event that the projection is parked at.
    Resume,
}

impl Command for DecideOnProjection {
    const NAME: &'static str = "decide_on_projection";
    type Rejection = DomainError;
    type Reply = ();

    fn operation(&self) -> &'static str {
        match self.decision {
            ProjectionDecision::Skip(_) => "skip_projection_event",
            ProjectionDecision::Pause => "pause_projection",
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
                ProjectionDecision::Pause => control.pause(name, actor),
                ProjectionDecision::Resume => control.resume(name, actor),
            })
        })
    }

    fn reply(&self, states: &States) -> Option<()> {
        let control = states.get::<ProjectionControl>(self.projection.as_str());
        control.map(|_| ())
    }
}
