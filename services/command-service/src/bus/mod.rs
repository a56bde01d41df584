//! The command bus: the one place that every command passes, whatever it does.
//!
//! It reads what came beside the message (ids, deadline, trace), has the input validated, executes, measures, logs
//! what failed, and sorts the end into an answer, a business error, or a status.

mod command_bus;
mod refusal;

pub use command_bus::{CommandBus, Heard, internal, unanswered};
pub use refusal::{Refusal, to_error};
