//! Infrastructure that all services share: settings, telemetry, health, listeners, shutdown.
//!
//! A binary reads its settings once ([`config`]), installs logs and metrics ([`telemetry`]), binds its listeners
//! before it reports that it is up, and on a stop drains the tasks that it spawned ([`runtime`]).

pub mod config;
pub mod error_id;
pub mod event_handlers;
pub mod event_log;
pub mod fields;
mod grpc_services;
pub mod health;
mod metric_help;
#[cfg(test)]
mod metric_help_tests;
mod process_metrics;
pub mod request_log;
pub mod runtime;
pub mod telemetry;
pub mod tls;

/// The commit that the binary was built from: the variable `BUILD_COMMIT` of the build, if it was set.
pub const COMMIT: Option<&str> = option_env!("BUILD_COMMIT");

pub use config::{ConfigErrors, Settings};
pub use error_id::ErrorId;
pub use grpc_services::GrpcServices;
pub use health::Health;
pub use runtime::{StartError, Tasks};
