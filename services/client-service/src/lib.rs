//! The gateway: GraphQL over HTTP in front of the command-service and the query-service.
//!
//! A request goes through [`http`] (is it a GraphQL request?), [`graphql`] (does it fit the schema, and does it ask for too
//! much?) and then the fields of [`api`], which call the services through [`upstream`]. Nothing is computed here that the
//! services decide. Arrows point one way: `http` and [`schema`] stand on `api` and `graphql`, those on `upstream`.

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
