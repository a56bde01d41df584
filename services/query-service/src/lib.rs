//! The read side: tables that are folded from events, and queries of them over gRPC.
//!
//! [`projections`] folds events into rows, [`cache`] caches rows consistently, [`queries`] defines the queries and
//! their consistency, [`changes`] follows the log for subscribers, [`projection_status`] shows the projections to operators, and [`grpc`] serves it all. [`app`]
//! composes the service.

pub mod app;
pub mod cache;
pub mod changes;
pub mod config;
mod fold;
pub mod grpc;
mod probes;
mod program;
pub mod projection_status;
pub mod projections;
pub mod queries;

pub use app::{QueryService, migrate, open_event_store};
pub use config::{Config, LagLimits, SETTINGS};
pub use program::run;
