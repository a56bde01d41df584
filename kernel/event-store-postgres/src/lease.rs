//! Leases, which expire by the server's clock, so that the clocks of processes need not agree.
//!
//! Every statement takes its row locks in the order of names, and so does the append that checks fences, so none
//! deadlocks with another. Each is one statement that commits by itself: a client that stops holds no lock. They use
//! `clock_timestamp()` and not `now()`, because a statement may have waited for a row lock since it started.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use event_sourcing::{Lease, LeaseRetention, MAX_HELD_LEASES, SteadyClock, Token};
use sql_database::NamedPool;
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::QueryAs;

/// `$3` is in seconds. A row that another owner holds is locked, unchanged, and not returned. The token grows when the
/// previous term has ended, also for the same owner: what that term still sends is then fenced.
const ACQUIRE: &str = "
    INSERT INTO leases (name, owner, expires_at, token)
    SELECT n.name, $2, clock_timestamp() + make_interval(secs => $3), 1
    FROM (SELECT DISTINCT name COLLATE \"C\" AS name FROM unnest($1::text[]) n (name)) n
    ORDER BY 1
    ON CONFLICT (name) DO UPDATE
    SET owner = excluded.owner,
        expires_at = excluded.expires_at,
        token = leases.token
              + CASE WHEN leases.owner = excluded.owner
                      AND leases.expires_at > clock_timestamp() THEN 0 ELSE 1 END
    WHERE leases.owner = excluded.owner OR leases.expires_at <= clock_timestamp()
    RETURNING name, token, clock_timestamp()";

const RENEW: &str = "
    -- The update repeats the condition, because a lease can expire while this waits for its lock.
    WITH mine AS (
        SELECT name FROM leases
        WHERE owner = $1 AND expires_at > clock_timestamp()
        ORDER BY name FOR UPDATE
    )
    UPDATE leases SET expires_at = clock_timestamp() + make_interval(secs => $2)
    FROM mine
    WHERE leases.name = mine.name AND leases.owner = $1 AND leases.expires_at > clock_timestamp()
    RETURNING leases.name, leases.token, clock_timestamp()";

const RELEASE: &str = "
    WITH mine AS (
        SELECT name FROM leases
        WHERE owner = $2 AND name = ANY ($1)
        ORDER BY name FOR UPDATE
    )
    UPDATE leases SET expires_at = '-infinity'
    FROM mine
    WHERE leases.name = mine.name AND leases.owner = $2";

const SEIZE: &str = "
    INSERT INTO leases (name, owner, expires_at, token)
    SELECT n.name, $2, clock_timestamp() + make_interval(secs => $3), 1
    FROM (SELECT DISTINCT name COLLATE \"C\" AS name FROM unnest($1::text[]) n (name)) n
    ORDER BY 1
    ON CONFLICT (name) DO UPDATE
    SET owner = excluded.owner, expires_at = excluded.expires_at, token = leases.token + 1
    RETURNING name, token, clock_timestamp()";

const HELD: &str = "
    SELECT name FROM leases
    WHERE starts_with(name, $1) AND expires_at > clock_timestamp()
    ORDER BY name LIMIT $2";

/// A lease that is acquired in the meantime is checked again under its lock, and is not deleted.
const DELETE_ENDED: &str = "
    WITH ended AS (
        SELECT name FROM leases
        WHERE starts_with(name, $1) AND expires_at <= clock_timestamp() - make_interval(secs => $2)
        ORDER BY name FOR UPDATE
    )
    DELETE FROM leases USING ended WHERE leases.name = ended.name";

type LeaseRow = (String, i64, DateTime<Utc>);

/// The pool for lease statements, and the clock that is synchronized by the times that they return.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeaseContext<'s> {
    pub(crate) pool: &'s NamedPool,
    pub(crate) clock: &'s SteadyClock,
}

impl LeaseContext<'_> {
    async fn run(
        self,
        statement: QueryAs<'_, Postgres, LeaseRow, PgArguments>,
    ) -> Result<Vec<Lease>, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        // Measured after the wait for a connection, so that it only bounds the duration of the statement.
        let asked_at = self.clock.uptime();
        let rows = statement.fetch_all(&mut *connection).await?;
        if let Some((_, _, time)) = rows.first() {
            self.clock.synchronize(*time, asked_at);
        }
        Ok(rows.into_iter().map(lease).collect())
    }
}

pub(crate) async fn acquire(
    leasing: LeaseContext<'_>,
    names: &[Arc<str>],
    owner: &str,
    ttl: Duration,
    retention: Option<LeaseRetention>,
) -> Result<Vec<Lease>, sqlx::Error> {
    if let Some(retention) = retention {
        // A separate statement, so that its row locks are released before leases are acquired. A crash in between
        // leaves only fewer rows.
        sqlx::query(DELETE_ENDED)
            .bind(retention.prefix)
            .bind(retention.period.as_secs_f64())
            .execute(&mut *leasing.pool.acquire().await?)
            .await?;
    }
    take(ACQUIRE, leasing, names, owner, ttl).await
}

/// Acquires all leases, also those that another owner holds. The token always grows, so their commits are fenced.
pub(crate) async fn seize(
    leasing: LeaseContext<'_>,
    names: &[Arc<str>],
    owner: &str,
    ttl: Duration,
) -> Result<Vec<Lease>, sqlx::Error> {
    // The previous owners may still run: the new tokens fence their commits.
    take(SEIZE, leasing, names, owner, ttl).await
}

async fn take(
    statement: &'static str,
    leasing: LeaseContext<'_>,
    names: &[Arc<str>],
    owner: &str,
    ttl: Duration,
) -> Result<Vec<Lease>, sqlx::Error> {
    let taking = sqlx::query_as(statement)
        .bind(texts(names))
        .bind(owner)
        .bind(ttl.as_secs_f64());
    leasing.run(taking).await
}

pub(crate) async fn held(pool: &NamedPool, prefix: &str) -> Result<Vec<Arc<str>>, sqlx::Error> {
    let names: Vec<String> = sqlx::query_scalar(HELD)
        .bind(prefix)
        .bind(i64::try_from(MAX_HELD_LEASES).unwrap_or(i64::MAX))
        .fetch_all(&mut *pool.acquire().await?)
        .await?;
    Ok(names.into_iter().map(Arc::from).collect())
}

pub(crate) async fn renew(
    leasing: LeaseContext<'_>,
    owner: &str,
    ttl: Duration,
) -> Result<Vec<Lease>, sqlx::Error> {
    let renewing = sqlx::query_as(RENEW).bind(owner).bind(ttl.as_secs_f64());
    leasing.run(renewing).await
}

pub(crate) async fn release(
    pool: &NamedPool,
    names: &[Arc<str>],
    owner: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(RELEASE)
        .bind(texts(names))
        .bind(owner)
        .execute(&mut *pool.acquire().await?)
        .await?;
    Ok(())
}

fn texts(names: &[Arc<str>]) -> Vec<&str> {
    names.iter().map(AsRef::as_ref).collect()
}

fn lease((name, token, _): LeaseRow) -> Lease {
    Lease {
        name: name.into(),
        token: Token(token.unsigned_abs()),
    }
}
