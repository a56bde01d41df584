//! The three services in this process. Calls between them are recorded and can be made to fail.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::extract::{Request as HttpRequest, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use client_service::{Channels, Config, Gateway};
use command_service::{CommandService, open_event_store};
use event_sourcing::{Clock, Entry, Envelope, Filter, Position, SteadyClock, SystemClock};
use event_store_any::AnyEventStore;
use http::HeaderMap;
use platform::Settings;
use platform::config::AppEnv;
use platform::runtime::GrpcChannel;
use platform::telemetry::Metrics;
use query_service::QueryService;
use serde_json::{Value, json};
use test_shop::{Connection, Folder, Reply, Request};
use test_tokens::Secrets;
use tokio::sync::Notify;
use tonic::Status;
use tonic::service::Routes;

/// A fault injected into a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The call fails before it reaches the service.
    Before(Status),
    /// The service executes the call, but its reply is lost.
    After(Status),
    /// The call reaches the service only after this is notified.
    Held(Arc<Notify>),
}

#[derive(Clone, Debug)]
pub struct RecordedCall {
    pub path: String,
    pub metadata: HeaderMap,
}

/// Records every call between the gateway and the services, and injects faults.
#[derive(Debug, Default)]
pub struct TestServices {
    calls: Mutex<Vec<RecordedCall>>,
    faults: Mutex<HashMap<String, VecDeque<Fault>>>,
    call_made: Notify,
}

impl TestServices {
    /// The calls since the last time, without health checks.
    pub fn take(&self) -> Vec<RecordedCall> {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The names of the methods called since the last time.
    pub fn methods(&self) -> Vec<String> {
        let name = |call: RecordedCall| call.path.rsplit('/').next().unwrap_or_default().to_owned();
        self.take().into_iter().map(name).collect()
    }

    /// Injects faults into the next calls of a method, one into each.
    pub fn break_next(&self, path: &str, faults: impl IntoIterator<Item = Fault>) {
        let mut all = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(path.to_owned()).or_default().extend(faults);
    }

    /// Waits until a method is called.
    pub async fn called(&self, method: &str) -> Result<()> {
        let called = async {
            while !self.methods().iter().any(|name| name == method) {
                self.call_made.notified().await;
            }
        };
        let limit = Duration::from_secs(30);
        tokio::time::timeout(limit, called)
            .await
            .with_context(|| format!("{method} is not called"))
    }

    fn note(&self, request: &HttpRequest) -> Option<Fault> {
        let path = request.uri().path().to_owned();
        if path.starts_with("/grpc.health") {
            return None;
        }
        let fault = self
            .faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_mut(&path)
            .and_then(VecDeque::pop_front);
        let metadata = request.headers().clone();
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push(RecordedCall { path, metadata });
        self.call_made.notify_one();
        fault
    }
}

async fn pass(State(wire): State<Arc<TestServices>>, request: HttpRequest, next: Next) -> Response {
    match wire.note(&request) {
        None => next.run(request).await,
        Some(Fault::Before(status)) => status.into_http(),
        Some(Fault::Held(until)) => {
            until.notified().await;
            next.run(request).await
        }
        Some(Fault::After(status)) => {
            next.run(request).await;
            status.into_http()
        }
    }
}

fn wired(routes: Routes, wire: &Arc<TestServices>) -> GrpcChannel {
    let layer = from_fn_with_state(Arc::clone(wire), pass);
    GrpcChannel::in_process(routes.into_axum_router().layer(layer).into())
}

/// The settings of a gateway on a free port, and the given ones.
fn settings<'a>(given: impl IntoIterator<Item = (&'a str, &'a str)>) -> Settings {
    let address = [("CLIENT_HTTP_ADDR", "127.0.0.1:0")];
    Settings::from_environment(address.into_iter().chain(given))
}

#[derive(Debug)]
pub struct TestGateway {
    pub wire: Arc<TestServices>,
    /// The highest position of any response.
    seen: AtomicU64,
    gateway: Gateway,
    backend: Option<FakeBackend>,
}

