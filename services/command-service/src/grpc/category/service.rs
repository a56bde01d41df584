//! `proto.CategoryCommand`.

use std::sync::Arc;

use contract::proto::category_command_server::CategoryCommand;
use contract::proto::{CategoryUpParam, CategoryUpResult};
use tonic::{Request, Response, Status};

use super::super::reply::{at, now, split};
use super::{input, reply};
use crate::bus::{CommandBus, Heard};
use crate::commands::CategoryAnswer;

pub(in crate::grpc) struct CategoryApi {
    bus: Arc<CommandBus>,
}

impl CategoryApi {
    pub(in crate::grpc) fn new(bus: Arc<CommandBus>) -> Self {
        Self { bus }
    }

    fn respond(&self, heard: Heard<CategoryAnswer>) -> Response<CategoryUpResult> {
        let (category, error) = split(heard.result);
        let message = CategoryUpResult {
            category: category.map(|answer| reply::category(&answer.values, answer.version)),
            error,
            timestamp: Some(now(self.bus.clock().as_ref())),
            unchanged: heard.unchanged,
        };
        at(heard.position, message)
    }
}

#[tonic::async_trait]
impl CategoryCommand for CategoryApi {
    async fn create(
        &self,
        request: Request<CategoryUpParam>,
    ) -> Result<Response<CategoryUpResult>, Status> {
        let created = self.bus.dispatch("create_category", request, input::create);
        Ok(self.respond(created.await?))
    }

    async fn update(
        &self,
        request: Request<CategoryUpParam>,
    ) -> Result<Response<CategoryUpResult>, Status> {
        let updated = self.bus.dispatch("update_category", request, input::update);
        Ok(self.respond(updated.await?))
    }

    async fn delete(
        &self,
        request: Request<CategoryUpParam>,
    ) -> Result<Response<CategoryUpResult>, Status> {
        let deleted = self.bus.dispatch("delete_category", request, input::delete);
        Ok(self.respond(deleted.await?))
    }
}
