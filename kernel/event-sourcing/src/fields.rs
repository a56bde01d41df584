//! The names of log fields. A name has the same meaning in all logs, so that a search finds every use; a program adds
//! its own.
//!
//! Used as `tracing::warn!({ fields::SAGA_ID } = saga_id, "…")`.

/// The number of an attempt, from 1.
pub const ATTEMPT: &str = "attempt.number";
/// The number of commits of a batch.
pub const COMMITS: &str = "append.commits";
/// The number of events of a batch.
pub const EVENTS: &str = "append.events";
/// The number of rows that differ.
pub const DIFFERENCES: &str = "rebuild.differences";
/// A duration in milliseconds.
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
/// Whether a commit without a receipt may have been written.
pub const OUTCOME: &str = "commit.outcome";
/// The progress in whole percent.
pub const PERCENT: &str = "progress.percent";
/// A position in the log.
pub const POSITION: &str = "log.position";
/// The name of a projection.
pub const PROJECTION: &str = "projection.name";
/// The schema version of a projection.
pub const PROJECTION_VERSION: &str = "projection.schema_version";
/// The reason of a failure, for operators.
pub const REASON: &str = "failure.reason";
/// A setting of a database server.
pub const DATABASE_SETTING: &str = "database.setting";
/// How many lines like this one were suppressed since the last one that was written.
pub const SUPPRESSED: &str = "log.suppressed";
/// The version of a snapshot.
pub const SNAPSHOT_VERSION: &str = "snapshot.version";
/// The name of a stream.
pub const STREAM: &str = "stream.name";
