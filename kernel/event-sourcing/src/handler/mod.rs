//! Event handlers: anything else that follows the log, such as mails, webhooks or another system's index.
//!
//! A projection folds events into rows, and rows and checkpoint are written together. What an event handler does is
//! outside the database, so it cannot be: an event is delivered **at least once**, and the other side tells a repeat by
//! the [key](Delivery::idempotency_key) of the delivery.
//!
//! Events of one stream are delivered in order, each once the one before it is done; those of different streams side
//! by side. One that fails is tried again, with pauses. If that does not help, its **stream** is parked in front of it,
//! and not the handler: what comes later in that stream waits in the log, and all others continue. An operator has the
//! stream try again, or leaves the event out; then the stream's later events are read from the log, in order. (A dead
//! letter queue that keeps the order of each stream; *sequenced dead letter queue* in Axon.)
//!
//! ```text
//!              ┌─ order/1 ─ done ──── done
//!   log ───────┼─ order/2 ─ failed ─ again ─ again ─► parked: (handler, stream, position, reason)
//!              └─ order/3 ─ done       ▲                  │ an operator resumes it, or skips the event
//!                                      └──────────────────┘
//!   checkpoint: below the first event that has no end, which is done, or part of a parked stream
//! ```
//!
//! One process at a time runs a handler, under a lease. Checkpoint and parked streams are written in one transaction
//! ([`HandlerStore`]), which refuses a process that held the lease before.

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

/// Where a handler begins that has no checkpoint yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the first event of the log.
    Beginning,
    /// At the end of the log: what happened before its first start does not concern it.
    Now,
}

/// Does something with events, outside the database.
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
    /// The stored name, of its checkpoint and its lease.
    const NAME: &'static str;
    /// Where it begins at its first start.
    const START: Start;

    /// Tells handlers of one type apart, such as one for each of several receivers. It is part of the stored name.
    fn instance(&self) -> Option<&str> {
        None
    }

    /// Says which events it is for. It is called once and must say the same each time.
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

/// The longest pause that the other side can ask for: the checkpoint stays where it is meanwhile.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(10);

/// Why a handler could not do its work.
///
/// Any error becomes one that is tried again (`?`). It is no `Error` itself for that reason.
#[derive(Debug)]
pub struct HandlerError {
    is_permanent: bool,
    reason: String,
    retry_after: Option<Duration>,
}

impl HandlerError {
    /// To try again may help; after the last try the stream is parked. `reason` is shown to operators.
    pub fn retryable(reason: impl fmt::Display) -> Self {
        Self {
            is_permanent: false,
            reason: reason.to_string(),
            retry_after: None,
        }
    }

    /// To try again does not help: the stream is parked at once.
    pub fn permanent(reason: impl fmt::Display) -> Self {
        Self {
            is_permanent: true,
            reason: reason.to_string(),
            retry_after: None,
        }
    }

    /// The other side asks for a pause before the next try. Of one that is longer than ten minutes, these.
    #[must_use]
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause.min(MAX_RETRY_AFTER));
        self
    }

    /// How long the other side asks to be left in peace.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.retry_after.unwrap_or_default()
    }

    /// Whether it is pointless to try again.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.is_permanent
    }

    /// For operators.
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
