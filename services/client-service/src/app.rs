//! Puts the gateway together.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use event_sourcing::Clock;
use platform::config::names;
use platform::health::PartState;
use platform::runtime::{GrpcChannel, HttpListener};
use platform::telemetry::Metrics;
use platform::{Health, Settings, StartError, Tasks};

use crate::clients::{Channels, Service, ServiceHealth, Services};
use crate::config::Config;
use crate::execution::Executor;
use crate::http::{Endpoint, Site, router};
use crate::limits::Limits;
use crate::schema;

/// How often the services are asked how they are.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// A gateway that serves.
#[derive(Debug)]
pub struct Gateway {
    tasks: Tasks,
    health: Health,
    address: SocketAddr,
    shutdown: Duration,
}

/// The channels to services elsewhere.
///
/// # Errors
/// A setting does not parse.
pub fn remote_channels(settings: &Settings) -> Result<Channels, StartError> {
    Ok(Channels {
        command: GrpcChannel::remote(
            &settings.get(&names::COMMAND_SERVICE_HOST)?,
            settings.get(&names::COMMAND_SERVICE_PORT)?,
        )?,
        query: GrpcChannel::remote(
            &settings.get(&names::QUERY_SERVICE_HOST)?,
            settings.get(&names::QUERY_SERVICE_PORT)?,
        )?,
    })
}

/// Starts a gateway in front of the services that `channels` lead to.
///
/// # Errors
/// The address cannot be bound.
pub async fn start(
    config: Config,
    channels: Channels,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
) -> Result<Gateway, StartError> {
    let listener = HttpListener::bind(names::CLIENT_HTTP_ADDR.spec.name, config.http).await?;
    let tasks = Tasks::new();
    let health = Health::new(env!("CARGO_PKG_VERSION"));
    let services = Services::new(channels, config.policy);
    probe(&services, &health, &tasks).await;
    let limits = Limits {
        depth: config.max_depth,
        complexity: config.max_complexity,
        introspection: config.development,
    };
    let executor = Executor::try_new(schema::build(config.development), limits, services)
        .map_err(|error| StartError::failed("read the schema", error))?;
    let endpoint = Arc::new(Endpoint::new(executor, clock, tasks.clone()));
    let site = Site {
        health: health.clone(),
        metrics,
        explorer: config.explorer,
    };
    let address = listener.address();
    listener.serve(router(endpoint, site), &tasks);
    Ok(Gateway {
        tasks,
        health,
        address,
        shutdown: config.shutdown,
    })
}

impl Gateway {
    /// Its tasks.
    #[must_use]
    pub const fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// How it is.
    #[must_use]
    pub const fn health(&self) -> &Health {
        &self.health
    }

    /// Where it serves HTTP.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets open requests end, and stops.
    ///
    /// # Errors
    /// Some had not ended in time.
    pub async fn stop(self) -> Result<(), StartError> {
        let drained = self.tasks.drain(self.shutdown).await;
        drained.map_err(|left| StartError::failed("stop the gateway", left))
    }
}

/// The gateway's parts are those of the services behind it.
async fn probe(services: &Services, health: &Health, tasks: &Tasks) {
    let both = |part: &'static str, up: &'static str, down: &'static str| {
        let services = services.clone();
        move || {
            let services = services.clone();
            async move {
                let command = services.health_of(Service::Command, part).await;
                let query = services.health_of(Service::Query, part).await;
                state(&[command, query], up, down)
            }
        }
    };
    let cache = {
        let services = services.clone();
        move || {
            let services = services.clone();
            async move {
                let query = services.health_of(Service::Query, "cache").await;
                state(&[query], "connected", "disconnected")
            }
        }
    };
    let database = both("database", "connected", "disconnected");
    let grpc = both("", "serving", "not serving");
    health
        .probe("database", PROBE_INTERVAL, tasks, database)
        .await;
    health.probe("cache", PROBE_INTERVAL, tasks, cache).await;
    health.probe("grpc", PROBE_INTERVAL, tasks, grpc).await;
}

fn state(answers: &[ServiceHealth], up: &'static str, down: &'static str) -> PartState {
    if answers
        .iter()
        .all(|answer| *answer == ServiceHealth::Serving)
    {
        PartState::up(up)
    } else {
        PartState::down(down)
    }
}
