//! The command with which operators control event handlers.

use domain::DomainError;
use event_sourcing::execute::{Command, DecideError, Lane, States, UnitOfWork};
use event_sourcing::handler::HandlerControl;
use event_sourcing::{Actor, Position};

/// An operator's decision about an event handler.
#[derive(Clone, Debug)]
pub struct DecideOnHandler {
    pub handler: String,
    pub decision: HandlerDecision,
    /// The rejection, if the input was invalid. It is passed in rather than returned early because a repeated command
    /// must return its first receipt: after a skip the stream is no longer parked, so the repeat alone would be
    /// invalid.
    pub obstacle: Option<DomainError>,
    /// The operator and the reason.
    pub actor: Actor,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandlerDecision {
    Pause,
    /// The handler continues, and retries all its parked streams.
    Resume,
    /// Retries one parked stream.
    ResumeStream(String),
    /// Skips the event that a stream is parked at; the stream resumes after it.
    Skip {
        stream: String,
        /// The event's global position.
        position: Position,
    },
}

impl Command for DecideOnHandler {
    const NAME: &'static str = "decide_on_event_handler";
    type Rejection = DomainError;
    type Reply = ();

    fn operation(&self) -> &'static str {
        match self.decision {
            HandlerDecision::Pause => "pause_event_handler",
            HandlerDecision::Resume => "resume_event_handler",
            HandlerDecision::ResumeStream(_) => "resume_parked_stream",
            HandlerDecision::Skip { .. } => "skip_handled_event",
        }
    }

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::write::<HandlerControl>(&self.handler)]
    }

    fn decide(
        &self,
        work: &mut UnitOfWork<'_, DomainError>,
    ) -> Result<(), DecideError<DomainError>> {
        if let Some(obstacle) = &self.obstacle {
            return Err(obstacle.clone().into());
        }
        let (name, actor) = (self.handler.as_str(), self.actor.clone());
        let control = work.state::<HandlerControl>(name)?;
        let events = match &self.decision {
            HandlerDecision::Pause => control.pause(name, actor),
            HandlerDecision::Resume => control.resume(name, actor),
            HandlerDecision::ResumeStream(stream) => control.resume_stream(name, stream, actor),
            HandlerDecision::Skip { stream, position } => {
                control.skip(name, stream, *position, actor)
            }
        };
        work.append::<HandlerControl>(name, &events)
    }

    fn reply(&self, _: &States) -> Option<()> {
        Some(())
    }
}
