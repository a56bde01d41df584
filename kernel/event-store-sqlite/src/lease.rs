//! Leases, which expire by the injected clock. Each call acquires, renews or releases all its leases in one statement,
//! so it takes effect as a whole or not at all.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use event_sourcing::{Lease, LeaseRetention, MAX_HELD_LEASES, Token};
use sqlx::SqliteConnection;

use crate::read;

/// The time of a call and the expiry of the leases that it acquires, in microseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Term {
    pub(crate) now: i64,
    pub(crate) expires_at: i64,
    /// A lease that expires later was acquired before the machine's clock was set back. Its owner has ended, because
    /// only one process at a time opens the file for writing, so it counts as expired instead of blocking for hours.
    latest_expiry: i64,
}

impl Term {
    pub(crate) fn new(now: DateTime<Utc>, ttl: Duration) -> Self {
        let now = now.timestamp_micros();
        let ttl_us = i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX);
        Self {
            now,
            expires_at: now.saturating_add(ttl_us),
            latest_expiry: now.saturating_add(ttl_us.saturating_mul(2)),
        }
    }
}

fn lease((name, token): (String, u64)) -> Lease {
    Lease {
        name: Arc::from(name),
        token: Token(token),
    }
}

pub(crate) async fn acquire(
    conn: &mut SqliteConnection,
    names: &[Arc<str>],
    owner: &str,
    term: Term,
    retention: Option<LeaseRetention>,
) -> Result<Vec<Lease>, sqlx::Error> {
    if let Some(retention) = retention {
        delete_ended(conn, retention, term.now).await?;
    }
    // The token grows exactly when the previous term ended, also for the same owner: what that term still sends is then
    // fenced. A lease that is still valid keeps its token, because its commits in flight carry it.
    let taken: Vec<(String, u64)> = sqlx::query_as(
        "INSERT INTO leases (name, owner, token, expires_at_us)
         SELECT DISTINCT value, ?2, 1, ?4 FROM json_each(?1) WHERE true
         ON CONFLICT (name) DO UPDATE
         SET token = token + (expires_at_us <= ?3 OR expires_at_us > ?5), owner = excluded.owner, expires_at_us = excluded.expires_at_us
         WHERE leases.expires_at_us <= ?3 OR leases.expires_at_us > ?5 OR leases.owner = excluded.owner
         RETURNING name, token",
    )
    .bind(read::json(&names)?)
    .bind(owner)
    .bind(term.now)
    .bind(term.expires_at)
    .bind(term.latest_expiry)
    .fetch_all(conn)
    .await?;
    Ok(taken.into_iter().map(lease).collect())
}

pub(crate) async fn renew(
    conn: &mut SqliteConnection,
    owner: &str,
    term: Term,
) -> Result<Vec<Lease>, sqlx::Error> {
    let renewed: Vec<(String, u64)> = sqlx::query_as(
        // An expired lease is not renewed. Its owner must acquire it again, which raises the token and so fences what
        // the previous term still sends.
        "UPDATE leases SET expires_at_us = ?3 WHERE owner = ?1 AND expires_at_us > ?2
         RETURNING name, token",
    )
    .bind(owner)
    .bind(term.now)
    .bind(term.expires_at)
    .fetch_all(conn)
    .await?;
    Ok(renewed.into_iter().map(lease).collect())
}

pub(crate) async fn release(
    conn: &mut SqliteConnection,
    names: &[Arc<str>],
    owner: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        // The row stays, because the next owner's token has to be greater than this one's.
        "UPDATE leases SET expires_at_us = ?3
         WHERE owner = ?2 AND expires_at_us > ?3 AND name IN (SELECT value FROM json_each(?1))",
    )
    .bind(read::json(&names)?)
    .bind(owner)
    .bind(now.timestamp_micros())
    .execute(conn)
    .await?;
    Ok(())
}

async fn delete_ended(
    conn: &mut SqliteConnection,
    retention: LeaseRetention,
    now: i64,
) -> Result<(), sqlx::Error> {
    let retained_us = i64::try_from(retention.period.as_micros()).unwrap_or(i64::MAX);
    sqlx::query(
        "DELETE FROM leases WHERE expires_at_us <= ?2 AND substr(name, 1, length(?1)) = ?1",
    )
    .bind(retention.prefix)
    .bind(now.saturating_sub(retained_us))
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn held(
    conn: &mut SqliteConnection,
    prefix: &str,
    now: DateTime<Utc>,
) -> Result<Vec<Arc<str>>, sqlx::Error> {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM leases
         WHERE expires_at_us > ?2 AND substr(name, 1, length(?1)) = ?1
         ORDER BY name LIMIT ?3",
    )
    .bind(prefix)
    .bind(now.timestamp_micros())
    .bind(i64::try_from(MAX_HELD_LEASES).unwrap_or(i64::MAX))
    .fetch_all(conn)
    .await?;
    Ok(names.into_iter().map(Arc::from).collect())
}

pub(crate) async fn seize(
    conn: &mut SqliteConnection,
    names: &[Arc<str>],
    owner: &str,
    term: Term,
) -> Result<Vec<Lease>, sqlx::Error> {
    // The token always grows, so every commit of the previous holder is fenced from here on.
    let seized: Vec<(String, u64)> = sqlx::query_as(
        "INSERT INTO leases (name, owner, token, expires_at_us)
         SELECT DISTINCT value, ?2, 1, ?3 FROM json_each(?1) WHERE true
         ON CONFLICT (name) DO UPDATE
         SET token = token + 1, owner = excluded.owner, expires_at_us = excluded.expires_at_us
         RETURNING name, token",
    )
    .bind(read::json(&names)?)
    .bind(owner)
    .bind(term.expires_at)
    .fetch_all(conn)
    .await?;
    Ok(seized.into_iter().map(lease).collect())
}
