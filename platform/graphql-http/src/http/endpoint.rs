//! The handler of `/graphql`.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::response::Response;
use event_sourcing::Clock;
use http::request::Parts;
use http::{Method, Request};
use platform::request_log::without_values;
use platform::runtime::RequestSummary;
use platform::{Tasks, fields};

use super::idempotency::{IdempotentRequest, execute_once};
use super::media::Media;
use super::request;
use super::responder::Responder;
use super::response::HttpResponse;
use crate::backend::Backend;
use crate::errors::{ApiError, Code, MutationOutcome};
use crate::graphql::{Executor, Identity, Prepared, Query};
use crate::origin::Origin;
use crate::persisted::{PersistedOperations, RegisteredOperations};

#[derive(Debug)]
pub struct Endpoint {
    responder: Arc<Responder>,
    operations: PersistedOperations,
}

impl Endpoint {
    #[must_use]
    pub fn new(
        executor: Executor,
        backend: Arc<dyn Backend>,
        clock: Arc<dyn Clock>,
        tasks: Tasks,
    ) -> Self {
        let responder = Arc::new(Responder::new(executor, backend, clock, tasks));
        Self {
            responder,
            operations: PersistedOperations::default(),
        }
    }

    /// Executes these operations only.
    #[must_use]
    pub fn with_registered(self, operations: RegisteredOperations) -> Self {
        Self {
            operations: PersistedOperations::Registered(operations),
            ..self
        }
    }

    #[must_use]
    pub fn sdl(&self) -> &str {
        self.responder.executor().sdl()
    }

    pub async fn serve(self: Arc<Self>, http: Request<Body>) -> Response {
        let started = Instant::now();
        let (parts, body) = http.into_parts();
        let origin = Origin::of(&parts);
        let Some(media) = Media::accepted_by(&parts.headers) else {
            let message = "the response is application/json or application/graphql-response+json";
            let error = ApiError::new(Code::NotAcceptable, message);
            let answer = self.reject(&error, &MutationOutcome::NOTHING, &origin);
            return answer.into_response(Media::Json);
        };
        let mut kind = "unknown";
        let mut operation = kind.to_owned();
        let answer = match self.read(&parts, body).await {
            Ok(prepared) => {
                kind = prepared.kind();
                operation = prepared.operation();
                let keyed = prepared.is_mutation() && request::has_idempotency_key(&parts.headers);
                match self.answer(&parts, prepared, &origin).await {
                    Ok(answer) => answer,
                    // An earlier request with the key may have taken effect.
                    Err(error) if keyed => {
                        self.reject(&error, &MutationOutcome::UNKNOWN_UNDER_KEY, &origin)
                    }
                    Err(error) => self.reject(&error, &MutationOutcome::NOTHING, &origin),
                }
            }
            Err(error) => self.reject(&error, &MutationOutcome::NOTHING, &origin),
        };
        let outcome = match (answer.is_executed(), answer.is_final) {
            (true, true) => "ok",
            (true, false) => "failed",
            (false, _) => "rejected",
        };
        metrics::histogram!(
            "graphql_operation_duration_seconds", "operation" => kind, "outcome" => outcome,
        )
        .record(started.elapsed());
        let summary = RequestSummary {
            operation,
            code: answer.code.clone(),
        };
        let mut response = if is_get(&parts.method) && answer.is_complete() {
            answer.into_conditional_response(media, &parts.headers)
        } else {
            answer.into_response(media)
        };
        response.extensions_mut().insert(summary);
        response
    }

    async fn read(&self, parts: &Parts, body: Body) -> Result<Prepared, ApiError> {
        let is_get = is_get(&parts.method);
        let mut query = if is_get {
            request::from_get(parts.uri.query().unwrap_or_default(), &self.operations)?
        } else {
            request::from_post(&parts.headers, body, &self.operations).await?
        };
        query.reports_cost = request::reports_cost(&parts.headers)?;
        let prepared = self.responder.executor().prepare(query)?;
        if is_get && prepared.is_mutation() {
            let message = "a mutation must be sent by POST";
            return Err(ApiError::new(Code::MethodNotAllowed, message));
        }
        let Query {
            text, persisted, ..
        } = prepared.query();
        if let Some(persisted) = persisted {
            // Only now: a cache of invalid texts would evict those in use.
            self.operations.store(text, persisted);
        }
        Ok(prepared)
    }

    async fn answer(
        &self,
        parts: &Parts,
        request: Prepared,
        origin: &Origin,
    ) -> Result<HttpResponse, ApiError> {
        let minimum = request::minimum(&parts.headers)?;
        let identity = Identity {
            origin: origin.clone(),
            seed: self.responder.new_seed(),
            minimum,
            keyed: false,
        };
        if !request.is_mutation() {
            return Ok(self.responder.execute(request, identity).await);
        }
        let key = request::idempotency_key(&parts.headers)?;
        if let Some(minimum) = minimum {
            // Checked before execution: a mutation reads only after it has written, too late to reject a position above the
            // head.
            let backend = self.responder.backend();
            backend.require_position(origin, minimum).await?;
        }
        match key {
            None => Ok(self.responder.execute(request, identity).await),
            Some(key) => {
                execute_once(
                    Arc::clone(&self.responder),
                    IdempotentRequest {
                        key,
                        request,
                        identity,
                    },
                )
                .await
            }
        }
    }

    fn reject(&self, error: &ApiError, outcome: &MutationOutcome, origin: &Origin) -> HttpResponse {
        let message = without_values(&error.message);
        tracing::debug!(
            { fields::CODE } = error.code.name(),
            { fields::REASON } = (!error.code.may_quote()).then_some(message),
            { fields::CORRELATION_ID } = origin.request_id(),
            "request rejected"
        );
        self.responder.rejected(error, outcome)
    }
}

/// The router calls the handler of GET for HEAD, and drops the body.
fn is_get(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}
