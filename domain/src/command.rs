//! Types and functions shared by the commands.

use std::sync::Arc;

use event_sourcing::execute::{DecideError, States, UnitOfWork};
use event_sourcing::{Aggregate, Version};

use crate::error::DomainError;
use crate::value::EntityId;

/// A decision in progress.
pub(crate) type Deciding<'w> = UnitOfWork<'w, DomainError>;

/// The result of a decision.
pub(crate) type Decided = Result<(), DecideError<DomainError>>;

/// The reply of a command: the state of the aggregate after it; none if the aggregate has no events.
pub(crate) fn reply<A: Aggregate>(states: &States, id: &EntityId) -> Option<Arc<A>> {
    let (state, version) = states.get::<A>(id.as_str())?;
    (version > Version::NONE).then_some(state)
}
