//! Idempotent requests in their table. Every step is one atomic statement, the same on both engines, so that
//! no transaction is needed.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use event_sourcing::{CommandId, EventStore, LogMark, StoreError};
use sql_database::Statement;
use sql_database::mark::{stored_event, stored_position};
use uuid::Uuid;

use crate::age::{KeyClock, Moment};
use crate::claim::{Claim, KeyedRequest, RequestHash};
use crate::tables::RequestTables;

const STORE_ANSWER: &str = "store a request's answer";
/// How many rows the clean-up removes in one statement.
const CLEANED_AT_ONCE: i64 = 1_000;
/// Time limit of reading the log's head. It leaves time to store the answer within the caller's deadline.
const MARK_TIMEOUT: Duration = Duration::from_millis(500);
/// How often Begin retries if the row that it conflicted with is gone when it reads it.
const BEGIN_TRIES: usize = 3;

/// A new key, or one that has expired but was not removed yet.
const INSERT: &str = "\
    INSERT INTO idempotent_requests AS r \
        (principal, key, request_hash, seed, token, lease_until, created_at, ran_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
    ON CONFLICT (principal, key) DO UPDATE SET \
        request_hash = excluded.request_hash, seed = excluded.seed, token = excluded.token, \
        lease_until = excluded.lease_until, answer = NULL, created_at = excluded.created_at, \
        ran_at = excluded.ran_at \
    WHERE r.created_at <= $9 AND r.ran_at <= $10 AND (r.lease_until <= $7 OR r.lease_until > $11) \
    RETURNING seed";
/// A request without a valid lease, or one that the caller itself leases: a repeated Begin must succeed.
const TAKE_OVER: &str = "\
    UPDATE idempotent_requests SET token = $4, lease_until = $5 \
    WHERE principal = $1 AND key = $2 AND request_hash = $3 AND answer IS NULL \
      AND (lease_until <= $6 OR lease_until > $7 OR token = $4) \
    RETURNING seed";
const LOOK: &str = "\
    SELECT request_hash, answer, lease_until FROM idempotent_requests \
    WHERE principal = $1 AND key = $2";
const RENEW: &str = "\
    UPDATE idempotent_requests SET lease_until = $4 \
    WHERE principal = $1 AND key = $2 AND token = $3 AND answer IS NULL";
const ANSWER: &str = "\
    UPDATE idempotent_requests SET answer = $4, log_id = $5, position = $6, event_id = $7 \
    WHERE principal = $1 AND key = $2 AND token = $3";
const RELEASE: &str = "\
    UPDATE idempotent_requests SET lease_until = 0 \
    WHERE principal = $1 AND key = $2 AND token = $3";
const CLEAN_UP: &str = "\
    DELETE FROM idempotent_requests WHERE (principal, key) IN ( \
        SELECT principal, key FROM idempotent_requests \
        WHERE created_at <= $1 AND ran_at <= $2 AND (lease_until <= $3 OR lease_until > $4) \
        ORDER BY created_at LIMIT $5)";

/// The idempotent requests of one database.
pub struct Requests {
    tables: RequestTables,
    store: Arc<dyn EventStore>,
    clock: KeyClock,
}

impl fmt::Debug for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requests").finish_non_exhaustive()
    }
}

impl Requests {
    /// The requests in `tables`; their answers refer to the log in `store`.
    #[must_use]
    pub fn new(tables: RequestTables, store: Arc<dyn EventStore>, clock: KeyClock) -> Self {
        Self {
            tables,
            store,
            clock,
        }
    }

    /// Claims a request. `seed` is used if the key is new; `token` identifies the caller's lease.
    ///
    /// # Errors
    /// The database failed; a retry with the same token is safe.
    pub async fn begin(
        &self,
        request: &KeyedRequest,
        hash: RequestHash,
        seed: CommandId,
        token: &str,
    ) -> Result<Claim, StoreError> {
        // Three statements without a transaction. Each one decides on its own, so concurrent callers can interleave
        // at any point: at most one of them inserts or takes over the row, and the others see the result.
        for _ in 0..BEGIN_TRIES {
            let now = self.clock.now();
            let inserted = self.insert(request, hash, seed, token, now).await?;
            let seed = match inserted {
                Some(seed) => Some(seed),
                None => self.take_over(request, hash, token, now).await?,
            };
            if let Some(seed) = seed {
                return read_seed(&seed).map(|seed| Claim::Fresh { seed });
            }
            // Neither a new row nor a takeover: another caller holds the row. Read the reason.
            let Some((stored_hash, answer, lease_until)) = self.look(request).await? else {
                // Removed by the clean-up since the insert conflicted with it; the next round inserts it.
                continue;
            };
            if stored_hash != hash {
                return Ok(Claim::Reused);
            }
            if let Some(answer) = answer {
                return Ok(Claim::Answered { answer });
            }
            // If the lease expired since the takeover failed, the next round takes it over.
            let left = u64::try_from(lease_until - now.at).unwrap_or(0);
            if left > 0 {
                return Ok(Claim::InProgress {
                    for_at_most: Duration::from_micros(left),
                });
            }
        }
        // Other callers claim and release this key concurrently. The caller may retry immediately.
        Ok(Claim::InProgress {
            for_at_most: Duration::ZERO,
        })
    }

