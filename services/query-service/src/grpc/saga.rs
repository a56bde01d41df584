//! `query.SagaQuery`.

use std::sync::Arc;

use contract::query::saga_query_server::SagaQuery;
use contract::query::{
    OrderIdsRequest, SagaByOrderRequest, SagaListRequest, SagaListResponse, SagaQueryResponse,
};
use tonic::{Request, Response, Status};

use super::convert::Room;
use super::request::{at, not_found, reply, status};
use super::{input, order_input, order_messages};
use crate::projections::SagaRow;
use crate::reads::{Found, List, ReadError, SagaReads};

pub(super) struct SagaApi {
    sagas: Arc<SagaReads>,
}

impl SagaApi {
    pub(super) fn new(sagas: Arc<SagaReads>) -> Self {
        Self { sagas }
    }
}

fn many(
    found: Result<Found<Arc<List<SagaRow>>>, ReadError>,
) -> Result<Response<SagaListResponse>, Status> {
    let found = found.map_err(|error| status(&error))?;
    Ok(reply(found.map(|list| {
        let rows = list.rows.iter();
        let mut sagas = rows.map(|row| order_messages::saga(row)).collect();
        let is_cut = Room::new().fit(&mut sagas);
        SagaListResponse {
            sagas,
            truncated: list.is_truncated || is_cut,
        }
    })))
}

#[tonic::async_trait]
impl SagaQuery for SagaApi {
    async fn get_saga_by_order(
        &self,
        request: Request<SagaByOrderRequest>,
    ) -> Result<Response<SagaQueryResponse>, Status> {
        let at = at(request.metadata())?;
        let order = input::id("order_id", &request.get_ref().order_id)?;
        let found = self.sagas.of_order(order.as_str(), at).await;
        let found = found.map_err(|error| status(&error))?;
        let Some(row) = &found.value else {
            return Err(not_found(
                "there is no saga of such an order",
                found.position,
            ));
        };
        let saga = Some(order_messages::saga(row));
        Ok(reply(found.map(|_| SagaQueryResponse { saga })))
    }

    async fn get_sagas_by_orders(
        &self,
        request: Request<OrderIdsRequest>,
    ) -> Result<Response<SagaListResponse>, Status> {
        let at = at(request.metadata())?;
        let ids = input::ids("ids", &request.get_ref().ids)?;
        many(self.sagas.of_orders(&ids, at).await)
    }

    async fn list_sagas(
        &self,
        request: Request<SagaListRequest>,
    ) -> Result<Response<SagaListResponse>, Status> {
        let at = at(request.metadata())?;
        let search = order_input::saga_search(request.get_ref())?;
        many(self.sagas.search(&search, at).await)
    }
}
