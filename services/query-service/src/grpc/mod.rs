//! The gRPC services of the read side: validates input and converts results into messages, nothing else.
//!
//! One folder per aggregate or concern, with the same files: `service` has the methods, `input` converts messages into
//! queries, and `reply` converts rows into messages. Shared code has the same file names next to the folders.

mod access;
mod category;
mod change;
mod input;
mod order;
mod product;
mod projection;
mod reply;
mod request;
mod routes;
mod saga;

pub use routes::routes;
