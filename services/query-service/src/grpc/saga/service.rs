//! `query.SagaQuery`.

use std::collections::HashSet;
use std::sync::Arc;

use authentication::Scope;
use contract::query::saga_query_server::SagaQuery;
use contract::query::{
    OrderIdsRequest, SagaByOrderRequest, SagaListRequest, SagaListResponse, SagaQueryResponse,
};
use tonic::{Request, Response, Status};

use super::super::input::{id, ids};
use super::super::request::{answer, not_found, read_options, scope_of, status};
use super::{input, reply};
use crate::projections::SagaRow;
use crate::queries::{List, OrderQueries, ReadError, ReadOptions, ReadResult, SagaQueries};

const NO_SAGA: &str = "there is no saga of this order";

pub(in crate::grpc) struct SagaApi {
    sagas: Arc<SagaQueries>,
    /// Say whose orders they are.
    orders: Arc<OrderQueries>,
}

impl SagaApi {
    pub(in crate::grpc) fn new(sagas: Arc<SagaQueries>, orders: Arc<OrderQueries>) -> Self {
        Self { sagas, orders }
    }

    /// Those of the orders that are in `scope`.
    async fn in_scope<'i>(
        &self,
        ids: Vec<&'i str>,
        scope: Scope<'_>,
        at: ReadOptions,
    ) -> Result<Vec<&'i str>, Status> {
        if scope == Scope::All {
            return Ok(ids);
        }
        let found = self.orders.by_ids(&ids, scope, at).await;
        let found = found.map_err(|error| status(&error))?;
        let own: HashSet<&str> = found.value.iter().map(|row| row.id.as_str()).collect();
        Ok(ids.into_iter().filter(|id| own.contains(id)).collect())
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
        let scope = scope_of(request.extensions())?;
        if let Scope::Own(_) = scope {
            let owned = self.orders.by_id(order.as_str(), scope, at).await;
            let owned = owned.map_err(|error| status(&error))?;
            if owned.value.is_none() {
                return Err(not_found(NO_SAGA, owned.position));
            }
        }
        let found = self.sagas.of_order(order.as_str(), at).await;
        let found = found.map_err(|error| status(&error))?;
        let Some(row) = &found.value else {
            return Err(not_found(NO_SAGA, found.position));
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
        let ids = self
            .in_scope(ids, scope_of(request.extensions())?, at)
            .await?;
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
