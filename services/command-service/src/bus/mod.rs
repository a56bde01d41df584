//! The command bus: the one place that every command passes, whatever it does.
//!
//! It reads what came beside the message (ids, deadline, trace), has the input validated, executes, measures, logs
//! what failed, and sorts the end into an answer, a business error, or a status.

mod command_bus;
mod rejection;

pub use command_bus::{CommandBus, CommandOutcome, internal, unanswered};
pub use rejection::{BusinessRejection, to_error};
