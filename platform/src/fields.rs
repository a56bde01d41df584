//! The names of log fields. A name has one meaning in all logs, so that a search finds all of it. The kernel defines
//! the fields that it logs.
//!
//! Used as `tracing::info!({ fields::ADDRESS } = %address, "listening")`.

pub use event_sourcing::fields::*;

/// The trace that a line was logged in, if it is exported.
pub const TRACE_ID: &str = "trace.id";
/// The span that a line was logged in, if it is exported.
pub const SPAN_ID: &str = "span.id";
/// The socket address of a listener.
pub const ADDRESS: &str = "listener.address";
/// The name of a listener.
pub const LISTENER: &str = "listener.name";
/// The number of a listener's connections.
pub const CONNECTIONS: &str = "listener.connections";
/// The name of a spawned task.
pub const TASK: &str = "task.name";
/// Whether a task ended because of a panic.
pub const TASK_PANICKED: &str = "task.panicked";
/// A component of `/health`.
pub const COMPONENT: &str = "health.part";
/// The steps or components that a start waits for.
pub const WAITED_FOR: &str = "start.waited_for";
/// The id that the client received instead of the cause.
pub const ERROR_ID: &str = "error.id";
/// The id of the request at the start of the chain: `X-Request-Id` of the gateway, `x-correlation-id` of gRPC.
pub const CORRELATION_ID: &str = "correlation.id";
/// The name of a command.
pub const COMMAND: &str = "command.name";
/// The id of a command, by which it takes effect once.
pub const COMMAND_ID: &str = "command.id";
/// The service and the method of a gRPC call.
pub const RPC_METHOD: &str = "rpc.method";
/// The gRPC status code of the response.
pub const RPC_STATUS: &str = "rpc.status";
/// The method of an HTTP request.
pub const HTTP_METHOD: &str = "http.method";
/// The path of an HTTP request, without query parameters.
pub const HTTP_PATH: &str = "http.path";
/// The status code of an HTTP response.
pub const HTTP_STATUS: &str = "http.status";
/// The kind of a GraphQL operation, and its name if it has one.
pub const OPERATION: &str = "graphql.operation";
/// The code of an error, as the client sees it.
pub const CODE: &str = "error.code";
/// The name of a service.
pub const SERVICE: &str = "service.name";
/// Whether a listener speaks TLS.
pub const TLS: &str = "tls.enabled";
/// Which listener uses certificates; `calls` for those of calls to services.
pub const TLS_USER: &str = "tls.user";
/// Whether clients and callers are authenticated, and how.
pub const AUTHENTICATION: &str = "authentication.mode";
/// The service that is called.
pub const PEER_SERVICE: &str = "peer.service";
/// The version of the process.
pub const VERSION: &str = "service.version";
/// The commit that the binary was built from.
pub const COMMIT: &str = "service.commit";
/// The URL of the event store, without secrets; its scheme names the engine.
pub const EVENT_STORE: &str = "event_store.url";
/// The URL of a service's own database, without secrets; its scheme names the engine.
pub const DATABASE: &str = "database.url";
/// The payment provider.
pub const PAYMENTS: &str = "provider.payments";
/// The shipping provider.
pub const SHIPPING: &str = "provider.shipping";
/// The name of an endpoint that events are posted to.
pub const WEBHOOK: &str = "webhook.name";
/// The notification provider.
pub const NOTIFICATIONS: &str = "provider.notifications";
/// The address at which the gateway reaches the command-service.
pub const COMMAND_SERVICE: &str = "command_service.address";
/// The address at which the gateway reaches the query-service.
pub const QUERY_SERVICE: &str = "query_service.address";
/// The name of a setting.
pub const SETTING: &str = "setting.name";
/// The id of an order.
pub const ORDER_ID: &str = "order.id";
/// The idempotency key of a call to a provider.
pub const PROVIDER_KEY: &str = "provider.key";
/// The kind of a notification to a customer.
pub const NOTIFICATION: &str = "notice.kind";
/// The number of removed idempotent requests.
pub const REQUESTS_REMOVED: &str = "idempotency.removed";
/// The number of idempotent requests whose answers were removed, so that repeats are executed.
pub const REQUESTS_REOPENED: &str = "idempotency.reopened";
