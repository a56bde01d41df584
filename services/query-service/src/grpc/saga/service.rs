//! `query.SagaQuery`.

use std::sync::Arc;

use contract::query::saga_query_server::SagaQuery;
use contract::query::{
    OrderIdsRequest, SagaByOrderRequest, SagaListRequest, SagaListResponse, SagaQueryResponse,
};
use tonic::{Request, Response, Status};

use super::super::input::{id, ids};
use super::super::request::{answer, not_found, read_options, status};
use super::{input, reply};
use crate::projections::SagaRow;
use crate::queries::{List, ReadError, ReadResult, SagaQueries};

pub(in crate::grpc) struct SagaApi {
    sagas: Arc<SagaQueries>,
}

impl SagaApi {
    pub(in crate::grpc) fn new(sagas: Arc<SagaQueries>) -> Self {
        Self { sagas }
    }
}

fn many(
    found: Result<ReadResult<Arc<List<SagaRow>>>, ReadError>,
) -> Result<Response<SagaListResponse>, Status> {
    let found = found.map_err(|error| status(&error))?;
    Ok(answer(found.map(|list| reply::list(&list))))
}

#[tonic::async_trait]
impl SagaQuery for SagaApi {
    async fn get_saga_by_order(
        &self,
        request: Request<SagaByOrderRequest>,
    ) -> Result<Response<SagaQueryResponse>, Status> {
        let at = read_options(request.metadata())?;
        let order = id("order_id", &request.get_ref().order_id)?;
        let found = self.sagas.of_order(order.as_str(), at).await;
        let found = found.map_err(|error| status(&error))?;
        let Some(row) = &found.value else {
            return Err(not_found("there is no saga of this order", found.position));
        };
        let saga = Some(reply::saga(row));
        Ok(answer(found.map(|_| SagaQueryResponse { saga })))
    }

    async fn get_sagas_by_orders(
        &self,
        request: Request<OrderIdsRequest>,
    ) -> Result<Response<SagaListResponse>, Status> {
        let at = read_options(request.metadata())?;
        let ids = ids("ids", &request.get_ref().ids)?;
        many(self.sagas.of_orders(&ids, at).await)
    }

    async fn list_sagas(
        &self,
        request: Request<SagaListRequest>,
    ) -> Result<Response<SagaListResponse>, Status> {
        let at = read_options(request.metadata())?;
        let search = input::search(request.get_ref())?;
        many(self.sagas.search(&search, at).await)
    }
}
