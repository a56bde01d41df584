//! Composition: the three services in one process.
//!
//! The gateway calls the other two through the same generated clients as over a network, but over an in-process channel;
//! their gRPC ports are served as well. They stop in the order of the calls, the gateway first, so that no request reaches
//! a service that has stopped; the event store closes last, because every service uses it.

use std::net::SocketAddr;
use std::sync::Arc;

use client_service::{Channels, Gateway};
use command_service::{CommandService, open_event_store};
use event_sourcing::{Clock, SteadyClock};
use event_store_any::AnyEventStore;
use futures::future::join;
use platform::config::{Spec, StopTimes, names};
use platform::runtime::{self, GrpcChannel, GrpcListener, HttpListener, StopDeadline, StopSignals};
use platform::telemetry::Metrics;
use platform::{StartError, fields, health};
use query_service::QueryService;
use sql_database::sqlite::private;

use crate::config::{Addresses, ShopConfig};

#[derive(Debug)]
pub struct Shop {
    store: AnyEventStore,
    command: CommandService,
    query: QueryService,
    gateway: Gateway,
    addresses: Addresses,
    stop: StopTimes,
}

/// The listeners of the command-service and the query-service. The gateway binds its own.
struct Listeners {
    command_grpc: GrpcListener,
    command_metrics: HttpListener,
    query_grpc: GrpcListener,
    query_metrics: HttpListener,
}

impl Shop {
    /// Locks the data folder, binds the listeners, starts the services, and serves.
    ///
    /// # Errors
    /// Another process has the folder or a port, or a database cannot be opened or does not fit this binary.
    pub async fn open(config: &ShopConfig, metrics: Metrics) -> Result<Self, StartError> {
        make_folder(config)?;
        let steady = SteadyClock::start();
        let clock: Arc<dyn Clock> = Arc::new(steady.clone());
        // Opened first, because it takes the lock on the folder: a second process then fails with the first one's process
        // id, rather than with an address that is in use.
        let store = open_event_store(&config.command, steady.clone()).await?;
        let listeners = Listeners::bind(config).await?;
        let command = CommandService::start(
            &config.command,
            &config.write_side,
            &store,
            Arc::clone(&clock),
        )
        .await?;
        health::watch_clock(command.health(), command.tasks(), steady).await;
        let log = store.store();
        let query =
            QueryService::start(&config.query, &config.read_side, log, Arc::clone(&clock)).await?;
        let channels = Channels {
            command: GrpcChannel::in_process(command.routes()),
            query: GrpcChannel::in_process(query.routes()),
        };
        let gateway =
            client_service::start(config.gateway.clone(), channels, metrics.clone(), clock).await?;
        let shop = Self {
            store,
            command,
            query,
            addresses: listeners.addresses(gateway.address()),
            gateway,
            stop: config.stop,
        };
        shop.serve(listeners, metrics);
        Ok(shop)
    }

    /// Runs the pending migrations of all databases.
    ///
    /// # Errors
    /// Another process has the folder, or a database cannot be opened or does not fit this binary.
    pub async fn migrate(config: &ShopConfig) -> Result<(), StartError> {
        make_folder(config)?;
        command_service::migrate(&config.command).await?;
        query_service::migrate(&config.query, 0).await
    }

    /// The bound addresses; a configured port 0 is replaced by the port that the system chose.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Waits until the process is asked to stop, or a task of a service fails.
    ///
    /// # Errors
    /// The failure of that task.
    pub async fn stop_asked(&self, signals: StopSignals) -> Result<(), StartError> {
        let all = [
            self.gateway.tasks(),
            self.query.tasks(),
            self.command.tasks(),
        ];
        signals.stop_requested(&all, self.stop.delay).await
    }

    /// Stops all services within one shutdown limit: requests in flight finish, their writes become durable, and the
    /// databases are closed.
    pub async fn close(self) {
        let deadline = StopDeadline::within(self.stop.limit);
        // A client that keeps a connection open must not use up the time in which writes become durable.
        if let Err(error) = self.gateway.stop(self.stop.limit / 2).await {
            tracing::warn!({ fields::ERROR } = %error, "some requests did not end in time");
        }
        let remaining = deadline.for_tasks();
        join(self.query.stop(remaining), self.command.stop(remaining)).await;
        // Last: the services still append and read until their tasks have stopped.
        deadline.close("the event store", self.store.close()).await;
    }

    fn serve(&self, listeners: Listeners, metrics: Metrics) {
        let (command, query) = (&self.command, &self.query);
        runtime::upkeep(metrics.clone(), command.tasks());
        listeners
            .command_grpc
            .serve(command.routes(), command.tasks());
        listeners.command_metrics.serve(
            health::router(command.health().clone(), metrics.clone()).merge(command.webhooks()),
            command.tasks(),
        );
        listeners.query_grpc.serve(query.routes(), query.tasks());
        listeners.query_metrics.serve(
            health::router(query.health().clone(), metrics),
            query.tasks(),
        );
    }
}

impl Listeners {
    async fn bind(config: &ShopConfig) -> Result<Self, StartError> {
        let (at, limits) = (&config.addresses, config.connections);
        let http = async |spec: &Spec, address| {
            let listener = HttpListener::bind(spec.name, address).await?;
            Ok::<_, StartError>(listener.with_limits(limits))
        };
        let grpc = async |spec: &Spec, address| {
            let listener = GrpcListener::bind(spec.name, address).await?;
            listener.with_limits(limits).with_tls(config.tls.as_ref())
        };
        Ok(Self {
            command_grpc: grpc(&names::COMMAND_GRPC_ADDR.spec, at.command_grpc).await?,
            command_metrics: http(&names::COMMAND_METRICS_ADDR.spec, at.command_metrics).await?,
            query_grpc: grpc(&names::QUERY_GRPC_ADDR.spec, at.query_grpc).await?,
            query_metrics: http(&names::QUERY_METRICS_ADDR.spec, at.query_metrics).await?,
        })
    }

    fn addresses(&self, client_http: SocketAddr) -> Addresses {
        Addresses {
            client_http,
            command_grpc: self.command_grpc.address(),
            command_metrics: self.command_metrics.address(),
            query_grpc: self.query_grpc.address(),
            query_metrics: self.query_metrics.address(),
        }
    }
}

/// Creates the data folder, if any database is in it.
fn make_folder(config: &ShopConfig) -> Result<(), StartError> {
    if !config.uses_data_dir() {
        return Ok(());
    }
    let path = &config.data_dir;
    private::create_folder(path).map_err(|error| {
        StartError::failed(format!("make the folder {}", path.display()), error)
    })?;
    private::warn_if_shared(path);
    Ok(())
}
