//! What operators decide about event handlers.

use domain::DomainError;
use event_sourcing::execute::{Command, DecideError, Lane, States, UnitOfWork};
use event_sourcing::handler::HandlerControl;
use event_sourcing::{Actor, Position};

/// A decision about an event handler.
#[derive(Clone, Debug)]
pub struct DecideOnHandler {
    pub handler: String,
    pub decision: HandlerDecision,
    /// Why it is rejected, but only if the command was not executed before: a stream that was skipped is not
    /// parked any more when the skip is sent again.
    pub obstacle: Option<DomainError>,
    /// Who decides it, and why.
    pub actor: Actor,
}

/// What can be decided about an event handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandlerDecision {
    Pause,
    /// It works, and all its parked streams try again.
    Resume,
    /// One parked stream tries again.
    ResumeStream(String),
    /// An event of a parked stream is left out, and the stream resumes after it.
    Skip {
        stream: String,
        /// The event's place in the log.
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
