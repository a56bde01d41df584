//! The answers of requests with an Idempotency-Key, in this process's own database.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use event_sourcing::{Clock, CommandId, EventStore, StoreError};
use graphql_http::{ApiError, Backend, Claim, Code, Lease, NOT_AVAILABLE, Origin};
use idempotency_sql::{KeyedRequest, LEASE, Requests};

pub(crate) struct StoredAnswers {
    requests: Arc<Requests>,
    log: Arc<dyn EventStore>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for StoredAnswers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredAnswers")
    }
}

impl StoredAnswers {
    pub(crate) fn new(
        requests: Arc<Requests>,
        log: Arc<dyn EventStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            requests,
            log,
            clock,
        }
    }
}

#[async_trait]
impl Backend for StoredAnswers {
    async fn begin(
        &self,
        origin: &Origin,
        principal: &str,
        key: &str,
        request_hash: Vec<u8>,
    ) -> Result<Claim, ApiError> {
        let hash = request_hash.try_into();
        let hash = hash.map_err(|_| ApiError::internal("a hash has another length"))?;
        let token = format!("{:032x}", rand::random::<u128>());
        let new_seed = CommandId::from_parts(self.clock.now(), rand::random());
        let request = KeyedRequest {
            principal: principal.to_owned(),
            key: key.to_owned(),
        };
        let claim = self.requests.begin(&request, hash, new_seed, &token).await;
        match claim.map_err(|error| unavailable(&error))? {
            idempotency_sql::Claim::Fresh { seed } => Ok(Claim::Fresh {
                seed,
                lease: Lease {
                    principal: request.principal,
                    key: request.key,
                    token,
                    duration: LEASE,
                    origin: origin.clone(),
                },
            }),
            idempotency_sql::Claim::Answered { answer } => Ok(Claim::Again(answer)),
            idempotency_sql::Claim::InProgress { for_at_most } => Err(ApiError {
                retry_after: Some(for_at_most.as_secs() + 1),
                ..ApiError::new(
                    Code::IdempotencyInProgress,
                    "the request with this Idempotency-Key is still running",
                )
            }),
            idempotency_sql::Claim::Reused => Err(ApiError::new(
                Code::IdempotencyKeyReused,
                "the Idempotency-Key was used with another operation or other variables",
            )),
        }
    }

    async fn renew(&self, lease: &Lease) -> Infallible {
        loop {
            tokio::time::sleep(lease.duration / 3).await;
            let renewed = self.requests.renew(&keyed(lease), &lease.token).await;
            if renewed.is_err() {
                tracing::warn!("the lease of an Idempotency-Key was not renewed");
            }
        }
    }

    async fn finish(&self, lease: &Lease, answer: Option<Vec<u8>>) -> bool {
        let finished = self
            .requests
            .finish(&keyed(lease), &lease.token, answer.as_deref())
            .await;
        let is_stored = finished.unwrap_or_else(|_| {
            tracing::warn!("a response was not stored");
            false
        });
        is_stored || answer.is_none()
    }

    async fn require_position(&self, _: &Origin, position: u64) -> Result<(), ApiError> {
        let head = self.log.head().await.map_err(|error| unavailable(&error))?;
        if position > head.0 {
            let message =
                format!("X-Min-Position must be at most the log's head {head}, got {position}");
            return Err(ApiError::new(Code::BadRequest, message));
        }
        Ok(())
    }
}

fn keyed(lease: &Lease) -> KeyedRequest {
    KeyedRequest {
        principal: lease.principal.clone(),
        key: lease.key.clone(),
    }
}

/// The error for a database that failed.
pub(super) fn unavailable(error: &StoreError) -> ApiError {
    if error.is_retryable() {
        ApiError::new(Code::ServiceUnavailable, NOT_AVAILABLE)
    } else {
        ApiError::internal(error)
    }
}
