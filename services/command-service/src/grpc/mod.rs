//! What arrives over gRPC, and what leaves.
//!
//! A folder for each thing, with the same files: `service` has the methods, `input` reads messages into commands, which the
//! bus executes, and `reply` writes what came of it. What all of them share has the same name next to the folders. Business
//! errors leave inside the reply, everything else as a status.

mod category;
mod event_handler;
mod idempotency;
mod input;
mod order;
mod product;
mod projection;
mod reply;
mod routes;
mod saga;

pub use routes::{Parts, routes};
