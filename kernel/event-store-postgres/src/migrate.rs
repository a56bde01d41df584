//! Migrations of the tables.
//!
//! Each migration names the oldest binary schema that the tables still support after it. An older binary is rejected;
//! migrations that a binary does not have are accepted as long as they support it. So old and new binaries run
//! together, and a release can be rolled back.

use event_sourcing::fields;
use sql_database::OlderFormat;
use sql_database::format::step;
use sql_database::postgres::{POSTGRES_NAME, lock_schema};
use sqlx::{Connection, PgConnection};

use crate::error::AppendFailure;

struct Migration {
    version: i32,
    /// The oldest binary that can use the tables afterwards. A binary's schema is the version of its last migration.
    oldest_schema: i32,
    sql: &'static str,
}

const MIGRATIONS: [Migration; 5] = [
    Migration {
        version: schema(1),
        oldest_schema: schema(1),
        sql: include_str!("../migrations/0001_events.sql"),
    },
    Migration {
        version: schema(2),
        oldest_schema: schema(1),
        sql: include_str!("../migrations/0002_append.sql"),
    },
    Migration {
        version: schema(3),
        oldest_schema: schema(1),
        sql: include_str!("../migrations/0003_append_batch_optimistic.sql"),
    },
    Migration {
        version: schema(4),
        oldest_schema: schema(1),
        sql: include_str!("../migrations/0004_log_id.sql"),
    },
    Migration {
        version: schema(5),
        oldest_schema: schema(1),
        sql: include_str!("../migrations/0005_notify_by_schema.sql"),
    },
];

/// The number of a migration as the table stores it.
#[expect(clippy::cast_possible_truncation, reason = "a few thousand")]
const fn schema(number: i64) -> i32 {
    step(number) as i32
}

const SCHEMA: i32 = MIGRATIONS[MIGRATIONS.len() - 1].version;

/// A number that no other advisory lock uses: the ASCII codes of `events`.
const LOCK: i64 = 0x6576_656e_7473;

/// Runs the missing migrations.
pub(crate) async fn migrate(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    // Held to the end of the transaction, so that two processes do not migrate concurrently. If this process stops
    // here, the server's timeout for idle transactions rolls it back.
    lock_schema(&mut transaction, LOCK).await?;
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS event_store_migrations (
             version integer PRIMARY KEY,
             oldest_schema integer NOT NULL,
             applied_at timestamptz NOT NULL DEFAULT now())",
    )
    .execute(&mut *transaction)
    .await?;
    let applied = applied(&mut transaction).await?;
    // All missing migrations are in one transaction: after a crash either all of them or none have run.
    for migration in &MIGRATIONS {
        if applied.contains(&migration.version) {
            continue;
        }
        sqlx::raw_sql(migration.sql)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("INSERT INTO event_store_migrations (version, oldest_schema) VALUES ($1, $2)")
            .bind(migration.version)
            .bind(migration.oldest_schema)
            .execute(&mut *transaction)
            .await?;
        tracing::info!(
            { fields::MIGRATION } = migration.version,
            "event store migrated"
        );
    }
    transaction.commit().await
}

/// Rejects tables that lack a migration or no longer support this binary.
pub(crate) async fn check(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let exists: bool =
        sqlx::query_scalar("SELECT to_regclass('event_store_migrations') IS NOT NULL")
            .fetch_one(&mut *connection)
            .await?;
    if !exists {
        return Err(AppendFailure::NotMigrated(MIGRATIONS[0].version).into());
    }
    let applied = applied(connection).await?;
    let missing = MIGRATIONS.iter().find(|m| !applied.contains(&m.version));
    missing.map_or(
        Ok(()),
        |m| Err(AppendFailure::NotMigrated(m.version).into()),
    )
}

async fn applied(connection: &mut PgConnection) -> Result<Vec<i32>, sqlx::Error> {
    let applied: Vec<(i32, i32)> =
        sqlx::query_as("SELECT version, oldest_schema FROM event_store_migrations")
            .fetch_all(&mut *connection)
            .await?;
    let name: String = sqlx::query_scalar(POSTGRES_NAME)
        .fetch_one(connection)
        .await?;
    let steps = applied.iter().map(|(version, _)| i64::from(*version));
    OlderFormat::check("event store", name, steps).map_err(AppendFailure::from)?;
    let oldest = applied.iter().map(|(_, oldest)| *oldest).max();
    match oldest {
        Some(oldest) if oldest > SCHEMA => Err(AppendFailure::BinaryTooOld {
            oldest,
            ours: SCHEMA,
        }
        .into()),
        _ => Ok(applied.into_iter().map(|(version, _)| version).collect()),
    }
}
