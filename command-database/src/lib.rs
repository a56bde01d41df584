//! The write side's own database, for state that is not in the event log: answers of idempotent requests, ledgers of
//! providers, checkpoints of event handlers.
//!
//! [`CommandDatabase`] connects and migrates the schema; each user has its statements next to its code. Acknowledged writes
//! are as durable as events: other systems rely on a stored key or a recorded charge.

mod database;
mod error;
mod schema;

pub use database::CommandDatabase;
pub use error::DatabaseError;
