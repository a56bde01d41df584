//! Fakes of the order and saga services, which a test configures and which record their requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use contract::business::ErrorType;
use contract::proto::order_command_server::{OrderCommand, OrderCommandServer};
use contract::proto::saga_command_server::{SagaCommand, SagaCommandServer};
use contract::proto::{
    Error, GetSagaStatusParam, ListSagasParam, ListSagasResult, OrderCancelParam, OrderStatus,
    OrderUpParam, OrderUpResult, ResolveSagaParam, SagaActionParam, SagaActionResult,
    SagaStatusResult, ShowSagaParam, ShowSagaResult, StartOrderSagaParam, StartSagaResult,
};
use contract::query::order_query_server::{OrderQuery, OrderQueryServer};
use contract::query::saga_query_server::{SagaQuery, SagaQueryServer};
use contract::query::{
    OrderConnectionRequest, OrderConnectionResponse, OrderEdge, OrderIdsRequest, OrderListRequest,
    OrderListResponse, OrderQueryRequest, OrderQueryResponse, PageInfo, RowKey, Saga,
    SagaByOrderRequest, SagaListRequest, SagaListResponse, SagaQueryResponse, UserOrderListRequest,
};
use contract::{metadata, proto, query};
use prost_types::Timestamp;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use super::test_gateway::TestGateway;

/// The timestamp of everything: 2026-11-23T00:00:00Z.
pub const SECONDS: i64 = 1_795_392_000;

type Answer<M> = Result<Response<M>, Status>;

/// All services of orders in one. Every write advances the log by one position.
#[derive(Clone, Debug, Default)]
pub struct Fakes {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
pub struct Shared {
    pub position: u64,
    /// The position of the projection of sagas, if it differs.
    pub sagas_at: Option<u64>,
    pub orders: BTreeMap<String, proto::Order>,
    /// By the ids of their orders.
    pub sagas: BTreeMap<String, Saga>,
    /// The error with which the next command is rejected.
    pub rejection: Option<Error>,
    /// If set, commands change nothing, and the rows of the read side are newer by this many seconds.
    pub newer_rows: Option<i64>,
    /// The longest list that fits into one message.
    pub fits: Option<i32>,
    /// The number of orders and of sagas after which a reply is cut.
    pub room: Option<usize>,
    pub started: Vec<StartOrderSagaParam>,
    pub cancelled: Vec<OrderCancelParam>,
    /// The requested lists; without a user for all orders.
    pub windows: Vec<UserOrderListRequest>,
    /// The requested parts of lists.
    pub slices: Vec<OrderConnectionRequest>,
}

impl Fakes {
    /// Starts a gateway that calls these fakes.
    pub async fn open() -> Result<(TestGateway, Self)> {
        let fakes = Self::default();
        let command = Routes::new(OrderCommandServer::new(fakes.clone()))
            .add_service(SagaCommandServer::new(fakes.clone()));
        let query = Routes::new(OrderQueryServer::new(fakes.clone()))
            .add_service(SagaQueryServer::new(fakes.clone()));
        Ok((TestGateway::before(command, query).await?, fakes))
    }

    pub fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an order and its saga.
    pub fn add(&self, id: &str, status: OrderStatus, saga: query::SagaStatus) {
        let mut shared = self.lock();
        let order = order(id, "ann", status);
        shared.orders.insert(id.to_owned(), order);
        shared.sagas.insert(id.to_owned(), self::saga(id, saga));
    }

    fn change(&self, id: &str, from: OrderStatus, to: OrderStatus) -> Response<OrderUpResult> {
        let mut shared = self.lock();
        let rejection = shared.rejection.take();
        let nothing = shared.newer_rows.is_some();
        let found = shared.orders.get_mut(id);
        let result = match (rejection, found) {
            (Some(rejection), _) => Err(rejection),
            (None, None) => Err(ErrorType::NotFound.error(format!("order {id} does not exist"))),
            (None, Some(order)) if nothing => Ok(order.clone()),
            (None, Some(order)) if order.status() != from => {
                Err(ErrorType::Domain.error(format!("order {id} is not {from:?}")))
            }
            (None, Some(order)) => {
                order.set_status(to);
                order.version += 1;
                Ok(order.clone())
            }
        };
        if result.is_ok() && !nothing {
            shared.position += 1;
        }
        let (order, error) = match result {
            Ok(order) => (Some(order), None),
            Err(error) => (None, Some(error)),
        };
        shared.reply(OrderUpResult {
            order,
            error,
            timestamp: Some(now()),
            unchanged: nothing,
        })
    }

