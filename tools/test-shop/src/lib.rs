//! The shop's own binaries as processes, for end-to-end tests and benches.

mod http;

pub use http::{Connection, Reply, Request};
