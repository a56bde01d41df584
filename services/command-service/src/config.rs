//! The settings of the command-service.

use std::time::Duration;

use authentication::ServiceSecret;
use platform::config::{Read, Reader, ServiceSettings, names};
use providers::{ProviderSettings, WebhookSettings};

use crate::handlers::event_types;

/// The settings that are specific to this service.
pub const SETTINGS: ServiceSettings = ServiceSettings {
    database: &names::COMMAND_DATABASE_URL,
    grpc: &names::COMMAND_GRPC_ADDR,
    metrics: &names::COMMAND_METRICS_ADDR,
    own: names::WRITE_SIDE,
};

/// The settings of the write side, apart from its databases.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub providers: ProviderSettings,
    /// The endpoints that receive events.
    pub webhooks: Option<WebhookSettings>,
    pub sagas: SagaSettings,
    /// `ACCEPT_LOG`: the log that an operator accepts although stored data belongs to another one, as `LOG@HEAD`.
    pub accept_log: Option<String>,
    /// What callers sign with; without it every call is accepted.
    pub secret: Option<ServiceSecret>,
}

#[derive(Clone, Debug)]
pub struct SagaSettings {
    pub lease: Duration,
    pub longest_pause: Duration,
    pub calls: u32,
}

impl Default for SagaSettings {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            longest_pause: Duration::from_mins(1),
            calls: 256,
        }
    }
}

impl Config {
    /// # Errors
    /// A setting does not parse, a URL has no implementation, or a secret is missing.
    pub fn read(reader: &mut Reader) -> Read<Self> {
        let accept_log = reader.find(&names::ACCEPT_LOG);
        let providers = ProviderSettings::read(reader);
        let webhooks = WebhookSettings::read(reader, &event_types());
        let lease = reader.get(&names::SAGA_LEASE_MS);
        let longest_pause = reader.get(&names::SAGA_RETRY_MAX_MS);
        let calls = reader.get(&names::SAGA_CALLS);
        let secret = ServiceSecret::of_settings(reader);
        Ok(Self {
            accept_log: accept_log?,
            secret: secret?,
            providers: providers?,
            webhooks: webhooks?,
            sagas: SagaSettings {
                lease: lease?,
                longest_pause: longest_pause?,
                calls: calls?,
            },
        })
    }
}
