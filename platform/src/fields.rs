//! The names of log fields. One name means one thing in all logs, so that a search finds all of it.
//!
//! Used as `tracing::info!({ fields::ADDRESS } = %address, "listening")`.

/// The socket address of a listener.
pub const ADDRESS: &str = "listener.address";
/// The name of a listener.
pub const LISTENER: &str = "listener.name";
/// The name of a spawned task.
pub const TASK: &str = "task.name";
/// A part of `/health`.
pub const PART: &str = "health.part";
/// The cause of a failure, for operators only.
pub const ERROR: &str = "error.cause";
/// The id that the client got instead of the cause.
pub const ERROR_ID: &str = "error.id";
/// The id of the request that began it all.
pub const CORRELATION_ID: &str = "correlation.id";
/// The command's id.
pub const COMMAND_ID: &str = "command.id";
/// A place in the log of all events.
pub const POSITION: &str = "log.position";
/// The name of a projection.
pub const PROJECTION: &str = "projection.name";
/// The gRPC method that was called.
pub const RPC_METHOD: &str = "rpc.method";
/// The gRPC status that it answered.
pub const RPC_STATUS: &str = "rpc.status";
/// A setting's name.
pub const SETTING: &str = "setting.name";
/// An order's id.
pub const ORDER_ID: &str = "order.id";
/// The idempotency key of a call to a provider.
pub const PROVIDER_KEY: &str = "provider.key";
/// What a customer is told.
pub const NOTICE: &str = "notice.kind";
