//! A client of the public GraphQL API, with the access that any client has.

mod client;
mod http;

pub use client::{Client, Operation, RequestError};
pub use http::Cause;
