//! `proto.ProductCommand`.

use std::sync::Arc;

use contract::proto::product_command_server::ProductCommand;
use contract::proto::{
    PriceUpParam, Product, ProductUpParam, ProductUpResult, StockUpParam, StockUpResult,
};
use domain::category::Category;
use tonic::{Request, Response, Status};

use super::super::category;
use super::super::reply::{at_position, now, split};
use super::{input, reply};
use crate::bus::{CommandBus, CommandOutcome};

pub(in crate::grpc) struct ProductApi {
    bus: Arc<CommandBus>,
}

impl ProductApi {
    pub(in crate::grpc) fn new(bus: Arc<CommandBus>) -> Self {
        Self { bus }
    }

    async fn respond(&self, outcome: CommandOutcome<Option<Product>>) -> Response<ProductUpResult> {
        let (product, error) = split(outcome.result);
        let mut product = product.flatten();
        if let Some(product) = &mut product
            && let Some(id) = &product.category_id
        {
            let mentioned = self.bus.load_related::<Category>(id).await;
            product.category = mentioned.and_then(|category| category::reply::category(&category));
        }
        let message = ProductUpResult {
            product,
            error,
            timestamp: Some(now(self.bus.clock().as_ref())),
            unchanged: outcome.unchanged,
        };
        at_position(outcome.position, message)
    }
}

#[tonic::async_trait]
impl ProductCommand for ProductApi {
    async fn create(
        &self,
        request: Request<ProductUpParam>,
    ) -> Result<Response<ProductUpResult>, Status> {
        let outcome = self.bus.dispatch(request, input::create).await?;
        let outcome = outcome.map(|(product, stock)| reply::created(&product, &stock));
        Ok(self.respond(outcome).await)
    }

    async fn update(
        &self,
        request: Request<ProductUpParam>,
    ) -> Result<Response<ProductUpResult>, Status> {
        let outcome = self.bus.dispatch(request, input::update).await?;
        let outcome = outcome.map(|product| reply::product(&product));
        Ok(self.respond(outcome).await)
    }

    async fn delete(
        &self,
        request: Request<ProductUpParam>,
    ) -> Result<Response<ProductUpResult>, Status> {
        let outcome = self.bus.dispatch(request, input::delete).await?;
        let outcome = outcome.map(|product| reply::product(&product));
        Ok(self.respond(outcome).await)
    }

    async fn change_price(
        &self,
        request: Request<PriceUpParam>,
    ) -> Result<Response<ProductUpResult>, Status> {
        let outcome = self.bus.dispatch(request, input::change_price).await?;
        let outcome = outcome.map(|product| reply::product(&product));
        Ok(self.respond(outcome).await)
    }

    async fn update_stock(
        &self,
        request: Request<StockUpParam>,
    ) -> Result<Response<StockUpResult>, Status> {
        let product_id = request.get_ref().product_id.clone();
        let outcome = self.bus.dispatch(request, input::update_stock).await?;
        let (stock, error) = split(outcome.result);
        let message = StockUpResult {
            stock: stock.and_then(|stock| reply::stock(&product_id, &stock)),
            error,
            timestamp: Some(now(self.bus.clock().as_ref())),
        };
        Ok(at_position(outcome.position, message))
    }
}
