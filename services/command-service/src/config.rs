//! The settings of the command-service.

use platform::config::{ServiceSettings, names};

/// Those that have names of its own.
pub const SETTINGS: ServiceSettings = ServiceSettings {
    database: &names::COMMAND_DATABASE_URL,
    grpc: &names::COMMAND_GRPC_ADDR,
    metrics: &names::COMMAND_METRICS_ADDR,
    own: names::PROVIDERS,
};
