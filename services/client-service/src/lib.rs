//! The gateway: GraphQL over HTTP in front of the command-service and the query-service.
//!
//! A request goes through [`http`] (is it a GraphQL request?), [`limits`] (does it ask for too much?) and then
//! the [`schema`], whose fields call the services through [`clients`]. What one request must see and has seen is
//! in its [`scope`]. Nothing is computed here that the services decide.

mod absent;
pub mod app;
pub mod clients;
pub mod config;
mod date_time;
mod decimal;
mod document;
mod documents;
mod errors;
mod execution;
mod http;
mod idempotency;
mod journal;
mod limits;
mod loaders;
mod mutations;
mod nulls;
mod order;
mod origin;
mod probes;
mod queries;
mod schema;
mod scope;
mod selected;
mod types;
mod values;

pub use app::{Gateway, start};
pub use clients::{Channels, Policy};
pub use config::Config;
