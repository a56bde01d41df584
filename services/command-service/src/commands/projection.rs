//! What operators decide about projections.

use domain::DomainError;
use domain::value::EntityId;
use event_sourcing::Position;
use event_sourcing::execute::{Command, Lane, States, Work};
use event_sourcing::projection::{Actor, ProjectionControl};

use super::Stopped;

/// A decision about a projection. Which projections there are is the read side's to know.
#[derive(Clone, Debug)]
pub struct DecideOnProjection {
    /// The projection's name.
    pub projection: EntityId,
    /// What is decided.
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
    type Refusal = DomainError;
    type Answer = ();
    const FIRST_EVENTS: &'static [&'static str] = &["ProjectionSkipped", "ProjectionResumed"];

    fn lanes(&self) -> Vec<Lane> {
        vec![Lane::write::<ProjectionControl>(self.projection.as_str())]
    }

    fn decide(&self, work: &mut Work) -> Result<(), Stopped> {
        let name = self.projection.as_str();
        let control = work.state::<ProjectionControl>(name)?;
        let actor = self.actor.clone();
        let events = match self.decision {
            ProjectionDecision::Skip(position) => control.skip(name, position, actor),
            ProjectionDecision::Resume => control.resume(name, actor),
        };
        Ok(work.append::<ProjectionControl>(name, &events)?)
    }

    fn answer(&self, states: &States) -> Option<()> {
        let control = states.get::<ProjectionControl>(self.projection.as_str());
        control.map(|_| ())
    }
}
