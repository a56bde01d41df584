//! What the commands share.

use std::sync::Arc;

use event_sourcing::execute::{DecideError, States, UnitOfWork};
use event_sourcing::{Aggregate, Version};

use crate::error::DomainError;
use crate::value::EntityId;

/// A decision in progress.
pub(crate) type Deciding<'w> = UnitOfWork<'w, DomainError>;

/// How a decision ends.
pub(crate) type Decided = Result<(), DecideError<DomainError>>;

/// The reply of a command: what it has changed, as it left it. Nothing if that has no events, so that it never was.
pub(crate) fn reply<A: Aggregate>(states: &States, id: &EntityId) -> Option<Arc<A>> {
    let (state, version) = states.get::<A>(id.as_str())?;
    (version > Version::NONE).then_some(state)
}
