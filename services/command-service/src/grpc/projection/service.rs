//! `proto.Admin`: for operators and the command line.

use std::sync::Arc;

use contract::proto::admin_server::Admin;
use contract::proto::{
    AdminStatusParam, AdminStatusResult, PauseProjectionParam, ProjectionActionResult,
    ResumeProjectionParam, SkipProjectionEventParam,
};
use contract::status::Outcome;
use event_sourcing::{EventStore, Position};
use tokio::time::timeout_at;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use super::super::reply;
use super::input;
use crate::bus::{CommandBus, CommandOutcome, internal};
use crate::context;

pub(in crate::grpc) struct AdminApi {
    bus: Arc<CommandBus>,
    store: Arc<dyn EventStore>,
}

impl AdminApi {
    pub(in crate::grpc) fn new(bus: Arc<CommandBus>, store: Arc<dyn EventStore>) -> Self {
        Self { bus, store }
    }

    /// The position of the last event.
    async fn head(&self, metadata: &MetadataMap) -> Result<Position, Status> {
        const UNAVAILABLE: &str = "the event store does not answer";
        let deadline = context::deadline(metadata)?;
        timeout_at(deadline, self.store.head())
            .await
            .map_err(|_| Outcome::None.deadline_exceeded(UNAVAILABLE))?
            .map_err(|error| {
                if error.is_retryable() {
                    Outcome::None.unavailable(UNAVAILABLE)
                } else {
                    Outcome::None.mark(internal("the head could not be read", &error))
                }
            })
    }

    fn respond(&self, outcome: CommandOutcome<()>) -> Response<ProjectionActionResult> {
        let message = ProjectionActionResult {
            error: outcome.result.err(),
            timestamp: Some(reply::now(self.bus.clock().as_ref())),
            unchanged: outcome.unchanged,
        };
        reply::at_position(outcome.position, message)
    }
}

#[tonic::async_trait]
impl Admin for AdminApi {
    async fn status(
        &self,
        request: Request<AdminStatusParam>,
    ) -> Result<Response<AdminStatusResult>, Status> {
        let head = self.head(request.metadata()).await?;
        Ok(Response::new(AdminStatusResult {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            head: head.0.try_into().unwrap_or(i64::MAX),
        }))
    }

    async fn skip_projection_event(
        &self,
        request: Request<SkipProjectionEventParam>,
    ) -> Result<Response<ProjectionActionResult>, Status> {
        let head = self.head(request.metadata()).await?;
        let decided = self
            .bus
            .dispatch(request, |param, _| input::skip(param, head));
        Ok(self.respond(decided.await?))
    }

    async fn pause_projection(
        &self,
        request: Request<PauseProjectionParam>,
    ) -> Result<Response<ProjectionActionResult>, Status> {
        let decided = self.bus.dispatch(request, |param, _| input::pause(param));
        Ok(self.respond(decided.await?))
    }

    async fn resume_projection(
        &self,
        request: Request<ResumeProjectionParam>,
    ) -> Result<Response<ProjectionActionResult>, Status> {
        let decided = self.bus.dispatch(request, |param, _| input::resume(param));
        Ok(self.respond(decided.await?))
    }
}
