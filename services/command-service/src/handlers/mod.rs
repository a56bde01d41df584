//! What else follows the log on the write side: event handlers.
//!
//! [`app`](crate::app) names them once, in a list of [`Planned`] handlers. From that list they are started, and are what
//! is read of the log, listed, paused and resumed.

mod decide;
mod notifications;
mod planned;
mod standing;

pub use decide::{DecideOnHandler, HandlerDecision};
pub use notifications::OrderNotifications;
pub use planned::{Planned, filter, start};
pub use standing::{EventHandlers, Standing, Standings};
