//! Verifies that the command database refers to the event store's log.
//!
//! Two things in it depend on positions of the log: the checkpoints of event handlers, and the answers stored under an
//! Idempotency-Key. After the event store was restored from an older copy, or replaced, a handler would silently skip
//! new events, and a stored answer would describe orders that no longer exist. So each stores a
//! [`LogMark`](event_sourcing::LogMark). A process that finds a mark of another log does not start until an operator
//! accepts it; a process that finds the log replaced while it runs stops.

mod accept;

pub use accept::check;
pub use platform::event_log::watch;
