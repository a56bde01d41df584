//! The event store as commands of operators use it: opened next to a running shop, with the types of all its events.

mod checks;
mod error;
mod event;
mod open;
mod related;
mod types;
mod verify;

pub use checks::ReferenceChecks;
pub use error::unreadable;
pub use event::{EventView, event_line};
pub use open::{open_for_import, open_for_reading, open_for_writing};
pub use related::{Related, commit_of, events_of_order, events_of_stream};
pub use types::{event_types, uses_snapshots};
pub use verify::{DamagedLog, verify_log};
