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

#[cfg(test)]
mod tests {
    use std::fs;

    /// One that is not in the list compiles and never runs.
    #[test]
    fn every_event_handler_is_planned() {
        let app = include_str!("../app.rs");
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/handlers");
        let mut count = 0;
        for entry in fs::read_dir(folder).expect("the handlers") {
            let text = fs::read_to_string(entry.expect("an entry").path()).expect("a file");
            let handlers = text
                .lines()
                .filter_map(|line| line.strip_prefix("impl EventHandler for "));
            for handler in handlers {
                let name = handler.trim_end_matches(" {");
                let planned = format!("PlannedHandler::new({name}");
                assert!(
                    app.contains(&planned),
                    "add {name} to plan_handlers of app.rs"
                );
                count += 1;
            }
        }
        assert!(count >= 2, "{count} handlers");
    }
}
