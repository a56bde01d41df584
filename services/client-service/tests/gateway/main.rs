//! The gateway as its clients see it: over HTTP, in front of the two services on SQLite in this process.

mod catalogue;
mod failures;
mod http_rules;
mod idempotency;
mod limits;
mod positions;
mod reads;
mod schema;
mod stage;
mod wrong_input;
