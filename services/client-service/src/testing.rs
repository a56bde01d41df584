//! What reads input from outside, without a listener.

use std::sync::Arc;

use authentication::CallSigner;
use axum::Router;
use event_sourcing::Clock;
use graphql_http::{AllowedHosts, AllowedOrigins, Site, router};
use platform::telemetry::Metrics;
use platform::{Health, StartError, Tasks};

pub use crate::api::relay::{KeyColumns, ListScope, NodeType, node_id, parse_node_id};
use crate::app::endpoint;
use crate::config::Config;
use crate::upstream::{Channels, Services};

/// The routes of a gateway without subscriptions that knows all clients and calls the services over `channels`.
///
/// # Errors
/// A file that a setting names is invalid.
pub async fn routes(
    config: &Config,
    channels: Channels,
    clock: Arc<dyn Clock>,
    tasks: &Tasks,
) -> Result<Router, StartError> {
    let signer = CallSigner::new(config.secret.as_ref(), &clock);
    let services = Services::new(channels, config.policy, signer);
    let endpoint = endpoint(config, services, clock, tasks).await?;
    let site = Site {
        health: Health::new(env!("CARGO_PKG_VERSION"), tasks),
        metrics: Metrics::detached(),
        explorer: None,
        hosts: AllowedHosts::new(&config.allowed_hosts),
        origins: AllowedOrigins::new(&config.allowed_origins, config.development),
    };
    Ok(router(Arc::new(endpoint), site))
}
