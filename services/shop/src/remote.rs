//! gRPC calls to the command-service and the query-service, through their generated clients.

use std::error::Error as _;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use clap::ArgMatches;
use contract::metadata;
use contract::proto::Error;
use contract::query::ListProjectionsRequest;
use contract::query::projection_query_client::ProjectionQueryClient;
use contract::status::Reason;
use platform::StartError;
use platform::config::ConfigErrors;
use platform::runtime::GrpcChannel;
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use crate::api::Cause;
use crate::location::{Location, ServiceAddress};

/// One call and up to two retries.
const RETRY: ExponentialBuilder = ExponentialBuilder::new()
    .with_jitter()
    .with_min_delay(Duration::from_millis(100))
    .with_max_times(2);
/// The deadline of one attempt.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error(transparent)]
    Setting(#[from] ConfigErrors),
    /// The host and port do not form a valid address.
    #[error(transparent)]
    Address(#[from] StartError),
    #[error("no {service} answers at {address} (is it running? its address is set by {settings})")]
    Unreachable {
        service: &'static str,
        address: String,
        settings: &'static str,
        #[source]
        cause: Cause,
    },
    #[error(
        "the {service} requires authentication: {message} (SERVICE_SECRET_FILE must be that of the shop)"
    )]
    Unauthenticated {
        service: &'static str,
        message: String,
    },
    /// The service answered with a gRPC status.
    #[error("the {service} could not answer: {message} ({code:?})")]
    Status {
        service: &'static str,
        message: String,
        code: Code,
    },
    /// The service rejected the command, in the `error` of its reply.
    #[error("{message} ({error_type})")]
    Rejected { message: String, error_type: String },
}

impl CommandError {
    /// The error with which the process exits.
    pub fn report(self, what: &str) -> StartError {
        match self {
            Self::Setting(error) => error.into(),
            Self::Address(error) => error,
            other => StartError::failed(what, other),
        }
    }
}

/// Turns the `error` of a reply into [`CommandError::Rejected`].
pub fn reject_error(error: Option<Error>) -> Result<(), CommandError> {
    match error {
        None => Ok(()),
        Some(error) => Err(CommandError::Rejected {
            message: error.message,
            error_type: error.r#type,
        }),
    }
}

/// A gRPC service and how to reach it.
pub struct Service<C> {
    name: &'static str,
    place: ServiceAddress,
    client: C,
}

/// The write side, as a client of one of its gRPC services.
pub fn write_side<C>(
    arguments: &ArgMatches,
    client: impl FnOnce(GrpcChannel) -> C,
) -> Result<Service<C>, CommandError> {
    Service::at("command-service", Location::of(arguments)?.command, client)
}

/// The read side, as a client of one of its gRPC services.
pub fn read_side<C>(
    arguments: &ArgMatches,
    client: impl FnOnce(GrpcChannel) -> C,
) -> Result<Service<C>, CommandError> {
    Service::at("query-service", Location::of(arguments)?.query, client)
}

/// The position of the last event of the log, as the read side sees it.
pub async fn head(query: ServiceAddress) -> Result<u64, CommandError> {
    let service = Service::at("query-service", query, ProjectionQueryClient::new)?;
    let list = service
        .call(
            || Request::new(ListProjectionsRequest {}),
            async |mut client, request| client.list_projections(request).await,
        )
        .await?;
    let heads = list.projections.iter().map(|projection| projection.head);
    Ok(heads
        .max()
        .and_then(|head| u64::try_from(head).ok())
        .unwrap_or(0))
}

impl<C> Service<C> {
    fn at(
        name: &'static str,
        place: ServiceAddress,
        client: impl FnOnce(GrpcChannel) -> C,
    ) -> Result<Self, CommandError> {
        let channel = GrpcChannel::remote(&place.host, place.port, place.tls.as_ref())?;
        Ok(Self {
            name,
            client: client(channel),
            place,
        })
    }
}

impl<C: Clone> Service<C> {
    /// Calls the service, and retries with backoff while the failure is transient. `make` must build the same request each
    /// time, with the same command id, so that a repeated command takes effect once.
    pub async fn call<M, R>(
        &self,
        make: impl Fn() -> Request<M>,
        send: impl AsyncFn(C, Request<M>) -> Result<Response<R>, Status>,
    ) -> Result<R, CommandError> {
        let call = || send(self.client.clone(), self.prepared(make()));
        // Both may be transient: `Unavailable` is a service that restarts or cannot reach its database, and a deadline that
        // passes here usually means a broken connection.
        let is_transient =
            |status: &Status| matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded);
        let reply = call.retry(RETRY).when(is_transient).await;
        reply
            .map(Response::into_inner)
            .map_err(|status| self.failed(&status))
    }

    fn prepared<M>(&self, mut request: Request<M>) -> Request<M> {
        request.set_timeout(CALL_TIMEOUT);
        self.place.credentials.sign(request.metadata_mut());
        request
    }

    fn failed(&self, status: &Status) -> CommandError {
        // A running service attaches a reason to `Unavailable`; without one the connection failed. Failures of TLS have other
        // codes, but a cause, which no answer has.
        let is_lost = status.code() == Code::Unavailable && Reason::of(status).is_none();
        if is_lost || status.source().is_some() {
            return CommandError::Unreachable {
                service: self.name,
                address: self.place.to_string(),
                settings: self.place.settings,
                cause: Cause::of(status),
            };
        }
        if status.code() == Code::Unauthenticated {
            return CommandError::Unauthenticated {
                service: self.name,
                message: status.message().to_owned(),
            };
        }
        CommandError::Status {
            service: self.name,
            message: status.message().to_owned(),
            code: status.code(),
        }
    }
}

/// A request that is idempotent by its command id, and carries the operator's name.
pub fn command<M>(message: M, command_id: Uuid, who: &str) -> Request<M> {
    let mut request = Request::new(message);
    let values = request.metadata_mut();
    metadata::insert(values, metadata::COMMAND_ID, &command_id.to_string());
    metadata::insert_user_id(values, who);
    request
}
