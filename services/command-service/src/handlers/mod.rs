//! What else follows the log on the write side: event handlers.
//!
//! [`app`](crate::app) names them once, in a list of [`Planned`] handlers. From that list they are started, and are what
//! is read of the log, listed, paused and resumed.

mod decide;
mod notifications;
mod planned;
mod standing;
mod webhooks;

use event_sourcing::handler::HandlerError;
use sagas::Failure;

pub use decide::{DecideOnHandler, HandlerDecision};
pub use notifications::OrderNotifications;
pub use planned::{Planned, filter, start};
pub use standing::{EventHandlers, Standing, Standings};
pub use webhooks::{Webhook, event_types};

/// The failure of a provider that is to be tried again, and not before it wants to be.
fn again(failure: &Failure) -> HandlerError {
    let error = HandlerError::retryable(failure.reason());
    match failure.wait() {
        Some(wait) => error.not_before(wait),
        None => error,
    }
}
