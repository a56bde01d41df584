//! The questions over gRPC: input is checked here, answers are put into messages here, and nothing else.
//!
//! A folder for each thing, with the same files: `service` has the methods, `input` reads what is asked, and `reply` writes
//! rows as messages. What all of them share has the same name next to the folders.

mod category;
mod input;
mod order;
mod product;
mod projection;
mod reply;
mod request;
mod routes;
mod saga;

pub use routes::routes;
