//! `proto.Idempotency`.

use std::sync::Arc;
use std::time::Duration;

use authentication::caller_of;
use bytes::Bytes;
use contract::MAX_STORED_ANSWER_BYTES;
use contract::proto::idempotency_server::Idempotency;
use contract::proto::{
    IdempotencyBeginParam, IdempotencyBeginResult, IdempotencyFinishParam, IdempotencyFinishResult,
    IdempotencyRenewParam, IdempotencyRenewResult, IdempotencyState,
};
use contract::status::Outcome;
use event_sourcing::{Clock, FailureLog, StoreError};
use idempotency_sql::{Claim, KeyedRequest, LEASE, RequestHash, Requests};
use platform::fields;
use tokio::time::{Instant, timeout_at};
use tonic::{Request, Response, Status};

use crate::bus::internal;
use crate::context;

/// Limit of characters in a principal and in a key.
const MAX_NAME: usize = 255;

pub(in crate::grpc) struct IdempotencyApi {
    requests: Arc<Requests>,
    clock: Arc<dyn Clock>,
}

impl IdempotencyApi {
    pub(in crate::grpc) fn new(requests: Arc<Requests>, clock: Arc<dyn Clock>) -> Self {
        Self { requests, clock }
    }
}

#[tonic::async_trait]
impl Idempotency for IdempotencyApi {
    async fn begin(
        &self,
        request: Request<IdempotencyBeginParam>,
    ) -> Result<Response<IdempotencyBeginResult>, Status> {
        let deadline = context::deadline(request.metadata())?;
        require_own(&request, &request.get_ref().principal)?;
        let param = request.into_inner();
        let keyed = keyed_request(param.principal, param.key)?;
        let hash = request_hash(&param.request_hash)?;
        let seed = context::new_id(&*self.clock);
        let token = match param.token.as_str() {
            "" => format!("{:032x}", rand::random::<u128>()),
            given => token(given)?.to_owned(),
        };
        let started = self.requests.begin(&keyed, hash, seed, &token);
        let started = within(deadline, started).await?;
        Ok(Response::new(match started {
            Claim::Fresh { seed } => IdempotencyBeginResult {
                state: IdempotencyState::Fresh.into(),
                seed: seed.to_string(),
                token,
                lease_ms: millis(LEASE),
                ..IdempotencyBeginResult::default()
            },
            Claim::Answered { answer } => IdempotencyBeginResult {
                state: IdempotencyState::Again.into(),
                answer: Bytes::from(answer),
                ..IdempotencyBeginResult::default()
            },
            Claim::InProgress { for_at_most } => IdempotencyBeginResult {
                state: IdempotencyState::InProgress.into(),
                retry_after_ms: millis(for_at_most),
                ..IdempotencyBeginResult::default()
            },
            Claim::Reused => IdempotencyBeginResult {
                state: IdempotencyState::Reused.into(),
                ..IdempotencyBeginResult::default()
            },
        }))
    }

    async fn renew(
        &self,
        request: Request<IdempotencyRenewParam>,
    ) -> Result<Response<IdempotencyRenewResult>, Status> {
        let deadline = context::deadline(request.metadata())?;
        require_own(&request, &request.get_ref().principal)?;
        let param = request.into_inner();
        let keyed = keyed_request(param.principal, param.key)?;
        let renewed = self.requests.renew(&keyed, token(&param.token)?);
        let held = within(deadline, renewed).await?;
        Ok(Response::new(IdempotencyRenewResult { held }))
    }

    async fn finish(
        &self,
        request: Request<IdempotencyFinishParam>,
    ) -> Result<Response<IdempotencyFinishResult>, Status> {
        let deadline = context::deadline(request.metadata())?;
        require_own(&request, &request.get_ref().principal)?;
        let param = request.into_inner();
        let keyed = keyed_request(param.principal, param.key)?;
        let token = token(&param.token)?;
        if let Some(answer) = &param.answer
            && answer.len() > MAX_STORED_ANSWER_BYTES
        {
            return Err(Status::invalid_argument(format!(
                "answer has at most {MAX_STORED_ANSWER_BYTES} bytes, got {}",
                answer.len()
            )));
        }
        let finished = self.requests.finish(&keyed, token, param.answer.as_deref());
        let kept = within(deadline, finished).await?;
        Ok(Response::new(IdempotencyFinishResult { kept }))
    }
}

/// A key belongs to the principal that sent it, whatever its roles are.
fn require_own<M>(request: &Request<M>, principal: &str) -> Result<(), Status> {
    match caller_of(request.extensions())?.subject() {
        Some(subject) if subject != principal => {
            let message = "a key is of the caller: principal must be its id";
            Err(Outcome::None.mark(Status::permission_denied(message)))
        }
        _ => Ok(()),
    }
}

fn keyed_request(principal: String, key: String) -> Result<KeyedRequest, Status> {
    check_name("principal", &principal, 0)?;
    check_name("key", &key, 1)?;
    Ok(KeyedRequest { principal, key })
}

fn check_name(field: &str, text: &str, min: usize) -> Result<(), Status> {
    let length = text.chars().count();
    if (min..=MAX_NAME).contains(&length) && !text.contains('\0') {
        return Ok(());
    }
    Err(Status::invalid_argument(format!(
        "{field} must be {min} to {MAX_NAME} characters without U+0000, got {length}"
    )))
}

fn request_hash(given: &[u8]) -> Result<RequestHash, Status> {
    given.try_into().map_err(|_| {
        let length = given.len();
        Status::invalid_argument(format!("request_hash must have 32 bytes, got {length}"))
    })
}

fn token(given: &str) -> Result<&str, Status> {
    let is_hex = given.bytes().all(|byte| byte.is_ascii_hexdigit());
    if given.len() == 32 && is_hex {
        return Ok(given);
    }
    Err(Status::invalid_argument(format!(
        "token must be 32 hexadecimal digits, got {} bytes",
        given.len()
    )))
}

async fn within<T>(
    deadline: Instant,
    asked: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, Status> {
    const UNAVAILABLE: &str = "the command database does not answer";
    static FAILURES: FailureLog = FailureLog::new();
    // Failures have the outcome "unknown": the statement may have been committed although its result did not arrive.
    // All three methods can be retried.
    match timeout_at(deadline, asked).await {
        Ok(Ok(answer)) => {
            FAILURES.log_recovery(Instant::now(), "the command database answers again");
            Ok(answer)
        }
        Ok(Err(error)) if error.is_retryable() => {
            if let Some(suppressed) = FAILURES.failed(Instant::now()) {
                tracing::warn!(
                    { fields::ERROR } = &error as &dyn std::error::Error,
                    { fields::SUPPRESSED } = suppressed,
                    "the command database is unavailable"
                );
            }
            Err(Outcome::Unknown.unavailable(UNAVAILABLE))
        }
        Ok(Err(error)) => {
            let status = internal("the command database failed", &error);
            Err(Outcome::Unknown.mark(status))
        }
        Err(_) => Err(Outcome::Unknown.deadline_exceeded(UNAVAILABLE)),
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
