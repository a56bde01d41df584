//! The answers of requests that carry an Idempotency-Key, kept by the command-service.

use std::convert::Infallible;
use std::time::Duration;

use contract::proto::idempotency_client::IdempotencyClient;
use contract::proto::{
    IdempotencyBeginParam, IdempotencyFinishParam, IdempotencyRenewParam, IdempotencyState,
};
use contract::status::{code_name, error_id};
use event_sourcing::{CommandId, FailureLog};
use platform::fields;
use platform::runtime::{GrpcChannel, MAX_ENCODED_BYTES};
use tokio::time::Instant;
use tonic::Request;
use uuid::Uuid;

use super::call::{Method, call};
use super::origin::Origin;
use super::policy::RetryPolicy;
use super::services::Services;
use crate::errors::{ApiError, Code, Effect, from_grpc};

const SERVICE: &str = "proto.Idempotency";

/// The right to execute a request, until it passes.
#[derive(Clone, Debug)]
pub struct Lease {
    principal: String,
    key: String,
    token: String,
    lasts: Duration,
    /// The request that has it.
    origin: Origin,
}

/// What became of a key.
#[derive(Debug)]
pub enum Claim {
    /// Execute the request under this seed.
    Fresh {
        /// The request's command ids are derived from it.
        seed: CommandId,
        /// To be renewed while the request runs, and then finished.
        lease: Lease,
    },
    /// It was answered before, with this.
    Again(Vec<u8>),
}

impl Services {
    /// Claims `key` for a request with this hash.
    pub(crate) async fn begin(
        &self,
        origin: &Origin,
        principal: &str,
        key: &str,
        request_hash: Vec<u8>,
    ) -> Result<Claim, ApiError> {
        let message = IdempotencyBeginParam {
            principal: principal.to_owned(),
            key: key.to_owned(),
            request_hash,
            // Chosen here, so that a second try finds the lease of the first one to be its own.
            token: format!("{:032x}", rand::random::<u128>()),
        };
        let send = async |request| self.idempotency().begin(request).await;
        let request = || request(origin, message.clone());
        let begun = call(method("Begin"), self.policy().write, request, send)
            .await
            .map_err(|status| from_grpc(&status, Effect::Write))?
            .into_inner();
        match begun.state() {
            IdempotencyState::Fresh => {
                let from = Uuid::parse_str(&begun.seed)
                    .map_err(|error| ApiError::internal(format!("a seed is no UUID: {error}")))?;
                let lease = Lease {
                    principal: message.principal,
                    key: message.key,
                    token: begun.token,
                    lasts: Duration::from_millis(u64::try_from(begun.lease_ms).unwrap_or(0)),
                    origin: origin.clone(),
                };
                Ok(Claim::Fresh {
                    seed: CommandId(from),
                    lease,
                })
            }
            IdempotencyState::Again => Ok(Claim::Again(begun.answer.into())),
            IdempotencyState::InProgress => Err(in_progress(begun.retry_after_ms)),
            IdempotencyState::Reused => Err(ApiError::new(
                Code::IdempotencyKeyReused,
                "the Idempotency-Key was used with another operation or other variables",
            )),
            IdempotencyState::Unspecified => Err(ApiError::internal("Begin without a state")),
        }
    }

    /// Keeps a lease until the caller drops this. Losing it is no failure: the event store knows each command's id.
    pub(crate) async fn renew(&self, lease: &Lease) -> Infallible {
        let pause = (lease.lasts / 3).max(Duration::from_millis(100));
        let once = RetryPolicy {
            limit: 1,
            ..self.policy().write
        };
        loop {
            tokio::time::sleep(pause).await;
            let message = || {
                let param = IdempotencyRenewParam {
                    principal: lease.principal.clone(),
                    key: lease.key.clone(),
                    token: lease.token.clone(),
                };
                request(&lease.origin, param)
            };
            let send = async |request| self.idempotency().renew(request).await;
            if let Err(status) = call(method("Renew"), once, message, send).await {
                // Each request with a key has a lease, and all miss the same service.
                static NOT_RENEWED: FailureLog = FailureLog::new();
                if let Some(suppressed) = NOT_RENEWED.failed(Instant::now()) {
                    tracing::warn!(
                        { fields::RPC_STATUS } = code_name(status.code()),
                        { fields::SUPPRESSED } = suppressed,
                        "a lease was not renewed"
                    );
                }
            }
        }
    }

    /// Ends a lease, with the answer to keep. Says whether it is kept, or there is none to keep.
    ///
    /// The event store knows commands that committed, but not those that were refused, or had nothing to do: executed
    /// again they may end otherwise. So an answer that may not have been kept is none yet.
    pub(crate) async fn finish(&self, lease: &Lease, answer: Option<Vec<u8>>) -> bool {
        let is_to_be_kept = answer.is_some();
        let message = IdempotencyFinishParam {
            principal: lease.principal.clone(),
            key: lease.key.clone(),
            token: lease.token.clone(),
            answer: answer.map(Into::into),
        };
        let send = async |request| self.idempotency().finish(request).await;
        let request = || request(&lease.origin, message.clone());
        let is_kept = match call(method("Finish"), self.policy().write, request, send).await {
            Ok(reply) if reply.get_ref().kept => true,
            Ok(_) => {
                tracing::warn!("an answer was not kept: another process executes the request");
                false
            }
            Err(status) => {
                static NOT_KEPT: FailureLog = FailureLog::new();
                if let Some(suppressed) = NOT_KEPT.failed(Instant::now()) {
                    tracing::warn!(
                        { fields::RPC_STATUS } = code_name(status.code()),
                        { fields::ERROR_ID } = error_id(&status),
                        { fields::SUPPRESSED } = suppressed,
                        "an answer was not kept"
                    );
                }
                false
            }
        };
        // What was not released passes.
        is_kept || !is_to_be_kept
    }

    fn idempotency(&self) -> IdempotencyClient<GrpcChannel> {
        IdempotencyClient::new(self.channels().command.clone())
            .max_encoding_message_size(MAX_ENCODED_BYTES)
            .max_decoding_message_size(MAX_ENCODED_BYTES)
    }
}

fn request<M>(origin: &Origin, message: M) -> Request<M> {
    let mut request = Request::new(message);
    origin.annotate(request.metadata_mut());
    request
}

const fn method(name: &'static str) -> Method {
    Method {
        service: SERVICE,
        name,
        effect: Effect::Write,
    }
}

fn in_progress(retry_after_ms: i64) -> ApiError {
    let millis = u64::try_from(retry_after_ms).unwrap_or(0);
    ApiError {
        retry_after: Some(millis.div_ceil(1_000).max(1)),
        ..ApiError::new(
            Code::IdempotencyInProgress,
            "the request with this Idempotency-Key is still running",
        )
    }
}
