//! The public GraphQL API, as the commands that use it see it: any client would do the same.

mod client;
mod http;

pub use client::{Client, Operation, RequestError};
