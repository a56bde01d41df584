//! The handler of `/graphql`.

use std::sync::Arc;
use std::time::Instant;

use authentication::Caller;
use axum::body::Body;
use axum::response::Response;
use event_sourcing::{Clock, trace};
use http::request::Parts;
use http::{Method, Request};
use platform::request_log::without_values;
use platform::runtime::RequestSummary;
use platform::{Tasks, fields};
use tracing::{Instrument, Span};

use super::clients::{Account, Clients};
use super::idempotency::{IdempotentRequest, execute_once};
use super::load::LoadLimit;
use super::media::Media;
use super::outbox::outbox;
use super::page::Page;
use super::responder::Responder;
use super::response::HttpResponse;
use super::subscriptions::{Hub, Rejected, SocketLimits, SubscriptionStart, Subscriptions};
use super::websocket::{self, Handshake};
use super::{event_stream, request};
use crate::backend::Backend;
use crate::errors::{ApiError, Code, MutationOutcome};
use crate::graphql::{Executor, Prepared};
use crate::origin::Origin;
use crate::persisted::{ManifestError, PersistedOperations, RegisteredOperations};

#[derive(Debug)]
pub struct Endpoint {
    responder: Arc<Responder>,
    operations: Arc<PersistedOperations>,
    hub: Option<Arc<Hub>>,
    clients: Clients,
}

impl Endpoint {
    #[must_use]
    pub fn new(
        executor: Executor,
        backend: Arc<dyn Backend>,
        clock: Arc<dyn Clock>,
        load: LoadLimit,
        tasks: Tasks,
    ) -> Self {
        let responder = Responder::new(executor, backend, clock, load, tasks);
        let responder = Arc::new(responder);
        Self {
            responder,
            operations: Arc::default(),
            hub: None,
            clients: Clients::unlimited(),
        }
    }

    /// Authenticates and limits clients. Called before [`with_subscriptions`](Self::with_subscriptions).
    #[must_use]
    pub fn with_clients(self, clients: Clients) -> Self {
        Self { clients, ..self }
    }

    /// Executes these operations only.
    ///
    /// # Errors
    /// One of them is not valid, or could never be executed.
    pub async fn with_registered(
        self,
        operations: RegisteredOperations,
    ) -> Result<Self, ManifestError> {
        for (source, text) in operations.sources() {
            let validated = self.responder.validate(text).await;
            validated.map_err(|fault| ManifestError::invalid(source, &fault))?;
        }
        Ok(Self {
            operations: Arc::new(PersistedOperations::Registered(operations)),
            ..self
        })
    }

    /// Serves subscriptions too, over `WebSockets` and event streams. Called after [`with_registered`](Self::with_registered).
    #[must_use]
    pub fn with_subscriptions(self, source: Arc<dyn Subscriptions>, limits: SocketLimits) -> Self {
        let (responder, operations) = (Arc::clone(&self.responder), Arc::clone(&self.operations));
        let authentication = self.clients.authentication.clone();
        let hub = Hub::new(responder, operations, authentication, source, limits);
        Self {
            hub: Some(Arc::new(hub)),
            ..self
        }
    }

    #[must_use]
    pub fn sdl(&self) -> &str {
        self.responder.executor().sdl()
    }

    /// Whether a client may ask for the schema, whatever its operation is.
    #[must_use]
    pub fn executes_introspection(&self) -> bool {
        let is_restricted = matches!(*self.operations, PersistedOperations::Registered(_));
        self.responder.executor().limits().introspection && !is_restricted
    }

    pub async fn serve(self: Arc<Self>, http: Request<Body>) -> Response {
        let (mut parts, body) = http.into_parts();
        let Clients {
            authentication,
            rate,
            proxies,
        } = &self.clients;
        let mut account = Account::new(rate.clone(), proxies.client(&parts));
        let caller = authentication.caller_of(&parts.headers).await;
        let unknown = caller.as_ref().err().cloned();
        let origin = Origin::of(&parts, caller.unwrap_or(Caller::Anonymous));
        // Before anything is read, and for tokens that are tried out too.
        let spent = account.spend(origin.caller(), 1);
        let rejected = spent.err().or(unknown);
        let mut response = match rejected {
            None => {
                self.serve_client(&mut parts, body, origin, &mut account)
                    .await
            }
            Some(error) => self.reject_client(&parts, error, origin).await,
        };
        account.write(response.headers_mut());
        response
    }

