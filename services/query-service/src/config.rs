//! The settings of the query-service.

use std::time::Duration;

use platform::config::{Read, Reader, ServiceSettings, names};

/// Those that have names of its own.
pub const SETTINGS: ServiceSettings = ServiceSettings {
    database: &names::QUERY_DATABASE_URL,
    grpc: &names::QUERY_GRPC_ADDR,
    metrics: &names::QUERY_METRICS_ADDR,
    own: names::READ_SIDE,
};

/// What the read side has next to its databases.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// When a projection is said to lag.
    pub lag: LagLimits,
}

/// A projection lags if both are exceeded.
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
    /// Reads them.
    ///
    /// # Errors
    /// A setting does not parse.
    pub fn read(reader: &mut Reader) -> Read<Self> {
        let age = reader.get(&names::HEALTH_LAG_MS);
        let events = reader.get(&names::HEALTH_LAG_EVENTS);
        Ok(Self {
            lag: LagLimits {
                age: age?,
                events: events?,
            },
        })
    }
}
