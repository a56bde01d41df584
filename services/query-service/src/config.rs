//! The settings of the query-service.

use std::time::Duration;

use authentication::ServiceSecret;
use platform::config::{Read, Reader, ServiceSettings, names};

/// The settings that are specific to this service.
pub const SETTINGS: ServiceSettings = ServiceSettings {
    database: &names::QUERY_DATABASE_URL,
    grpc: &names::QUERY_GRPC_ADDR,
    metrics: &names::QUERY_METRICS_ADDR,
    own: names::READ_SIDE,
};

/// The settings of the read side, apart from its databases.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// When a projection is reported as lagging.
    pub lag: LagLimits,
    /// What callers sign with; without it every call is accepted.
    pub secret: Option<ServiceSecret>,
}

/// A projection lags if both limits are exceeded.
#[derive(Clone, Copy, Debug)]
pub struct LagLimits {
    pub age: Duration,
    pub events: u64,
}

impl Default for LagLimits {
    fn default() -> Self {
        Self {
            age: Duration::from_secs(10),
            events: 0,
        }
    }
}

impl Config {
    /// # Errors
    /// A setting does not parse.
    pub fn read(reader: &mut Reader) -> Read<Self> {
        let age = reader.get(&names::HEALTH_LAG_MS);
        let events = reader.get(&names::HEALTH_LAG_EVENTS);
        let secret = ServiceSecret::of_settings(reader);
        Ok(Self {
            lag: LagLimits {
                age: age?,
                events: events?,
            },
            secret: secret?,
        })
    }
}
