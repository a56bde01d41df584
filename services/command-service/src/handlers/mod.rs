//! The write side's event handlers: side effects of events outside sagas.
//!
//! [`app`](crate::app) declares them once, as a list of planned handlers ([`platform::event_handlers`]).

mod decide;
mod notifications;
mod webhooks;

use event_sourcing::handler::HandlerError;
use sagas::CallError;

pub use decide::{DecideOnHandler, HandlerDecision};
pub use notifications::OrderNotifications;
pub use webhooks::{Webhook, event_types};

/// A retryable error that respects the provider's `retry_after`.
fn retryable(failure: &CallError) -> HandlerError {
    let error = HandlerError::retryable(failure.reason());
    match failure.retry_after() {
        Some(wait) => error.retry_after(wait),
        None => error,
    }
}