/// The services, which must live as long as the gateway.
#[derive(Debug)]
struct FakeBackend {
    command: CommandService,
    query: QueryService,
    store: AnyEventStore,
    _folder: Folder,
}

impl TestGateway {
    /// Opens a gateway in development mode, with default settings.
    pub async fn open() -> Result<Self> {
        Self::open_with(AppEnv::Development, &[]).await
    }

    pub async fn open_with(app_env: AppEnv, given: &[(&str, &str)]) -> Result<Self> {
        Self::open_at(app_env, given, Arc::new(SystemClock)).await
    }

    /// Opens a gateway with authentication, and these settings.
    pub async fn open_secured(secrets: &Secrets, more: &[(&str, &str)]) -> Result<Self> {
        let unlimited = [("RATE_LIMIT_PER_MINUTE", "0")];
        let given = [&secrets.settings()[..], &unlimited, more].concat();
        Self::open_with(AppEnv::Development, &given).await
    }

    /// Opens a gateway with this clock. That of its services is the system's.
    pub async fn open_at(
        app_env: AppEnv,
        given: &[(&str, &str)],
        time: Arc<dyn Clock>,
    ) -> Result<Self> {
        let folder = Folder::create()?;
        let url = |file: &str| format!("sqlite://{}/{file}", folder.path().display());
        let urls = [
            ("EVENT_STORE_URL", url("events.db")),
            ("COMMAND_DATABASE_URL", url("command.db")),
            ("QUERY_DATABASE_URL", url("query.db")),
        ];
        let urls = urls.iter().map(|(name, url)| (*name, url.as_str()));
        let settings = settings(urls.chain(given.iter().copied()));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let command = settings.read(|reader| command_service::SETTINGS.databases(reader))?;
        let store = open_event_store(&command, SteadyClock::start()).await?;
        let behaviour = settings.read(command_service::Config::read)?;
        let started = CommandService::start(&command, &behaviour, &store, Arc::clone(&clock));
        let command = started.await?;
        let query = settings.read(|reader| query_service::SETTINGS.databases(reader))?;
        let own = settings.read(query_service::Config::read)?;
        let query = QueryService::start(&query, &own, store.store(), Arc::clone(&clock)).await?;
        let config = settings.read(|reader| Config::read(reader, Ok(app_env)))?;
        let services = (command.routes(), query.routes());
        let gateway = Self::in_front_of(services, config, time).await?;
        Ok(Self {
            backend: Some(FakeBackend {
                command,
                query,
                store,
                _folder: folder,
            }),
            ..gateway
        })
    }

    /// A gateway that calls services of the test.
    pub async fn before(command: Routes, query: Routes) -> Result<Self> {
        let config = settings([]).read(|reader| Config::read(reader, Ok(AppEnv::Development)))?;
        Self::in_front_of((command, query), config, Arc::new(SystemClock)).await
    }

    /// Another gateway in front of the same services. It must be dropped first.
    pub async fn replica(&self, given: &[(&str, &str)]) -> Result<Self> {
        let backend = self.backend.as_ref().context("there are no services")?;
        let services = (backend.command.routes(), backend.query.routes());
        let settings = settings(given.iter().copied());
        let config = settings.read(|reader| Config::read(reader, Ok(AppEnv::Development)))?;
        Self::in_front_of(services, config, Arc::new(SystemClock)).await
    }

    /// A gateway on channels of the test, with these settings.
    pub async fn on_channels(channels: Channels, given: &[(&str, &str)]) -> Result<Self> {
        let settings = settings(given.iter().copied());
        let config = settings.read(|reader| Config::read(reader, Ok(AppEnv::Development)))?;
        Self::on_wire(Arc::default(), channels, config, Arc::new(SystemClock)).await
    }

    async fn in_front_of(
        (command, query): (Routes, Routes),
        config: Config,
        time: Arc<dyn Clock>,
    ) -> Result<Self> {
        let wire = Arc::new(TestServices::default());
        let channels = Channels {
            command: wired(command, &wire),
            query: wired(query, &wire),
        };
        Self::on_wire(wire, channels, config, time).await
    }

