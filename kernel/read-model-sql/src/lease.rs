//! Leases of projections, in the database of the rows that they protect.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use event_sourcing::{Lease, LeaseRetention, LeaseStore, MAX_HELD_LEASES, StoreError, Token};
use sqlx::AssertSqlSafe;

use crate::database::Database;
use crate::engine::Engine;
use crate::error::failed;
use crate::statement::Statement;

/// Leases in a query database. They expire by the server's clock on PostgreSQL, and by the injected clock on SQLite,
/// which only one process uses.
#[derive(Clone, Debug)]
pub struct SqlLeaseStore {
    database: Database,
}

impl SqlLeaseStore {
    /// Uses the leases of this database.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    async fn delete_ended(&self, retention: LeaseRetention) -> Result<(), StoreError> {
        let engine = self.database.engine();
        let sql = format!(
            "DELETE FROM read_model_leases WHERE {} AND expires_at <= {} - $3 RETURNING name",
            engine.starts_with("name", "$1"),
            engine.now_micros("$2"),
        );
        let statement = Statement::new("delete ended leases", AssertSqlSafe(sql))
            .bind(retention.prefix)
            .bind(self.database.now_micros())
            .bind(micros(retention.period));
        // A separate transaction, so that it holds no row locks while leases are acquired.
        let _deleted: Vec<(String,)> = self.database.write(statement).await?;
        Ok(())
    }

    /// Runs a statement and binds the current time and the time to live after its own parameters. It commits durably:
    /// if a crash of the database lost the commit, the same token would be assigned twice.
    async fn run(
        &self,
        statement: Statement,
        ttl: Duration,
        operation: &'static str,
    ) -> Result<Vec<Lease>, StoreError> {
        let mut transaction = self.database.begin().await?;
        transaction.make_durable().await?;
        let rows: Vec<(String, i64)> = transaction
            .fetch_all(statement.bind(self.database.now_micros()).bind(micros(ttl)))
            .await?;
        transaction.commit(operation).await?;
        rows.into_iter()
            .map(|(name, token)| {
                Ok(Lease {
                    name: name.into(),
                    token: Token(u64::try_from(token).map_err(|error| failed(operation, error))?),
                })
            })
            .collect()
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}

/// Sorts the names, so that two owners that acquire the same leases lock rows in the same order and cannot deadlock.
fn in_order(names: &[Arc<str>]) -> Vec<Arc<str>> {
    let mut names = names.to_vec();
    names.sort();
    names.dedup();
    names
}

#[async_trait]
impl LeaseStore for SqlLeaseStore {
    async fn acquire_leases(
        &self,
        names: &[Arc<str>],
        owner: &str,
        ttl: Duration,
        retention: Option<LeaseRetention>,
    ) -> Result<Vec<Lease>, StoreError> {
        let operation = "acquire leases";
        if let Some(retention) = retention {
            self.delete_ended(retention).await?;
        }
        let engine = self.database.engine();
        // The condition is checked again under the lock of each row, so two owners cannot acquire the same lease.
        let now = engine.now_micros("$3");
        let is_expired = engine.is_expired("read_model_leases.expires_at", &now, "$4");
        let sql = format!(
            "INSERT INTO read_model_leases (name, owner, token, expires_at) \
             SELECT wanted.value, $2, 1, {now} + $4 FROM {list} AS wanted WHERE true \
             ON CONFLICT (name) DO UPDATE SET \
               token = read_model_leases.token + CASE \
                 WHEN read_model_leases.owner = excluded.owner AND NOT {is_expired} \
                 THEN 0 ELSE 1 END, \
               owner = excluded.owner, expires_at = excluded.expires_at \
             WHERE read_model_leases.owner = excluded.owner OR {is_expired} \
             RETURNING name, token",
            list = engine.json_list("$1"),
        );
        let statement = Statement::new(operation, AssertSqlSafe(sql))
            .bind_list(&in_order(names))
            .bind(owner);
        self.run(statement, ttl, operation).await
    }

    async fn renew_leases(&self, owner: &str, ttl: Duration) -> Result<Vec<Lease>, StoreError> {
        let operation = "renew leases";
        let now = self.database.engine().now_micros("$2");
        let sql = format!(
            "UPDATE read_model_leases SET expires_at = {now} + $3 \
             WHERE owner = $1 AND expires_at > {now} RETURNING name, token"
        );
        let statement = Statement::new(operation, AssertSqlSafe(sql)).bind(owner);
        self.run(statement, ttl, operation).await
    }

    async fn release_leases(&self, names: &[Arc<str>], owner: &str) -> Result<(), StoreError> {
        let operation = "release leases";
        let sql = format!(
            "UPDATE read_model_leases SET expires_at = 0 WHERE owner = $2 AND {}",
            self.database.engine().is_one_of("name", "$1")
        );
        let mut transaction = self.database.begin().await?;
        transaction
            .execute(
                Statement::new(operation, AssertSqlSafe(sql))
                    .bind_list(names)
                    .bind(owner),
            )
            .await?;
        transaction.commit(operation).await
    }

    async fn held_leases(&self, prefix: &str) -> Result<Vec<Arc<str>>, StoreError> {
        let engine = self.database.engine();
        let by_bytes = match engine {
            Engine::Sqlite => "name",
            Engine::Postgres => "name COLLATE \"C\"",
        };
        let sql = format!(
            "SELECT name FROM read_model_leases WHERE {} AND expires_at > {} ORDER BY {by_bytes} LIMIT $3",
            engine.starts_with("name", "$1"),
            engine.now_micros("$2"),
        );
        let statement = Statement::new("list the leases", AssertSqlSafe(sql))
            .bind(prefix)
            .bind(self.database.now_micros())
            .bind(i64::try_from(MAX_HELD_LEASES).unwrap_or(i64::MAX));
        let names: Vec<(String,)> = self.database.fetch_all(statement).await?;
        Ok(names.into_iter().map(|(name,)| name.into()).collect())
    }

    async fn seize_leases(
        &self,
        names: &[Arc<str>],
        owner: &str,
        ttl: Duration,
    ) -> Result<Vec<Lease>, StoreError> {
        let operation = "seize leases";
        let engine = self.database.engine();
        let sql = format!(
            "INSERT INTO read_model_leases (name, owner, token, expires_at) \
             SELECT wanted.value, $2, 1, {now} + $4 FROM {list} AS wanted WHERE true \
             ON CONFLICT (name) DO UPDATE SET \
               token = read_model_leases.token + 1, owner = excluded.owner, expires_at = excluded.expires_at \
             RETURNING name, token",
            now = engine.now_micros("$3"),
            list = engine.json_list("$1"),
        );
        let statement = Statement::new(operation, AssertSqlSafe(sql))
            .bind_list(&in_order(names))
            .bind(owner);
        self.run(statement, ttl, operation).await
    }
}
