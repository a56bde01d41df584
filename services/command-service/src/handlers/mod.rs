//! The write side's event handlers: side effects of events outside sagas.
//!
//! [`app`](crate::app) declares them once, as a list of [`Planned`] handlers. That list determines which handlers are
//! started, which events are read from the log, and which handlers operators can list, pause and resume.

mod decide;
mod notifications;
mod planned;
mod status;
mod webhooks;

use event_sourcing::handler::HandlerError;
use sagas::CallError;

pub use decide::{DecideOnHandler, HandlerDecision};
pub use notifications::OrderNotifications;
pub use planned::{PlannedHandler, filter, start};
pub use status::{EventHandlers, HandlerReport, HandlerStatus};
pub use webhooks::{Webhook, event_types};

/// A retryable error that respects the provider's `retry_after`.
fn retryable(failure: &CallError) -> HandlerError {
    let error = HandlerError::retryable(failure.reason());
    match failure.retry_after() {
        Some(wait) => error.retry_after(wait),
        None => error,
    }
}
