//! The gateway: GraphQL over HTTP in front of the command-service and the query-service.
//!
//! A request passes [`http`], which parses the HTTP request, [`graphql`], which validates the document against the schema
//! and the limits, and then the resolvers of [`api`], which call the services through [`upstream`]. Business rules are
//! decided by the services alone. Dependencies point one way: `http` and [`schema`] depend on `api` and `graphql`, those on
//! `upstream`.

mod api;
pub mod app;
pub mod config;
mod errors;
mod graphql;
mod http;
mod schema;
mod upstream;

pub use app::{Gateway, start};
pub use config::Config;
pub use upstream::{Channels, Policy, RetryPolicy};
