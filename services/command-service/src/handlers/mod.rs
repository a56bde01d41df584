//! What else follows the log on the write side: event handlers.
//!
//! [`app`](crate::app) names them once, in a list of [`Planned`] handlers. From that list they are started, and are what
//! is read of the log, listed, paused and resumed.

mod decide;
mod notifications;
mod planned;
mod status;
mod webhooks;

use event_sourcing::handler::HandlerError;
use sagas::CallError;

pub use decide::{DecideOnHandler, HandlerDecision};
pub use notifications::OrderNotifications;
pub use planned::{Planned, filter, start};
pub use status::{EventHandlers, HandlerStatus, Standings};
pub use webhooks::{Webhook, event_types};

/// The failure of a provider that is to be tried again, and not before it wants to be.
fn again(failure: &CallError) -> HandlerError {
    let error = HandlerError::retryable(failure.reason());
    match failure.retry_after() {
        Some(wait) => error.retry_after(wait),
        None => error,
    }
}
