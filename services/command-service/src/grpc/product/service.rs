//! `proto.ProductCommand`.

use std::sync::Arc;

use contract::proto::product_command_server::ProductCommand;
use contract::proto::{PriceUpParam, ProductUpParam, ProductUpResult, StockUpParam, StockUpResult};
use domain::category::Category;
use tonic::{Request, Response, Status};

use super::super::category;
use super::super::reply::{at, now, split};
use super::{input, reply};
use crate::bus::{CommandBus, Heard};
use crate::commands::ProductAnswer;

pub(in crate::grpc) struct ProductApi {
    bus: Arc<CommandBus>,
}

impl ProductApi {
    pub(in crate::grpc) fn new(bus: Arc<CommandBus>) -> Self {
        Self { bus }
    }

    async fn respond(&self, heard: Heard<ProductAnswer>) -> Response<ProductUpResult> {
        let (answer, error) = split(heard.result);
        let mut product = None;
        if let Some(answer) = answer {
            let mut written = reply::product(&answer);
            if let Some(id) = &answer.values.category_id {
                let mentioned = self.bus.mentioned::<Category>(id.as_str()).await;
                written.category = mentioned.and_then(|(category, version)| {
                    Some(category::reply::category(category.life().last()?, version))
                });
            }
            product = Some(written);
        }
        let message = ProductUpResult {
            product,
            error,
            timestamp: Some(now(self.bus.clock().as_ref())),
            unchanged: heard.unchanged,
        };
        at(heard.position, message)
    }
}

#[tonic::async_trait]
impl ProductCommand for ProductApi {
    async fn create(
        &self,
        request: Request<ProductUpParam>,
    ) -> Result<Response<ProductUpResult>, Status> {
        let created = self.bus.dispatch("create_product", request, input::create);
        Ok(self.respond(created.await?).await)
    }

    async fn update(
        &self,
        request: Request<ProductUpParam>,
    ) -> Result<Response<ProductUpResult>, Status> {
        let updated = self.bus.dispatch("update_product", request, input::update);
        Ok(self.respond(updated.await?).await)
    }

    async fn delete(
        &self,
        request: Request<ProductUpParam>,
    ) -> Result<Response<ProductUpResult>, Status> {
        let deleted = self.bus.dispatch("delete_product", request, input::delete);
        Ok(self.respond(deleted.await?).await)
    }

    async fn change_price(
        &self,
        request: Request<PriceUpParam>,
    ) -> Result<Response<ProductUpResult>, Status> {
        let changed = self
            .bus
            .dispatch("change_product_price", request, input::change_price);
        Ok(self.respond(changed.await?).await)
    }

    async fn update_stock(
        &self,
        request: Request<StockUpParam>,
    ) -> Result<Response<StockUpResult>, Status> {
        let heard = self
            .bus
            .dispatch("update_stock", request, input::update_stock)
            .await?;
        let (stock, error) = split(heard.result);
        let message = StockUpResult {
            stock: stock.as_ref().map(reply::stock),
            error,
            timestamp: Some(now(self.bus.clock().as_ref())),
        };
        Ok(at(heard.position, message))
    }
}
