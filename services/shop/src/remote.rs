//! The two services behind the gateway, called by their generated clients.

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

use crate::location::{Location, Place};

/// A call is made up to three times.
const RETRY: ExponentialBuilder = ExponentialBuilder::new()
    .with_jitter()
    .with_min_delay(Duration::from_millis(100))
    .with_max_times(2);
/// How long one call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error(transparent)]
    Setting(#[from] ConfigErrors),
    /// The address cannot be one.
    #[error(transparent)]
    Address(#[from] StartError),
    #[error("no {service} answers at {address} (is it running? {settings} say where it is)")]
    Unreachable {
        service: &'static str,
        /// Where it was looked for.
        address: String,
        settings: &'static str,
    },
    /// It answered that it cannot.
    #[error("the {service} could not answer: {message} ({code:?})")]
    Status {
        service: &'static str,
        message: String,
        code: Code,
    },
    /// The service said no.
    #[error("{message} ({error_type})")]
    Refused { message: String, error_type: String },
}

impl Failed {
    /// As the process ends with it.
    pub fn report(self, what: &str) -> StartError {
        match self {
            Self::Setting(error) => error.into(),
            Self::Address(error) => error,
            other => StartError::failed(what, other),
        }
    }
}

/// A refusal that came inside a reply.
pub fn refused(error: Option<Error>) -> Result<(), Failed> {
    match error {
        None => Ok(()),
        Some(error) => Err(Failed::Refused {
            message: error.message,
            error_type: error.r#type,
        }),
    }
}

/// One of the services.
pub struct Service<C> {
    name: &'static str,
    place: Place,
    client: C,
}

/// The write side, as a client of one of its gRPC services.
pub fn write_side<C>(
    arguments: &ArgMatches,
    client: impl FnOnce(GrpcChannel) -> C,
) -> Result<Service<C>, Failed> {
    Service::at("command-service", Location::of(arguments)?.command, client)
}

/// The read side, as a client of one of its gRPC services.
pub fn read_side<C>(
    arguments: &ArgMatches,
    client: impl FnOnce(GrpcChannel) -> C,
) -> Result<Service<C>, Failed> {
    Service::at("query-service", Location::of(arguments)?.query, client)
}

/// The position of the last event of the log, as the read side sees it.
pub async fn head(query: Place) -> Result<u64, Failed> {
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
        place: Place,
        client: impl FnOnce(GrpcChannel) -> C,
    ) -> Result<Self, Failed> {
        let channel = GrpcChannel::remote(&place.host, place.port)?;
        Ok(Self {
            name,
            client: client(channel),
            place,
        })
    }
}

impl<C: Clone> Service<C> {
    /// Calls it, and again where another try may help: `make` builds the same request each time.
    pub async fn call<M, R>(
        &self,
        make: impl Fn() -> Request<M>,
        send: impl AsyncFn(C, Request<M>) -> Result<Response<R>, Status>,
    ) -> Result<R, Failed> {
        let call = || send(self.client.clone(), patient(make()));
        // A service that missed its deadline says so; a deadline that passes here is a broken connection.
        let may_pass =
            |status: &Status| matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded);
        let reply = call.retry(RETRY).when(may_pass).await;
        reply
            .map(Response::into_inner)
            .map_err(|status| self.failed(&status))
    }

    fn failed(&self, status: &Status) -> Failed {
        // A service that is there says why it is not available.
        if status.code() == Code::Unavailable && Reason::of(status).is_none() {
            return Failed::Unreachable {
                service: self.name,
                address: self.place.to_string(),
                settings: self.place.settings,
            };
        }
        Failed::Status {
            service: self.name,
            message: status.message().to_owned(),
            code: status.code(),
        }
    }
}

fn patient<M>(mut request: Request<M>) -> Request<M> {
    request.set_timeout(CALL_TIMEOUT);
    request
}

/// A request whose repetition is harmless, and that says who makes it.
pub fn command<M>(message: M, command_id: Uuid, who: &str) -> Request<M> {
    let mut request = Request::new(message);
    let values = request.metadata_mut();
    metadata::insert(values, metadata::COMMAND_ID, &command_id.to_string());
    metadata::insert_user_id(values, who);
    request
}
