//! The write side's own database: what is not history. Answers of idempotent requests and the providers' books share its
//! connections.
//!
//! [`CommandDatabase`] connects and brings the schema up to date; each user of it has its statements next to its code.
//! What it acknowledges is as durable as the events are: a key that was kept or a charge that was noted is a promise.

mod database;
mod error;
mod schema;

pub use database::CommandDatabase;
pub use error::DatabaseError;
