//! The command bus, which every command passes through.
//!
//! It reads the metadata (ids, deadline, trace), has the input validated, executes the command, records metrics, logs
//! failures, and maps the result to a reply, a business error, or a status.

mod command_bus;
mod rejection;

pub use command_bus::{CommandBus, CommandOutcome, internal, no_reply_status};
pub use rejection::{BusinessRejection, to_error};
