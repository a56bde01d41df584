//! The event handlers of a process: a list that says which are started, which events are read from the log for them, and which
//! operators see.

mod planned;
mod status;

pub use planned::{PlannedHandler, filter, start};
pub use status::{EventHandlers, HandlerReport, HandlerStatus};
