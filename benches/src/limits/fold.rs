//! A hand-written projection: keyset pages of the log, a fold in memory, one array upsert and the checkpoint in each
//! transaction.

use std::collections::HashMap;
use std::time::Instant;

use anyhow::Result;
use sqlx::{Connection, PgConnection};

use crate::account::Deposited;
use crate::measure::{Statistics, once};

const PAGE: i64 = 500;

const TABLES: &str = "
DROP TABLE IF EXISTS limit_accounts, limit_checkpoint;
CREATE TABLE limit_accounts (
    id text PRIMARY KEY, balance_cents bigint NOT NULL, deposits bigint NOT NULL, version bigint NOT NULL
);
CREATE TABLE limit_checkpoint (position bigint NOT NULL);
INSERT INTO limit_checkpoint VALUES (0);
";

const UPSERT: &str = "
INSERT INTO limit_accounts (id, balance_cents, deposits, version)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[])
ON CONFLICT (id) DO UPDATE SET balance_cents = excluded.balance_cents, deposits = excluded.deposits,
    version = excluded.version";

#[derive(Clone, Copy, Default)]
struct Sum {
    balance_cents: i64,
    deposits: i64,
    version: i64,
}

/// Folds the whole table `events` of `log` into a row for each account in `rows`, and measures events per second.
pub async fn rebuild(log: &str, rows: &str) -> Result<Statistics> {
    let mut log = PgConnection::connect(log).await?;
    let mut rows = PgConnection::connect(rows).await?;
    sqlx::raw_sql(TABLES).execute(&mut rows).await?;
    let start = Instant::now();
    let (mut after, mut count) = (0_i64, 0);
    loop {
        let page: Vec<(i64, String, i32, String)> = sqlx::query_as(
            "SELECT id, aggregate_id, event_version, event_data::text FROM events
             WHERE id > $1 ORDER BY id LIMIT $2",
        )
        .bind(after)
        .bind(PAGE)
        .fetch_all(&mut log)
        .await?;
        let Some((last, ..)) = page.last() else {
            return Ok(once(count, start.elapsed()));
        };
        after = *last;
        count += page.len() as u64;
        write_page(&mut rows, &page, after).await?;
    }
}

async fn write_page(
    rows: &mut PgConnection,
    page: &[(i64, String, i32, String)],
    read_up_to: i64,
) -> Result<()> {
    let mut ids: Vec<&str> = page.iter().map(|(_, id, ..)| id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut transaction = rows.begin().await?;
    let known: Vec<(String, i64, i64, i64)> = sqlx::query_as(
        "SELECT id, balance_cents, deposits, version FROM limit_accounts WHERE id = ANY($1)",
    )
    .bind(&ids)
    .fetch_all(&mut *transaction)
    .await?;
    let mut sums: HashMap<&str, Sum> = ids.iter().map(|id| (*id, Sum::default())).collect();
    for (id, balance_cents, deposits, version) in &known {
        let sum = Sum {
            balance_cents: *balance_cents,
            deposits: *deposits,
            version: *version,
        };
        sums.insert(id, sum);
    }
    for (_, id, version, data) in page {
        let event: Deposited = serde_json::from_str(data)?;
        let sum = sums.entry(id).or_default();
        sum.balance_cents += event.amount_cents;
        sum.deposits += 1;
        sum.version = i64::from(*version);
    }
    let column = |of: fn(&Sum) -> i64| -> Vec<i64> { ids.iter().map(|id| of(&sums[id])).collect() };
    sqlx::query(UPSERT)
        .bind(&ids)
        .bind(column(|sum| sum.balance_cents))
        .bind(column(|sum| sum.deposits))
        .bind(column(|sum| sum.version))
        .execute(&mut *transaction)
        .await?;
    sqlx::query("UPDATE limit_checkpoint SET position = $1")
        .bind(read_up_to)
        .execute(&mut *transaction)
        .await?;
    Ok(transaction.commit().await?)
}
