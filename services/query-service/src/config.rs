//! The settings of the query-service.

use platform::config::{ServiceSettings, names};

/// Those that have names of its own.
pub const SETTINGS: ServiceSettings = ServiceSettings {
    database: &names::QUERY_DATABASE_URL,
    grpc: &names::QUERY_GRPC_ADDR,
    metrics: &names::QUERY_METRICS_ADDR,
    own: &[],
};
