//! Composition of the gateway.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use authentication::CallSigner;
use event_sourcing::Clock;
use futures::future::BoxFuture;
use graphql_http::{
    AllowedHosts, AllowedOrigins, Authentication, Clients, Endpoint, Executor, Explorer,
    GraphiqlFolder, Limits, LoadLimit, RateLimit, RegisteredOperations, Site, TrustedProxies,
    router,
};
use platform::config::names;
use platform::runtime::{GrpcChannel, HttpListener};
use platform::telemetry::Metrics;
use platform::{Health, StartError, Tasks, fields};

use crate::config::{Config, RemoteServices};
use crate::samples::SAMPLES;
use crate::schema;
use crate::subscriptions::SubscriptionHub;
use crate::upstream::{Channels, Services, probes};

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    tasks: Tasks,
    health: Health,
    address: SocketAddr,
}

/// Channels to services in other processes.
///
/// # Errors
/// A host and a port do not form a valid address.
pub fn remote_channels(services: &RemoteServices) -> Result<Channels, StartError> {
    let tls = services.tls.as_ref();
    let channel = |(host, port): &(String, u16)| GrpcChannel::remote(host, *port, tls);
    Ok(Channels {
        command: channel(&services.command)?,
        query: channel(&services.query)?,
    })
}

/// Starts a gateway that calls the services over `channels`.
///
/// # Errors
/// A file or folder that a setting names is invalid, or the address cannot be bound.
pub fn start(
    config: Config,
    channels: Channels,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
) -> BoxFuture<'static, Result<Gateway, StartError>> {
    Box::pin(start_now(config, channels, metrics, clock))
}

async fn start_now(
    config: Config,
    channels: Channels,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
) -> Result<Gateway, StartError> {
    tracing::info!(
        { fields::SERVICE } = "client-service",
        { fields::VERSION } = env!("CARGO_PKG_VERSION"),
        { fields::COMMIT } = platform::COMMIT,
        { fields::COMMAND_SERVICE } = %channels.command,
        { fields::QUERY_SERVICE } = %channels.query,
        { fields::AUTHENTICATION } = if config.tokens.is_some() { "jwt" } else { "off" },
        "starting"
    );
    if config.tokens.is_some() && config.tls.is_none() && !config.http.ip().is_loopback() {
        tracing::warn!(
            { fields::ADDRESS } = %config.http,
            "tokens are received without TLS: set TLS_CERT_FILE, or serve TLS in a proxy in front of the gateway"
        );
    }
    // What settings name is read first, so that an invalid file is reported whether or not the address is free.
    let explorer = if config.explorer {
        Some(explorer(config.graphiql.as_deref())?)
    } else {
        None
    };
    let tasks = Tasks::new();
    let signer = CallSigner::new(config.secret.as_ref(), &clock);
    let services = Services::new(channels, config.policy, signer);
    let endpoint = endpoint(&config, services.clone(), Arc::clone(&clock), &tasks).await?;
    let listener = HttpListener::bind(names::CLIENT_HTTP_ADDR.spec.name, config.http)
        .await?
        .with_limits(config.connections)
        .with_tls(config.tls.as_ref())?;
    let health = Health::new(env!("CARGO_PKG_VERSION"), &tasks);
    probes::start(services.clone(), &health, &tasks).await;
    let subscriptions = Arc::new(SubscriptionHub::start(&services, &tasks));
    let clients = clients(&config, &clock, &health, &tasks).await?;
    let endpoint = endpoint.with_clients(clients);
    let endpoint = Arc::new(endpoint.with_subscriptions(subscriptions, config.sockets));
    let site = Site {
        health: health.clone(),
        metrics,
        explorer,
        hosts: AllowedHosts::new(&config.allowed_hosts),
        origins: AllowedOrigins::new(&config.allowed_origins, config.development),
    };
    let address = listener.address();
    listener.serve(router(endpoint, site), &tasks);
    Ok(Gateway {
        tasks,
        health,
        address,
    })
}

/// The handler of GraphQL requests, without subscriptions.
pub(crate) async fn endpoint(
    config: &Config,
    services: Services,
    clock: Arc<dyn Clock>,
    tasks: &Tasks,
) -> Result<Endpoint, StartError> {
    let limits = Limits {
        depth: config.max_depth,
        complexity: config.max_complexity,
        response_bytes: config.max_response_bytes,
        introspection: config.development,
    };
    let schema = schema::build(config.development);
    let sdl = schema.sdl();
    let executor = Executor::try_new(schema::engine(schema, services.clone()), sdl, limits)
        .map_err(|error| StartError::failed("read the schema", error))?;
    let load = LoadLimit::new(config.max_concurrent_units);
    let endpoint = Endpoint::new(executor, Arc::new(services), clock, load, tasks.clone());
    let Some(path) = &config.operations else {
        return Ok(endpoint);
    };
    let invalid = |error| StartError::invalid_content(names::GRAPHQL_OPERATIONS.spec.name, error);
    let registered = RegisteredOperations::read(Path::new(path)).map_err(invalid)?;
    endpoint.with_registered(registered).await.map_err(invalid)
}

/// How clients are known and limited.
async fn clients(
    config: &Config,
    clock: &Arc<dyn Clock>,
    health: &Health,
    tasks: &Tasks,
) -> Result<Clients, StartError> {
    let tokens = config.tokens.as_ref();
    let limited = |units| RateLimit::per_minute(units, tasks);
    Ok(Clients {
        authentication: Authentication::open(tokens, clock, health, tasks).await?,
        rate: config.rate.map_or_else(RateLimit::off, limited),
        proxies: TrustedProxies::new(config.trusted_proxies.clone()),
    })
}

fn explorer(graphiql: Option<&str>) -> Result<Explorer, StartError> {
    let graphiql = match graphiql {
        None => GraphiqlFolder::of_user(),
        Some(folder) => GraphiqlFolder::open(Path::new(folder))
            .map_err(|error| StartError::invalid_content(names::GRAPHIQL_DIR.spec.name, error))?,
    };
    Ok(Explorer {
        graphiql,
        samples: SAMPLES,
    })
}

impl Gateway {
    #[must_use]
    pub const fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    #[must_use]
    pub const fn health(&self) -> &Health {
        &self.health
    }

    /// The bound HTTP address.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting requests, and waits for those in flight.
    ///
    /// # Errors
    /// Some had not finished within `limit`.
    #[must_use]
    pub fn stop(self, limit: Duration) -> BoxFuture<'static, Result<(), StartError>> {
        Box::pin(async move {
            let drained = self.tasks.drain(limit).await;
            drained.map_err(|left| StartError::failed("stop the gateway", left))
        })
    }
}