    /// Renews the lease. Returns false if the caller no longer holds it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn renew(&self, request: &KeyedRequest, token: &str) -> Result<bool, StoreError> {
        let renew = of("renew a request's lease", RENEW, request)
            .bind(token)
            .bind(self.clock.now().lease_end());
        let changed = self.tables.execute(renew).await?;
        Ok(changed > 0)
    }

    /// Stores the answer, or without one releases the lease so that the next caller can execute the request
    /// immediately. Returns false if the caller no longer holds the lease.
    ///
    /// # Errors
    /// The database failed, or the event store, whose head is stored with the answer; a retry is safe.
    pub async fn finish(
        &self,
        request: &KeyedRequest,
        token: &str,
        answer: Option<&[u8]>,
    ) -> Result<bool, StoreError> {
        let finish = match answer {
            Some(answer) => {
                // Before the answer is stored, so that the head is not below the events that the answer reflects.
                let head = self.head().await?;
                of(STORE_ANSWER, ANSWER, request)
                    .bind(token)
                    .bind(answer)
                    .bind(head.log.to_string())
                    .bind(stored_position(head.position))
                    .bind(stored_event(&head))
            }
            None => of("release a request", RELEASE, request).bind(token),
        };
        let changed = self.tables.execute(finish).await?;
        Ok(changed > 0)
    }

    /// Stores the running time. Called periodically and before a stop.
    ///
    /// # Errors
    /// The database failed.
    pub async fn age(&self) -> Result<(), StoreError> {
        self.clock.store_running_time(&self.tables).await
    }

    /// Removes expired requests and returns their number.
    ///
    /// # Errors
    /// The database failed.
    pub async fn clean_up(&self) -> Result<u64, StoreError> {
        self.age().await?;
        let mut removed = 0;
        loop {
            // In batches: one large delete would block concurrent requests.
            let now = self.clock.now();
            let old = Statement::new("remove old requests", CLEAN_UP)
                .bind(now.expired_before().at)
                .bind(now.expired_before().ran)
                .bind(now.at)
                .bind(now.latest_lease_end())
                .bind(CLEANED_AT_ONCE);
            let batch = self.tables.execute(old).await?;
            removed += batch;
            if i64::try_from(batch).unwrap_or(i64::MAX) < CLEANED_AT_ONCE {
                return Ok(removed);
            }
        }
    }

    /// The log's head, which is at or after every event that the answer reflects. Without it the answer is not
    /// stored: it could be repeated after the log that it refers to was replaced.
    async fn head(&self) -> Result<LogMark, StoreError> {
        let identity = tokio::time::timeout(MARK_TIMEOUT, self.store.identify(&[])).await;
        let late = |late| StoreError::Unavailable {
            operation: STORE_ANSWER,
            source: Arc::new(late),
        };
        Ok(identity.map_err(late)??.head)
    }

    async fn insert(
        &self,
        request: &KeyedRequest,
        hash: RequestHash,
        seed: CommandId,
        token: &str,
        now: Moment,
    ) -> Result<Option<String>, StoreError> {
        let insert = of("claim a request", INSERT, request)
            .bind(hash.as_slice())
            .bind(seed.to_string())
            .bind(token)
            .bind(now.lease_end())
            .bind(now.at)
            .bind(now.ran)
            .bind(now.expired_before().at)
            .bind(now.expired_before().ran)
            .bind(now.latest_lease_end());
        self.seed(insert).await
    }

    async fn take_over(
        &self,
        request: &KeyedRequest,
        hash: RequestHash,
        token: &str,
        now: Moment,
    ) -> Result<Option<String>, StoreError> {
        let update = of("take over a request", TAKE_OVER, request)
            .bind(hash.as_slice())
            .bind(token)
            .bind(now.lease_end())
            .bind(now.at)
            .bind(now.latest_lease_end());
        self.seed(update).await
    }

    async fn seed(&self, write: Statement) -> Result<Option<String>, StoreError> {
        let seed: Option<(String,)> = self.tables.write_optional(write).await?;
        Ok(seed.map(|(seed,)| seed))
    }

    async fn look(
        &self,
        request: &KeyedRequest,
    ) -> Result<Option<(Vec<u8>, Option<Vec<u8>>, i64)>, StoreError> {
        let look = of("read a request", LOOK, request);
        self.tables.fetch_optional(look).await
    }
}

/// A statement whose first two parameters identify a request.
fn of(operation: &'static str, sql: &'static str, request: &KeyedRequest) -> Statement {
    Statement::new(operation, sql)
        .bind(request.principal.as_str())
        .bind(request.key.as_str())
}

fn read_seed(text: &str) -> Result<CommandId, StoreError> {
    Uuid::from_str(text)
        .map(CommandId)
        .map_err(|error| sql_database::failed("read a request's seed", error))
}
