//! The calls about rebuilds.

use clap::ArgMatches;
use contract::query::projection_admin_client::ProjectionAdminClient;
use contract::query::{self, RebuildRequest};
use platform::runtime::GrpcChannel;
use tonic::{Code, Request, Response, Status};

use super::model::Rebuild;
use crate::remote::{CommandError, Service, read_side};
use crate::terminal::text_of;

pub(super) type Client = ProjectionAdminClient<GrpcChannel>;

/// The rebuilds of one projection.
pub(super) struct Rebuilds {
    service: Service<Client>,
    pub(super) projection: String,
}

impl Rebuilds {
    pub(super) fn of(arguments: &ArgMatches) -> Result<Self, CommandError> {
        Ok(Self {
            service: read_side(arguments, ProjectionAdminClient::new)?,
            projection: text_of(arguments, "name"),
        })
    }

    pub(super) async fn call<M>(
        &self,
        make: impl Fn() -> M,
        send: impl AsyncFn(Client, Request<M>) -> Result<Response<query::Rebuild>, Status>,
    ) -> Result<Rebuild, CommandError> {
        let called = self.service.call(|| Request::new(make()), send).await;
        called.map(Rebuild::from).map_err(rejected)
    }

    pub(super) fn request(&self) -> RebuildRequest {
        RebuildRequest {
            projection: self.projection.clone(),
        }
    }

    pub(super) async fn show(&self) -> Result<Rebuild, CommandError> {
        let send = async |mut client: Client, request| client.show_rebuild(request).await;
        self.call(|| self.request(), send).await
    }
}

/// The statuses with which the service rejects a request.
fn rejected(error: CommandError) -> CommandError {
    let CommandError::Status { message, code, .. } = &error else {
        return error;
    };
    let error_type = match code {
        Code::NotFound => "NOT_FOUND",
        Code::FailedPrecondition => "CONFLICT",
        Code::InvalidArgument => "VALIDATION_ERROR",
        _ => return error,
    };
    CommandError::Rejected {
        message: message.clone(),
        error_type: error_type.to_owned(),
    }
}
