//! Event handlers: side effects of events, such as e-mails, webhooks or another system's index.
//!
//! A projection folds events into rows, and rows and checkpoint are written in one transaction. The effect of an event
//! handler is outside the database, so that is not possible: an event is delivered **at least once**, and the receiver
//! deduplicates by the [idempotency key](Delivery::idempotency_key).
//!
//! Events of one stream are delivered in order, each after the one before it is handled; different streams are
//! delivered concurrently. A failed event is retried with backoff. If it still fails, its **stream** is parked before
//! the event, not the handler: later events of that stream wait in the log, and all other streams continue. An operator
//! resumes the stream or skips the event; then the stream's later events are read from the log, in order. (A dead
//! letter queue that preserves the order of each stream; *sequenced dead letter queue* in Axon.)
//!
//! ```text
//!              ┌─ order/1 ─ done ──── done
//!   log ───────┼─ order/2 ─ failed ─ retry ─ retry ─► parked: (handler, stream, position, reason)
//!              └─ order/3 ─ done       ▲                  │ an operator resumes it, or skips the event
//!                                      └──────────────────┘
//!   checkpoint: below the first event that is neither done nor part of a parked stream
//! ```
//!
//! One process at a time runs a handler, under a lease. Checkpoint and parked streams are written in one transaction
//! ([`HandlerStore`]), which rejects a process that lost the lease.

mod config;
mod control;
mod delivery;
mod delivery_loop;
mod keys;
mod reactions;
mod replay;
mod runner;
mod shared;
mod step;
mod store;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

pub use config::HandlerConfig;
pub use control::{
    HandlerControl, HandlerControlEvent, HandlerPaused, HandlerResumed, HandlerStreamResumed,
    HandlerStreamSkipped, handler_decisions,
};
pub use delivery::Delivery;
pub use reactions::{React, Reaction, Reactions, filter_of};
pub use runner::HandlerRunner;
pub use shared::{HandlerParts, HandlerState};
pub use store::{HandlerProgress, HandlerStore, HandlerWrite, ParkedStream};

/// Where a handler without a checkpoint starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the first event of the log.
    Beginning,
    /// At the head of the log: it does not get events from before its first start.
    Now,
}

/// Reacts to events with effects outside the database.
///
/// ```
/// # use event_sourcing::testing::doc::{Counter, Incremented};
/// use event_sourcing::handler::{Delivery, EventHandler, HandlerError, Reactions, Start};
///
/// struct Announcements;
///
/// impl EventHandler for Announcements {
///     const NAME: &'static str = "announcements";
///     const START: Start = Start::Now;
///
///     fn reactions(&self, on: &mut Reactions<Self>) {
///         on.aggregate::<Counter>(Self::on_counter);
///     }
/// }
///
/// impl Announcements {
///     async fn on_counter(
///         &self,
///         event: &Incremented,
///         delivery: Delivery<'_>,
///     ) -> Result<(), HandlerError> {
///         println!("{}: + {}", delivery.idempotency_key(), event.by);
///         Ok(())
///     }
/// }
/// ```
pub trait EventHandler: Send + Sync + Sized + 'static {
    /// The stored name of its checkpoint and its lease.
    const NAME: &'static str;
    /// Where its first start begins to read.
    const START: Start;

    /// Distinguishes handlers of one type, such as one for each of several receivers. It is part of the stored name.
    fn instance(&self) -> Option<&str> {
        None
    }

    /// Registers the events that it handles. Called once per runner; every call must register the same reactions.
    fn reactions(&self, on: &mut Reactions<Self>);
}

/// The stored name of a handler: `NAME`, or `NAME:instance`.
#[must_use]
pub fn name_of<H: EventHandler>(handler: &H) -> Cow<'static, str> {
    match handler.instance() {
        None => Cow::Borrowed(H::NAME),
        Some(instance) => Cow::Owned(format!("{}:{instance}", H::NAME)),
    }
}

/// The maximum retry delay that a receiver can request: the checkpoint does not advance during it.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(10);

/// Why a handler failed.
///
/// `?` converts any error into a retryable one; therefore this type does not implement `Error` itself.
#[derive(Debug)]
pub struct HandlerError {
    is_permanent: bool,
    reason: String,
    retry_after: Option<Duration>,
}

impl HandlerError {
    /// A failure that is retried; after the last attempt the stream is parked. `reason` is shown to operators.
    pub fn retryable(reason: impl fmt::Display) -> Self {
        Self {
            is_permanent: false,
            reason: reason.to_string(),
            retry_after: None,
        }
    }

    /// A failure that a retry does not resolve: the stream is parked immediately.
    pub fn permanent(reason: impl fmt::Display) -> Self {
        Self {
            is_permanent: true,
            reason: reason.to_string(),
            retry_after: None,
        }
    }

    /// Delays the next attempt at least by `pause`, as the receiver requested; limited to ten minutes.
    #[must_use]
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause.min(MAX_RETRY_AFTER));
        self
    }

    /// The minimum delay before the next attempt.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.retry_after.unwrap_or_default()
    }

    /// Whether a retry cannot succeed.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.is_permanent
    }

    /// The reason that is shown to operators.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl<E: std::error::Error> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self::retryable(crate::error::with_causes(&error))
    }
}