    fn list(&self, window: UserOrderListRequest) -> Answer<OrderListResponse> {
        let mut shared = self.lock();
        if shared.fits.is_some_and(|fits| window.limit > Some(fits)) {
            shared.windows.push(window);
            return Err(Status::out_of_range("too long"));
        }
        let wanted = |order: &&proto::Order| {
            window.status.is_none_or(|status| order.status == status)
                && (window.user_id.is_empty() || order.user_id == window.user_id)
        };
        let length = usize::try_from(window.limit.unwrap_or(500)).expect("a limit");
        let rows = shared.orders.values().filter(wanted);
        let rows = rows
            .skip(usize::try_from(window.offset).expect("an offset"))
            .take(length);
        let rows = rows.map(|order| shared.row(order)).collect();
        let (orders, truncated) = shared.cut(rows);
        shared.windows.push(window);
        Ok(shared.reply(OrderListResponse { orders, truncated }))
    }
}

fn reply_at<M>(position: u64, message: M) -> Response<M> {
    let mut response = Response::new(message);
    metadata::insert_position(response.metadata_mut(), metadata::POSITION, position);
    response
}

impl Shared {
    /// The rows that a reply has room for, and whether there are more.
    fn cut<R>(&self, mut rows: Vec<R>) -> (Vec<R>, bool) {
        let room = self.room.unwrap_or(usize::MAX);
        let is_cut = rows.len() > room;
        rows.truncate(room);
        (rows, is_cut)
    }

    fn reply<M>(&self, message: M) -> Response<M> {
        reply_at(self.position.max(1), message)
    }

    fn reply_of_sagas<M>(&self, message: M) -> Response<M> {
        reply_at(self.sagas_at.unwrap_or(self.position).max(1), message)
    }

    fn row(&self, order: &proto::Order) -> query::Order {
        let item = |item: &proto::OrderItem| query::OrderItem {
            product_id: item.product_id.clone(),
            product_name: item.product_name.clone(),
            quantity: item.quantity,
            price: item.unit_price_decimal.clone().expect("a price"),
            subtotal: item.subtotal_decimal.clone().expect("a subtotal"),
        };
        let address = |address: &proto::ShippingAddress| query::ShippingAddress {
            street: address.street.clone(),
            city: address.city.clone(),
            postal_code: address.postal_code.clone(),
        };
        let updated_at = SECONDS + self.newer_rows.unwrap_or(0);
        query::Order {
            id: order.id.clone(),
            user_id: order.user_id.clone(),
            status: order.status,
            total_amount: order.total_amount.clone(),
            items: order.items.iter().map(item).collect(),
            shipping_address: order.shipping_address.as_ref().map(address),
            tracking_number: order.tracking_number.clone(),
            version: order.version,
            created_at: SECONDS,
            updated_at,
            created_at_micros: SECONDS * 1_000_000,
            updated_at_micros: updated_at * 1_000_000,
        }
    }
}

fn now() -> Timestamp {
    Timestamp {
        seconds: SECONDS,
        nanos: 0,
    }
}

/// An order of two pots for 19.90 each.
pub fn order(id: &str, user_id: &str, status: OrderStatus) -> proto::Order {
    proto::Order {
        id: id.to_owned(),
        user_id: user_id.to_owned(),
        status: status.into(),
        total_amount: "39.80".to_owned(),
        items: vec![proto::OrderItem {
            product_id: "pot".to_owned(),
            product_name: "Pot".to_owned(),
            quantity: 2,
            unit_price: 19.9,
            subtotal: 39.8,
            unit_price_decimal: Some("19.90".to_owned()),
            subtotal_decimal: Some("39.80".to_owned()),
        }],
        shipping_address: None,
        tracking_number: None,
        version: 1,
        created_at: Some(now()),
        updated_at: Some(now()),
    }
}

/// A saga that has completed its first step.
pub fn saga(order_id: &str, status: query::SagaStatus) -> Saga {
    Saga {
        id: format!("saga-of-{order_id}"),
        r#type: "order".to_owned(),
        order_id: order_id.to_owned(),
        status: status.into(),
        current_step: Some("process_payment".to_owned()),
        completed_steps: vec!["reserve_inventory".to_owned()],
        compensated_steps: Vec::new(),
        failure_reason: None,
        started_at: SECONDS,
        completed_at: 0,
        started_at_micros: SECONDS * 1_000_000 + 5,
        completed_at_micros: None,
        updated_at_micros: SECONDS * 1_000_000,
    }
}

#[tonic::async_trait]
impl SagaCommand for Fakes {
    async fn start_order_saga(
        &self,
        request: Request<StartOrderSagaParam>,
    ) -> Answer<StartSagaResult> {
        let mut shared = self.lock();
        let param = request.into_inner();
        shared.started.push(param.clone());
        if let Some(error) = shared.rejection.take() {
            let error = Some(error);
            return Ok(Response::new(StartSagaResult {
                error,
                ..StartSagaResult::default()
            }));
        }
        shared.position += 1;
        let id = format!("order-{}", shared.position);
        let made = proto::Order {
            shipping_address: param.shipping_address,
            ..order(&id, &param.customer_id, OrderStatus::Processing)
        };
        shared.orders.insert(id.clone(), made.clone());
        let saga = saga(&id, query::SagaStatus::Started);
        shared.sagas.insert(id, saga.clone());
        Ok(shared.reply(StartSagaResult {
            saga_id: saga.id,
            status: "started".to_owned(),
            error: None,
            started_at: Some(now()),
            order: Some(made),
        }))
    }

    async fn get_saga_status(&self, _: Request<GetSagaStatusParam>) -> Answer<SagaStatusResult> {
        Err(Status::unimplemented("the gateway calls the read side"))
    }

