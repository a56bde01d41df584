//! The gateway: GraphQL over HTTP in front of the command-service and the query-service.
//!
//! A request passes [`graphql_http`], which parses it and validates its document against the schema and the limits, and then
//! the resolvers of [`api`], which call the services through [`upstream`]. Business rules are decided by the services alone.
//! [`subscriptions`] execute the operations of subscribers for each change. Dependencies point one way: [`schema`] depends on
//! `api`, and that on `upstream`.

mod api;
pub mod app;
pub mod config;
mod errors;
mod samples;
mod schema;
mod subscriptions;
#[cfg(feature = "testing")]
pub mod testing;
mod upstream;

pub use app::{Gateway, start};
pub use config::Config;
pub use grpc_calls::RetryPolicy;
pub use upstream::{Channels, Policy};
