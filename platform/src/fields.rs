//! The names of log fields. One name means one thing in all logs, so that a search finds all of it. Those that the
//! kernel writes are the kernel's.
//!
//! Used as `tracing::info!({ fields::ADDRESS } = %address, "listening")`.

pub use event_sourcing::fields::*;

/// The socket address of a listener.
pub const ADDRESS: &str = "listener.address";
/// The name of a listener.
pub const LISTENER: &str = "listener.name";
/// How many connections a listener has.
pub const CONNECTIONS: &str = "listener.connections";
/// The name of a spawned task.
pub const TASK: &str = "task.name";
pub const TASK_PANICKED: &str = "task.panicked";
/// A part of `/health`.
pub const PART: &str = "health.part";
/// What a start waits for.
pub const WAITED_FOR: &str = "start.waited_for";
/// The id that the client got instead of the cause.
pub const ERROR_ID: &str = "error.id";
/// The id of the request that began it all: `X-Request-Id` of the gateway, `x-correlation-id` of gRPC.
pub const CORRELATION_ID: &str = "correlation.id";
/// The name of a command.
pub const COMMAND: &str = "command.name";
pub const COMMAND_ID: &str = "command.id";
/// The gRPC method that was called.
pub const RPC_METHOD: &str = "rpc.method";
/// The gRPC status that it answered.
pub const RPC_STATUS: &str = "rpc.status";
/// What an HTTP request asked to be done.
pub const HTTP_METHOD: &str = "http.method";
/// With what; without the parameters.
pub const HTTP_PATH: &str = "http.path";
/// The HTTP status that it was answered with.
pub const HTTP_STATUS: &str = "http.status";
/// The kind of a GraphQL operation, and its name if it has one.
pub const OPERATION: &str = "graphql.operation";
/// The code of an error, as the client sees it.
pub const CODE: &str = "error.code";
/// The name of a service.
pub const SERVICE: &str = "service.name";
pub const VERSION: &str = "service.version";
/// What it was built from.
pub const COMMIT: &str = "service.commit";
/// Where the events are, without secrets; its beginning names the engine.
pub const EVENT_STORE: &str = "event_store.url";
/// Where a service's own database is, without secrets; its beginning names the engine.
pub const DATABASE: &str = "database.url";
/// Who takes the money.
pub const PAYMENTS: &str = "provider.payments";
/// Who brings the goods.
pub const SHIPPING: &str = "provider.shipping";
/// The name of an endpoint that events are posted to.
pub const WEBHOOK: &str = "webhook.name";
/// Who tells the customers.
pub const NOTIFICATIONS: &str = "provider.notifications";
/// Where the gateway finds the command-service.
pub const COMMAND_SERVICE: &str = "command_service.address";
/// Where the gateway finds the query-service.
pub const QUERY_SERVICE: &str = "query_service.address";
pub const SETTING: &str = "setting.name";
pub const ORDER_ID: &str = "order.id";
/// The idempotency key of a call to a provider.
pub const PROVIDER_KEY: &str = "provider.key";
/// What a customer is told.
pub const NOTICE: &str = "notice.kind";
/// How many old requests were forgotten.
pub const REQUESTS_REMOVED: &str = "idempotency.removed";