    /// The response to a client that is not known, or has spent what it may spend.
    async fn reject_client(&self, parts: &Parts, error: ApiError, origin: Origin) -> Response {
        if websocket::is_requested(&parts.headers) {
            return self.reject_connection(&error, &origin);
        }
        let media = Media::accepted_by(&parts.headers).unwrap_or(Media::GraphqlResponse);
        self.respond(parts, Err(error), (media, Instant::now()), origin)
            .await
    }

    async fn serve_client(
        &self,
        parts: &mut Parts,
        body: Body,
        origin: Origin,
        account: &mut Account,
    ) -> Response {
        if let Some(hub) = &self.hub
            && websocket::is_requested(&parts.headers)
        {
            let opened = require_allowed_page(parts);
            let opened = opened.and_then(|()| open_socket(hub, parts, &origin, account));
            return opened.unwrap_or_else(|error| self.reject_connection(&error, &origin));
        }
        let started = Instant::now();
        let media = Media::accepted_by(&parts.headers);
        let is_streamed = event_stream::is_requested(&parts.headers);
        if let Some(hub) = self.hub.as_ref().filter(|_| is_streamed) {
            let read = self.read(parts, body, &origin, account).await;
            let is_subscription = read.as_ref().is_ok_and(Prepared::is_subscription);
            // Some clients accept event streams for every operation, as the last choice.
            if let Some(media) = media.filter(|_| !is_subscription) {
                return self.respond(parts, read, (media, started), origin).await;
            }
            let streamed = match require_allowed_page(parts).and(read) {
                Ok(prepared) => self.stream(hub, parts, prepared, &origin).await,
                Err(error) => Err(error),
            };
            return streamed.unwrap_or_else(|error| self.reject_connection(&error, &origin));
        }
        let Some(media) = media else {
            let message = "the response is application/json or application/graphql-response+json";
            let error = ApiError::new(Code::NotAcceptable, message);
            let answer = self.reject(&error, &MutationOutcome::NOTHING, &origin);
            return answer.into_response(Media::Json);
        };
        let read = self.read(parts, body, &origin, account).await;
        self.respond(parts, read, (media, started), origin).await
    }

