//! The names of log fields. One name means one thing in all logs, so that a search finds all of it; a program adds its
//! own beside them.
//!
//! Used as `tracing::warn!({ fields::SAGA_ID } = saga_id, "…")`.

/// How long something took, in milliseconds.
pub const ELAPSED_MS: &str = "elapsed.ms";
/// The cause of a failure, for operators only.
pub const ERROR: &str = "error.cause";
/// The name of an event handler.
pub const EVENT_HANDLER: &str = "event_handler.name";
/// The stored name of an event.
pub const EVENT_TYPE: &str = "event.type";
/// The position of the log's last event.
pub const HEAD: &str = "log.head";
/// The name of a lease.
pub const LEASE: &str = "lease.name";
/// The version of a schema migration.
pub const MIGRATION: &str = "migration.version";
/// What is known of a commit without a reply.
pub const OUTCOME: &str = "commit.outcome";
/// How much of something is done, in whole percents.
pub const PERCENT: &str = "progress.percent";
/// A place in the log of all events.
pub const POSITION: &str = "log.position";
/// The name of a projection.
pub const PROJECTION: &str = "projection.name";
/// The schema version of a projection.
pub const PROJECTION_VERSION: &str = "projection.schema_version";
/// Why something did not succeed, for people.
pub const REASON: &str = "failure.reason";
/// A setting of a database server.
pub const SETTING: &str = "setting.name";
/// How many lines like this one were suppressed since the last one that was written.
pub const SUPPRESSED: &str = "log.suppressed";
/// The version of a snapshot.
pub const SNAPSHOT_VERSION: &str = "snapshot.version";
/// The name of a stream.
pub const STREAM: &str = "stream.name";
