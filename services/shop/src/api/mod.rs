//! The public GraphQL API, as the commands that use it see it: any client would do the same.

mod address;
mod client;
mod http;

pub use address::{address, url};
pub use client::{Client, Operation, RequestError};
pub use http::BaseUrl;