    /// Executes a request, and answers with one result.
    async fn respond(
        &self,
        parts: &Parts,
        read: Result<Prepared, ApiError>,
        (media, started): (Media, Instant),
        origin: Origin,
    ) -> Response {
        let mut kind = "unknown";
        let mut field = None;
        let mut operation = kind.to_owned();
        let answer = match read {
            Ok(prepared) => {
                kind = prepared.kind();
                field = Some(prepared.root_field().unwrap_or("several").to_owned());
                operation = prepared.operation();
                let keyed = prepared.is_mutation() && request::has_idempotency_key(&parts.headers);
                let span = operation_span(&prepared);
                let origin = origin.within(&span);
                let answer = self.answer(parts, prepared, &origin);
                match answer.instrument(span).await {
                    Ok(answer) => answer,
                    // An earlier request with the key may have taken effect.
                    Err(error) if keyed => {
                        self.reject(&error, &MutationOutcome::UNKNOWN_UNDER_KEY, &origin)
                    }
                    Err(error) => self.reject(&error, &MutationOutcome::NOTHING, &origin),
                }
            }
            // It was not read, so it may be a repeat of a mutation that took effect.
            Err(error) if is_unread(&error) && request::has_idempotency_key(&parts.headers) => {
                self.reject(&error, &MutationOutcome::UNKNOWN_UNDER_KEY, &origin)
            }
            Err(error) => self.reject(&error, &MutationOutcome::NOTHING, &origin),
        };
        let outcome = match (answer.is_executed(), answer.is_final) {
            (true, true) => "ok",
            (true, false) => "failed",
            (false, _) => "rejected",
        };
        // Names that are not in the schema must not create new time series.
        let field = field.filter(|_| answer.is_executed());
        metrics::histogram!(
            "graphql_operation_duration_seconds",
            "operation" => kind,
            "field" => field.unwrap_or_else(|| "none".to_owned()),
            "outcome" => outcome,
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

    /// Reads a request that its sender may make, and has the units for.
    async fn read(
        &self,
        parts: &Parts,
        body: Body,
        origin: &Origin,
        account: &mut Account,
    ) -> Result<Prepared, ApiError> {
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
        prepared.require_access_of(origin.caller())?;
        // One is spent already.
        account.spend(origin.caller(), prepared.units() - 1)?;
        request::store_persisted(&self.operations, &self.responder, &prepared).await;
        Ok(prepared)
    }

    async fn answer(
        &self,
        parts: &Parts,
        request: Prepared,
        origin: &Origin,
    ) -> Result<HttpResponse, ApiError> {
        let _admitted = self.responder.load().admit(request.load())?;
        let minimum = request::minimum(&parts.headers)?;
        let identity = self.responder.identity(origin.clone(), minimum);
        if request.is_subscription() {
            let message = "a subscription needs a WebSocket (graphql-transport-ws) or Accept: text/event-stream";
            return Err(ApiError::invalid_document(message, request.place()));
        }
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
                // The key stays free for the corrected request.
                if let Some(rejected) = self.responder.rejection(&request).await {
                    return Ok(rejected);
                }
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

    /// An operation whose results are events. What is rejected before it is executed is answered as without a stream.
    async fn stream(
        &self,
        hub: &Arc<Hub>,
        parts: &Parts,
        prepared: Prepared,
        origin: &Origin,
    ) -> Result<Response, ApiError> {
        if !prepared.is_subscription() {
            let answer = self.answer(parts, prepared, origin).await?;
            return Ok(if answer.is_executed() {
                event_stream::single(&answer)
            } else {
                answer.into_response(Media::GraphqlResponse)
            });
        }
        let resumed = event_stream::last_event(&parts.headers)?;
        let minimum = request::minimum(&parts.headers)?;
        let permit = hub.open_socket("sse")?;
        let (outbox, inbox) = outbox();
        let start = SubscriptionStart {
            request: prepared,
            origin: origin.clone(),
            operation: 0,
            outbox,
            resumed,
            minimum,
        };
        match hub.subscribe(start).await {
            Ok(running) => {
                let tasks = self.responder.tasks();
                let expiry = self.responder.time_until(origin.caller().valid_until());
                let messages = (inbox, running);
                Ok(event_stream::messages(tasks, messages, permit, expiry))
            }
            Err(Rejected::Early(error)) => Err(error),
            Err(Rejected::Executed(answer)) if answer.is_executed() => {
                Ok(event_stream::single(&answer))
            }
            Err(Rejected::Executed(answer)) => Ok(answer.into_response(Media::GraphqlResponse)),
        }
    }

    /// The response to a request that must not reach the endpoint.
    pub fn reject_early(&self, error: &ApiError, parts: &Parts) -> Response {
        let answer = self.reject(
            error,
            &MutationOutcome::NOTHING,
            &Origin::of(parts, Caller::Anonymous),
        );
        answer.into_response(Media::Json)
    }

    /// The response to a request that asked for a WebSocket or an event stream.
    fn reject_connection(&self, error: &ApiError, origin: &Origin) -> Response {
        let answer = self.reject(error, &MutationOutcome::NOTHING, origin);
        answer.into_response(Media::GraphqlResponse)
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

fn operation_span(request: &Prepared) -> Span {
    trace::nested(|| {
        tracing::info_span!(
            target: trace::TARGET,
            "graphql",
            otel.name = request.kind(),
            graphql.operation.type = request.kind(),
            graphql.operation.name = request.name(),
        )
    })
}

/// Whether the error is that tokens cannot be verified, the only one with an outcome before a request is read.
fn is_unread(error: &ApiError) -> bool {
    error.code == Code::ServiceUnavailable
}

/// The router calls the handler of GET for HEAD, and drops the body.
fn is_get(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

/// Browsers let any page open a WebSocket or an event stream to any server, and do not ask the server first.
fn require_allowed_page(parts: &Parts) -> Result<(), ApiError> {
    if Page::of(&parts.extensions) == Page::Allowed {
        return Ok(());
    }
    let message = "pages of this origin may not subscribe: CORS_ALLOWED_ORIGINS does not have it";
    Err(ApiError::new(Code::Forbidden, message))
}

fn open_socket(
    hub: &Arc<Hub>,
    parts: &mut Parts,
    origin: &Origin,
    account: &Account,
) -> Result<Response, ApiError> {
    let mut handshake = Handshake::accept(parts)?;
    let permit = hub.open_socket("ws")?;
    let response = std::mem::take(&mut handshake.response);
    let served = websocket::serve(
        handshake,
        Arc::clone(hub),
        (origin.clone(), account.clone()),
        permit,
    );
    hub.responder().tasks().spawn_job(served);
    Ok(response)
}
