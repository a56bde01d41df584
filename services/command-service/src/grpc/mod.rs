//! The gRPC services of the write side.
//!
//! One folder per aggregate or concern, with the same files: `service` has the methods, `input` converts messages into
//! commands, which the bus executes, and `reply` converts the result into a message. Shared code has the same file
//! names next to the folders. Business errors are part of the reply; everything else is a status.

mod access;
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
