//! The responses of requests with an Idempotency-Key, stored by the command-service.

use std::convert::Infallible;
use std::time::Duration;

use async_trait::async_trait;
use contract::proto::idempotency_client::IdempotencyClient;
use contract::proto::{
    IdempotencyBeginParam, IdempotencyFinishParam, IdempotencyRenewParam, IdempotencyState,
};
use contract::status::{code_name, error_id};
use event_sourcing::{CommandId, FailureLog};
use graphql_http::{ApiError, Backend, Claim, Code, Lease, Origin};
use grpc_calls::{Effect, Method, RetryPolicy, call};
use platform::fields;
use platform::runtime::{GrpcChannel, MAX_ENCODED_BYTES};
use tokio::time::Instant;
use tonic::Request;
use uuid::Uuid;

use super::services::Services;
use crate::errors::from_grpc;

const SERVICE: &str = "proto.Idempotency";

#[async_trait]
impl Backend for Services {
    async fn begin(
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
            // Chosen by the client, so that a retry recognises the lease that an earlier try has acquired.
            token: format!("{:032x}", rand::random::<u128>()),
        };
        let send = async |request| self.idempotency().begin(request).await;
        let request = || self.request(origin, message.clone());
        let claim = call(
            &self.breakers().command,
            method("Begin"),
            self.policy().write,
            request,
            send,
        )
        .await
        .map_err(|status| from_grpc(&status, Effect::Write))?
        .into_inner();
        match claim.state() {
            IdempotencyState::Fresh => {
                let from = Uuid::parse_str(&claim.seed).map_err(|error| {
                    ApiError::internal(format!("a seed is not a UUID: {error}"))
                })?;
                let lease = Lease {
                    principal: message.principal,
                    key: message.key,
                    token: claim.token,
                    duration: Duration::from_millis(u64::try_from(claim.lease_ms).unwrap_or(0)),
                    origin: origin.clone(),
                };
                Ok(Claim::Fresh {
                    seed: CommandId(from),
                    lease,
                })
            }
            IdempotencyState::Again => Ok(Claim::Again(claim.answer.into())),
            IdempotencyState::InProgress => Err(in_progress()),
            IdempotencyState::Reused => Err(ApiError::new(
                Code::IdempotencyKeyReused,
                "the Idempotency-Key was used with another operation or other variables",
            )),
            IdempotencyState::Unspecified => Err(ApiError::internal("Begin without a state")),
        }
    }

    async fn renew(&self, lease: &Lease) -> Infallible {
        let pause = (lease.duration / 3).max(Duration::from_millis(100));
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
                self.request(&lease.origin, param)
            };
            let send = async |request| self.idempotency().renew(request).await;
            if let Err(status) = call(
                &self.breakers().command,
                method("Renew"),
                once,
                message,
                send,
            )
            .await
            {
                // One log for all leases, because they fail together when the service is unreachable.
                static NOT_RENEWED: FailureLog = FailureLog::new();
                if let Some(suppressed) = NOT_RENEWED.failed(Instant::now()) {
                    tracing::warn!(
                        { fields::RPC_STATUS } = code_name(status.code()),
                        { fields::SUPPRESSED } = suppressed,
                        "the lease of an Idempotency-Key was not renewed"
                    );
                }
            }
        }
    }

    async fn finish(&self, lease: &Lease, answer: Option<Vec<u8>>) -> bool {
        let must_be_stored = answer.is_some();
        let message = IdempotencyFinishParam {
            principal: lease.principal.clone(),
            key: lease.key.clone(),
            token: lease.token.clone(),
            answer: answer.map(Into::into),
        };
        let send = async |request| self.idempotency().finish(request).await;
        let request = || self.request(&lease.origin, message.clone());
        let is_stored = match call(
            &self.breakers().command,
            method("Finish"),
            self.policy().write,
            request,
            send,
        )
        .await
        {
            Ok(reply) if reply.get_ref().kept => true,
            Ok(_) => {
                tracing::warn!("a response was not stored: another process executes the request");
                false
            }
            Err(status) => {
                static NOT_KEPT: FailureLog = FailureLog::new();
                if let Some(suppressed) = NOT_KEPT.failed(Instant::now()) {
                    tracing::warn!(
                        { fields::RPC_STATUS } = code_name(status.code()),
                        { fields::ERROR_ID } = error_id(&status),
                        { fields::SUPPRESSED } = suppressed,
                        "a response was not stored"
                    );
                }
                false
            }
        };
        // A lease that was not released expires.
        is_stored || !must_be_stored
    }

    async fn require_position(&self, origin: &Origin, position: u64) -> Result<(), ApiError> {
        self.require_head(origin, ("X-Min-Position", position))
            .await
    }
}

impl Services {
    fn idempotency(&self) -> IdempotencyClient<GrpcChannel> {
        IdempotencyClient::new(self.channels().command.clone())
            .max_encoding_message_size(MAX_ENCODED_BYTES)
            .max_decoding_message_size(MAX_ENCODED_BYTES)
    }

    fn request<M>(&self, origin: &Origin, message: M) -> Request<M> {
        let mut request = Request::new(message);
        self.annotate(origin, request.metadata_mut());
        request
    }
}

const fn method(name: &'static str) -> Method {
    Method {
        service: SERVICE,
        name,
        effect: Effect::Write,
    }
}

/// Most requests take less than a second. The lease of a crashed process may last longer, so a client repeats more than once.
fn in_progress() -> ApiError {
    ApiError {
        retry_after: Some(1),
        ..ApiError::new(
            Code::IdempotencyInProgress,
            "the request with this Idempotency-Key is still running",
        )
    }
}
