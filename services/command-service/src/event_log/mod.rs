//! Whether what the command database keeps is of the event store's log.
//!
//! Two things in it are about positions of the log: how far event handlers are, and the answers that are kept under
//! an Idempotency-Key. After the event store was restored from an older copy, or replaced, the first would pass
//! over new events in silence, and the second would repeat answers about orders that are gone. So each names its log
//! ([`LogMark`](event_sourcing::LogMark)). A process that finds them to be of another log does not start, until an operator has accepted what was
//! found; one that finds the log replaced while it runs ends.

mod accept;
mod watch;

pub use accept::check;
pub use watch::watch;
