//! `query.ProjectionAdmin`.

use std::sync::Arc;

use contract::query::projection_admin_server::ProjectionAdmin;
use contract::query::{Rebuild, RebuildRequest, StartRebuildRequest};
use read_model_sql::RebuildControl;
use read_model_sql::rebuild::{self, RebuildRejection};
use tonic::{Request, Response, Status};

use super::reply;
use super::unread::unread;
use crate::projection_status::ProjectionStatuses;

const MAX_WHO_CHARS: usize = 255;
const MAX_REASON_CHARS: usize = 1_000;

pub(in crate::grpc) struct RebuildApi {
    standings: Arc<ProjectionStatuses>,
}

impl RebuildApi {
    pub(in crate::grpc) fn new(standings: Arc<ProjectionStatuses>) -> Self {
        Self { standings }
    }

    fn control(&self, projection: &str) -> Result<&RebuildControl, Status> {
        let control = self.standings.rebuilds(projection);
        control.ok_or_else(|| Status::not_found("there is no such projection"))
    }

    async fn show(&self, control: &RebuildControl) -> Result<Response<Rebuild>, Status> {
        let name = control.version().name;
        let known = control.status().await.map_err(unread)?;
        let known = known.ok_or_else(|| rejected(RebuildRejection::Missing(name)))?;
        let head = self.standings.head().await.map_err(unread)?;
        Ok(Response::new(reply::rebuild(name, &known, head)))
    }
}

fn rejected(rejection: RebuildRejection) -> Status {
    match rejection {
        RebuildRejection::Missing(_) => Status::not_found(rejection.to_string()),
        RebuildRejection::WrongState { .. }
        | RebuildRejection::Kept { .. }
        | RebuildRejection::Building(_) => Status::failed_precondition(rejection.to_string()),
        RebuildRejection::Store(error) => unread(error),
    }
}

/// The same limits as for the decisions that the write side records.
fn check(field: &str, text: &str, max: usize) -> Result<(), Status> {
    let given = text.trim().chars().count();
    if (1..=max).contains(&given) {
        return Ok(());
    }
    Err(Status::invalid_argument(format!(
        "{field} must have 1 to {max} characters, got {given}"
    )))
}

#[tonic::async_trait]
impl ProjectionAdmin for RebuildApi {
    async fn start_rebuild(
        &self,
        request: Request<StartRebuildRequest>,
    ) -> Result<Response<Rebuild>, Status> {
        let request = request.into_inner();
        check("who", &request.who, MAX_WHO_CHARS)?;
        check("reason", &request.reason, MAX_REASON_CHARS)?;
        let control = self.control(&request.projection)?;
        let wanted = rebuild::RebuildRequest {
            who: request.who,
            reason: request.reason,
            is_automatic: request.automatic,
        };
        control.start(&wanted).await.map_err(rejected)?;
        self.show(control).await
    }

    async fn show_rebuild(
        &self,
        request: Request<RebuildRequest>,
    ) -> Result<Response<Rebuild>, Status> {
        let control = self.control(&request.get_ref().projection)?;
        self.show(control).await
    }

    async fn swap_rebuild(
        &self,
        request: Request<RebuildRequest>,
    ) -> Result<Response<Rebuild>, Status> {
        let control = self.control(&request.get_ref().projection)?;
        control.swap().await.map_err(rejected)?;
        self.show(control).await
    }

    async fn revert_rebuild(
        &self,
        request: Request<RebuildRequest>,
    ) -> Result<Response<Rebuild>, Status> {
        let control = self.control(&request.get_ref().projection)?;
        control.revert().await.map_err(rejected)?;
        self.show(control).await
    }

    async fn drop_generation(
        &self,
        request: Request<RebuildRequest>,
    ) -> Result<Response<Rebuild>, Status> {
        let control = self.control(&request.get_ref().projection)?;
        control.drop_kept().await.map_err(rejected)?;
        self.show(control).await
    }

    async fn abort_rebuild(
        &self,
        request: Request<RebuildRequest>,
    ) -> Result<Response<Rebuild>, Status> {
        let control = self.control(&request.get_ref().projection)?;
        control.abort().await.map_err(rejected)?;
        self.show(control).await
    }
}