    async fn on_wire(
        wire: Arc<TestServices>,
        channels: Channels,
        config: Config,
        time: Arc<dyn Clock>,
    ) -> Result<Self> {
        let gateway = client_service::start(config, channels, Metrics::detached(), time).await?;
        Ok(Self {
            wire,
            seen: AtomicU64::new(0),
            gateway,
            backend: None,
        })
    }

    /// Stops the gateway, and then its services.
    pub async fn stop(self, limit: Duration) -> Result<()> {
        let Self {
            gateway,
            backend: _backend,
            ..
        } = self;
        Ok(gateway.stop(limit).await?)
    }

    /// All events of the log.
    pub async fn events(&self) -> Result<Vec<Envelope>> {
        let backend = self.backend.as_ref().context("there is no event store")?;
        let store = backend.store.store();
        let page = store.read_all(Position::START, &Filter::ALL, 1_000).await?;
        let events = page.entries.into_iter().map(|entry| match entry {
            Entry::Event(envelope) => Ok(Envelope::clone(&envelope)),
            Entry::Unreadable(unreadable) => anyhow::bail!("{unreadable}"),
        });
        events.collect()
    }

    /// The gateway's HTTP address.
    pub fn address(&self) -> std::net::SocketAddr {
        self.gateway.address()
    }

    /// The highest position of any response.
    pub fn seen(&self) -> u64 {
        self.seen.load(Relaxed)
    }

    /// Sends one HTTP request.
    pub async fn send(&self, request: &Request) -> Result<Reply> {
        let mut connection = Connection::open(self.gateway.address()).await?;
        let reply = connection.send(request).await?;
        if let Some(position) = reply.header("x-min-position") {
            self.seen.fetch_max(position.parse()?, Relaxed);
        }
        Ok(reply)
    }

    /// Sends a query with variables, accepting `application/graphql-response+json`.
    pub async fn ask(&self, query: &str, variables: Value) -> Result<Reply> {
        self.send(&graphql(query, &variables)).await
    }

    /// Like [`Self::ask`], but reads at least the newest position of all responses so far.
    pub async fn ask_after(&self, query: &str, variables: Value) -> Result<Value> {
        let mut request = graphql(query, &variables);
        let seen = self.seen();
        if seen > 0 {
            request = request.with_header("x-min-position", &seen.to_string());
        }
        self.send(&request).await?.json()
    }

    /// The data of a query that must have no errors.
    pub async fn data(&self, query: &str, variables: Value) -> Result<Value> {
        let mut body = self.ask_after(query, variables).await?;
        anyhow::ensure!(body["errors"].is_null(), "{query} failed: {body}");
        Ok(body["data"].take())
    }

    /// The first error's extensions.
    pub async fn error(&self, query: &str, variables: Value) -> Result<Value> {
        let mut body = self.ask_after(query, variables).await?;
        let extensions = body["errors"][0]["extensions"].take();
        anyhow::ensure!(extensions.is_object(), "{query} has no error: {body}");
        Ok(extensions)
    }

    /// Creates a category and returns its id.
    pub async fn category(&self, name: &str) -> Result<String> {
        let query = "mutation($name: String!) { createCategory(input: {name: $name}) { id } }";
        let data = self.data(query, json!({ "name": name })).await?;
        text(&data["createCategory"]["id"])
    }

    /// Creates a product and returns its id.
    pub async fn product(&self, name: &str, category: Option<&str>) -> Result<String> {
        let query = "mutation($input: CreateProductInput!) { createProduct(input: $input) { id } }";
        let input =
            json!({"name": name, "price": 19.9, "categoryId": category, "stockQuantity": 5});
        let data = self.data(query, json!({ "input": input })).await?;
        text(&data["createProduct"]["id"])
    }
}

/// The text of a JSON string.
pub fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).context("not text")
}

/// The POST of a query.
pub fn graphql(query: &str, variables: &Value) -> Request {
    let body = json!({ "query": query, "variables": variables }).to_string();
    Request::post_json("/graphql", body).with_header("accept", "application/graphql-response+json")
}
