//! `proto.CategoryCommand`.

use std::sync::Arc;

use contract::proto::category_command_server::CategoryCommand;
use contract::proto::{CategoryUpParam, CategoryUpResult};
use domain::category::Category;
use tonic::{Request, Response, Status};

use super::super::reply::{at_position, now, split};
use super::{input, reply};
use crate::bus::{CommandBus, CommandOutcome};

pub(in crate::grpc) struct CategoryApi {
    bus: Arc<CommandBus>,
}

impl CategoryApi {
    pub(in crate::grpc) fn new(bus: Arc<CommandBus>) -> Self {
        Self { bus }
    }

    fn respond(&self, outcome: CommandOutcome<Arc<Category>>) -> Response<CategoryUpResult> {
        let (category, error) = split(outcome.result);
        let message = CategoryUpResult {
            category: category.and_then(|category| reply::category(&category)),
            error,
            timestamp: Some(now(self.bus.clock().as_ref())),
            unchanged: outcome.unchanged,
        };
        at_position(outcome.position, message)
    }
}

#[tonic::async_trait]
impl CategoryCommand for CategoryApi {
    async fn create(
        &self,
        request: Request<CategoryUpParam>,
    ) -> Result<Response<CategoryUpResult>, Status> {
        let created = self.bus.dispatch(request, input::create);
        Ok(self.respond(created.await?))
    }

    async fn update(
        &self,
        request: Request<CategoryUpParam>,
    ) -> Result<Response<CategoryUpResult>, Status> {
        let updated = self.bus.dispatch(request, input::update);
        Ok(self.respond(updated.await?))
    }

    async fn delete(
        &self,
        request: Request<CategoryUpParam>,
    ) -> Result<Response<CategoryUpResult>, Status> {
        let deleted = self.bus.dispatch(request, input::delete);
        Ok(self.respond(deleted.await?))
    }
}