    async fn list_sagas(&self, _: Request<ListSagasParam>) -> Answer<ListSagasResult> {
        Err(Status::unimplemented("for operators"))
    }

    async fn show_saga(&self, _: Request<ShowSagaParam>) -> Answer<ShowSagaResult> {
        Err(Status::unimplemented("for operators"))
    }

    async fn resume_saga(&self, _: Request<SagaActionParam>) -> Answer<SagaActionResult> {
        Err(Status::unimplemented("for operators"))
    }

    async fn retry_saga(&self, _: Request<SagaActionParam>) -> Answer<SagaActionResult> {
        Err(Status::unimplemented("for operators"))
    }

    async fn cancel_saga(&self, _: Request<SagaActionParam>) -> Answer<SagaActionResult> {
        Err(Status::unimplemented("for operators"))
    }

    async fn resolve_saga(&self, _: Request<ResolveSagaParam>) -> Answer<SagaActionResult> {
        Err(Status::unimplemented("for operators"))
    }
}

#[tonic::async_trait]
impl OrderCommand for Fakes {
    async fn ship(&self, request: Request<OrderUpParam>) -> Answer<OrderUpResult> {
        let id = request.into_inner().id;
        Ok(self.change(&id, OrderStatus::Confirmed, OrderStatus::Shipped))
    }

    async fn deliver(&self, request: Request<OrderUpParam>) -> Answer<OrderUpResult> {
        let id = request.into_inner().id;
        Ok(self.change(&id, OrderStatus::Shipped, OrderStatus::Delivered))
    }

    async fn cancel(&self, request: Request<OrderCancelParam>) -> Answer<OrderUpResult> {
        let param = request.into_inner();
        self.lock().cancelled.push(param.clone());
        Ok(self.change(&param.id, OrderStatus::Processing, OrderStatus::Processing))
    }
}

#[tonic::async_trait]
impl OrderQuery for Fakes {
    async fn get_order(&self, request: Request<OrderQueryRequest>) -> Answer<OrderQueryResponse> {
        let shared = self.lock();
        let order = shared.orders.get(&request.into_inner().id);
        let order = order.ok_or_else(|| Status::not_found("no such order"))?;
        let order = Some(shared.row(order));
        Ok(shared.reply(OrderQueryResponse { order }))
    }

    async fn get_orders(&self, request: Request<OrderIdsRequest>) -> Answer<OrderListResponse> {
        let shared = self.lock();
        let ids = request.into_inner().ids;
        let found = ids.iter().filter_map(|id| shared.orders.get(id));
        let found = found.map(|order| shared.row(order)).collect();
        let (orders, truncated) = shared.cut(found);
        Ok(shared.reply(OrderListResponse { orders, truncated }))
    }

    async fn list_orders(&self, request: Request<OrderListRequest>) -> Answer<OrderListResponse> {
        let OrderListRequest {
            status,
            limit,
            offset,
            sort,
            period,
        } = request.into_inner();
        self.list(UserOrderListRequest {
            user_id: String::new(),
            status,
            limit,
            offset,
            sort,
            period,
        })
    }

    async fn list_orders_connection(
        &self,
        request: Request<OrderConnectionRequest>,
    ) -> Answer<OrderConnectionResponse> {
        let mut shared = self.lock();
        let orders = shared.orders.values();
        let edges = orders.map(|order| OrderEdge {
            order: Some(shared.row(order)),
            key: Some(RowKey {
                number: Some(SECONDS * 1_000_000),
                name: None,
                id: order.id.clone(),
            }),
        });
        let edges = edges.collect();
        shared.slices.push(request.into_inner());
        Ok(shared.reply(OrderConnectionResponse {
            edges,
            page: Some(PageInfo::default()),
        }))
    }

    async fn list_user_orders(
        &self,
        request: Request<UserOrderListRequest>,
    ) -> Answer<OrderListResponse> {
        self.list(request.into_inner())
    }
}

#[tonic::async_trait]
impl SagaQuery for Fakes {
    async fn get_saga_by_order(
        &self,
        request: Request<SagaByOrderRequest>,
    ) -> Answer<SagaQueryResponse> {
        let shared = self.lock();
        let saga = shared.sagas.get(&request.into_inner().order_id).cloned();
        let saga = saga.ok_or_else(|| Status::not_found("no such saga"))?;
        Ok(shared.reply_of_sagas(SagaQueryResponse { saga: Some(saga) }))
    }

    async fn get_sagas_by_orders(
        &self,
        request: Request<OrderIdsRequest>,
    ) -> Answer<SagaListResponse> {
        let shared = self.lock();
        let ids = request.into_inner().ids;
        let found = ids.iter().filter_map(|id| shared.sagas.get(id));
        let (sagas, truncated) = shared.cut(found.cloned().collect());
        Ok(shared.reply_of_sagas(SagaListResponse { sagas, truncated }))
    }

    async fn list_sagas(&self, _: Request<SagaListRequest>) -> Answer<SagaListResponse> {
        Err(Status::unimplemented("for operators"))
    }
}
