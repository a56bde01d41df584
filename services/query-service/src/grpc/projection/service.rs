//! `query.ProjectionQuery`.

use std::sync::Arc;

use contract::query::projection_query_server::ProjectionQuery;
use contract::query::{
    ListProjectionsRequest, ListProjectionsResponse, ShowProjectionRequest, ShowProjectionResponse,
};
use tonic::{Request, Response, Status};

use super::reply;
use super::unread::unread;
use crate::projection_status::ProjectionStatuses;

pub(in crate::grpc) struct ProjectionApi {
    standings: Arc<ProjectionStatuses>,
}

impl ProjectionApi {
    pub(in crate::grpc) fn new(standings: Arc<ProjectionStatuses>) -> Self {
        Self { standings }
    }
}

#[tonic::async_trait]
impl ProjectionQuery for ProjectionApi {
    async fn list_projections(
        &self,
        _request: Request<ListProjectionsRequest>,
    ) -> Result<Response<ListProjectionsResponse>, Status> {
        let standings = self.standings.list().await.map_err(unread)?;
        Ok(Response::new(ListProjectionsResponse {
            projections: standings.iter().map(reply::projection).collect(),
        }))
    }

    async fn show_projection(
        &self,
        request: Request<ShowProjectionRequest>,
    ) -> Result<Response<ShowProjectionResponse>, Status> {
        let name = &request.get_ref().name;
        let shown = self.standings.show(name).await.map_err(unread)?;
        let Some((standing, decisions)) = shown else {
            return Err(Status::not_found("there is no such projection"));
        };
        Ok(Response::new(ShowProjectionResponse {
            projection: Some(reply::projection(&standing)),
            decisions: decisions.into_iter().map(reply::decision).collect(),
        }))
    }
}
