//! A write side to test against: both engines, real gRPC, and access to the log.

use std::sync::Arc;
use std::time::Duration;

use command_service::{CommandService, Config, open_event_store};
use contract::metadata;
use contract::proto::admin_client::AdminClient;
use contract::proto::category_command_client::CategoryCommandClient;
use contract::proto::idempotency_client::IdempotencyClient;
use contract::proto::order_command_client::OrderCommandClient;
use contract::proto::product_command_client::ProductCommandClient;
use contract::proto::saga_command_client::SagaCommandClient;
use contract::proto::{
    AdminStatusParam, Category, CategoryUpParam, CategoryUpResult, Crud, Error, PriceUpParam,
    Product, ProductUpParam, ProductUpResult, Stock, StockUpParam, StockUpResult,
};
use event_sourcing::{Clock, EventStore, Filter, Position, SteadyClock, SystemClock};
use event_store_any::AnyEventStore;
use platform::StartError;
use platform::config::{DatabaseUrl, Databases, Engine};
use platform::runtime::GrpcListener;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

use crate::place::{Place, databases, on_each_engine};

const STOP_LIMIT: Duration = Duration::from_secs(10);

/// The databases of a write side. Services can be started on them sequentially or, on PostgreSQL, concurrently.
pub struct Home {
    config: Databases,
    _place: Option<Place>,
}

/// A running write side, reached over a socket.
pub struct Service {
    pub categories: CategoryCommandClient<Channel>,
    pub products: ProductCommandClient<Channel>,
    pub orders: OrderCommandClient<Channel>,
    pub sagas: SagaCommandClient<Channel>,
    pub idempotency: IdempotencyClient<Channel>,
    pub admin: AdminClient<Channel>,
    pub channel: Channel,
    store: AnyEventStore,
    write_side: CommandService,
}

/// Runs a test on both engines, each with fresh data.
pub async fn on_both_engines(test: impl AsyncFn(&Service)) {
    at_both_homes(async |home| {
        let service = home.start().await;
        test(&service).await;
        service.stop().await;
    })
    .await;
}

/// Runs a test on both engines, each with fresh data, that starts services itself.
pub async fn at_both_homes(test: impl AsyncFn(&Home)) {
    on_each_engine(async |place| test(&Home::in_place(place)).await).await;
}

impl Home {
    pub async fn new(engine: Engine) -> Self {
        Self::in_place(Place::new(engine).await)
    }

    fn in_place(place: Place) -> Self {
        Self {
            config: place.databases.clone(),
            _place: Some(place),
        }
    }

    /// On a database that the caller owns.
    pub fn at(url: &str) -> Self {
        Self {
            config: databases(url, url),
            _place: None,
        }
    }

    /// The URLs of its event store and its command database.
    pub fn urls(&self) -> [&DatabaseUrl; 2] {
        [&self.config.event_store, &self.config.database]
    }

    pub async fn start(&self) -> Service {
        self.start_with(Arc::new(SystemClock)).await
    }

    pub async fn start_with(&self, clock: Arc<dyn Clock>) -> Service {
        self.start_as(&Config::default(), clock).await
    }

    /// Why it does not start with these settings.
    pub async fn start_error(&self, own: &Config) -> StartError {
        let store = open_event_store(&self.config, SteadyClock::start())
            .await
            .expect("an event store");
        let started = CommandService::start(&self.config, own, &store, Arc::new(SystemClock));
        started.await.expect_err("it does not start")
    }

    pub async fn start_as(&self, own: &Config, clock: Arc<dyn Clock>) -> Service {
        let store = open_event_store(&self.config, SteadyClock::start())
            .await
            .expect("an event store");
        let write_side = CommandService::start(&self.config, own, &store, clock)
            .await
            .expect("a service");
        let any_port = "127.0.0.1:0".parse().expect("an address");
        let listener = GrpcListener::bind("test", any_port).await.expect("a port");
        let url = format!("http://{}", listener.address());
        listener.serve(write_side.routes(), write_side.tasks());
        let channel = Endpoint::from_shared(url)
            .expect("an address")
            .connect()
            .await
            .expect("a connection");
        Service {
            categories: CategoryCommandClient::new(channel.clone()),
            products: ProductCommandClient::new(channel.clone()),
            orders: OrderCommandClient::new(channel.clone()),
            sagas: SagaCommandClient::new(channel.clone()),
            idempotency: IdempotencyClient::new(channel.clone()),
            admin: AdminClient::new(channel.clone()),
            channel,
            store,
            write_side,
        }
    }
}

impl Service {
    pub async fn stop(self) {
        self.stop_within(STOP_LIMIT).await;
    }

    /// Stops without waiting for calls to providers in flight.
    pub async fn leave(self) {
        self.stop_within(Duration::ZERO).await;
    }

    async fn stop_within(self, limit: Duration) {
        let Self {
            store, write_side, ..
        } = self;
        write_side.stop(limit).await;
        store.close().await;
    }

    pub fn log(&self) -> Arc<dyn EventStore> {
        self.store.store()
    }

    /// The position of the last event.
    pub async fn head(&self) -> u64 {
        let status = self.admin.clone().status(AdminStatusParam {}).await;
        let head = status.expect("a status").into_inner().head;
        u64::try_from(head).expect("a position")
    }

    /// The types of the events after the position `after`, in log order.
    pub async fn events_after(&self, after: u64) -> Vec<String> {
        let page = self
            .store
            .store()
            .read_all(Position(after), &Filter::ALL, 1_000)
            .await
            .expect("a page");
        page.events()
            .map(|event| event.event_type.clone())
            .collect()
    }

    /// Stream and version of each event, in log order.
    pub async fn versions(&self) -> Vec<(String, u64)> {
        let page = self
            .store
            .store()
            .read_all(Position::START, &Filter::ALL, 5_000)
            .await
            .expect("a page");
        page.events()
            .map(|event| (event.stream.to_string(), event.version.0))
            .collect()
    }

    pub async fn create_category(&self, param: CategoryUpParam) -> Result<Category, Error> {
        category(self.categories.clone().create(param).await)
    }

    pub async fn update_category(&self, param: CategoryUpParam) -> Result<Category, Error> {
        category(self.categories.clone().update(param).await)
    }

    pub async fn delete_category(&self, id: &str) -> Result<Category, Error> {
        let param = CategoryUpParam {
            id: id.to_owned(),
            ..CategoryUpParam::default()
        };
        category(self.categories.clone().delete(param).await)
    }

    pub async fn create_product(&self, param: ProductUpParam) -> Result<Product, Error> {
        product(self.products.clone().create(param).await)
    }

    pub async fn update_product(&self, param: ProductUpParam) -> Result<Product, Error> {
        product(self.products.clone().update(param).await)
    }

    pub async fn delete_product(&self, id: &str) -> Result<Product, Error> {
        let param = ProductUpParam {
            id: id.to_owned(),
            ..ProductUpParam::default()
        };
        product(self.products.clone().delete(param).await)
    }

    pub async fn change_price(&self, param: PriceUpParam) -> Result<Product, Error> {
        product(self.products.clone().change_price(param).await)
    }

    pub async fn update_stock(&self, id: &str, quantity: i64) -> Result<Stock, Error> {
        let param = StockUpParam {
            product_id: id.to_owned(),
            quantity,
        };
        stock(self.products.clone().update_stock(param).await)
    }

    pub async fn category(&self, name: &str) -> Category {
        self.create_category(named_category(name))
            .await
            .expect("a category")
    }

    /// Creates a product that costs 10.00.
    pub async fn product(&self, name: &str) -> Product {
        self.create_product(named_product(name))
            .await
            .expect("a product")
    }
}

pub fn category(reply: Result<Response<CategoryUpResult>, Status>) -> Result<Category, Error> {
    let message = reply.expect("a reply").into_inner();
    assert!(message.timestamp.is_some());
    either(message.category, message.error)
}

pub fn product(reply: Result<Response<ProductUpResult>, Status>) -> Result<Product, Error> {
    let message = reply.expect("a reply").into_inner();
    assert!(message.timestamp.is_some());
    either(message.product, message.error)
}

pub fn stock(reply: Result<Response<StockUpResult>, Status>) -> Result<Stock, Error> {
    let message = reply.expect("a reply").into_inner();
    assert!(message.timestamp.is_some());
    either(message.stock, message.error)
}

/// A reply has an entity or an error, never both.
pub fn either<T: std::fmt::Debug>(entity: Option<T>, error: Option<Error>) -> Result<T, Error> {
    match (entity, error) {
        (Some(entity), None) => Ok(entity),
        (None, Some(error)) => Err(error),
        both => panic!("an entity or an error, got {both:?}"),
    }
}

pub fn named_category(name: &str) -> CategoryUpParam {
    CategoryUpParam {
        crud: Crud::Insert.into(),
        name: name.to_owned(),
        ..CategoryUpParam::default()
    }
}

pub fn named_product(name: &str) -> ProductUpParam {
    ProductUpParam {
        crud: Crud::Insert.into(),
        name: name.to_owned(),
        price_decimal: Some("10.00".to_owned()),
        ..ProductUpParam::default()
    }
}

/// An update of a category that changes nothing yet.
pub fn category_change(id: &str) -> CategoryUpParam {
    CategoryUpParam {
        crud: Crud::Update.into(),
        id: id.to_owned(),
        ..CategoryUpParam::default()
    }
}

/// An update of a product that changes nothing yet.
pub fn product_change(id: &str) -> ProductUpParam {
    ProductUpParam {
        crud: Crud::Update.into(),
        id: id.to_owned(),
        ..ProductUpParam::default()
    }
}

/// A request with a command id.
pub fn with_command_id<M>(message: M, command_id: &str) -> Request<M> {
    let mut request = Request::new(message);
    metadata::insert(request.metadata_mut(), metadata::COMMAND_ID, command_id);
    request
}

/// The log position that a reply reflects.
pub fn position<M>(response: &Response<M>) -> Option<u64> {
    metadata::position(response.metadata(), metadata::POSITION).expect("a position")
}

#[track_caller]
pub fn assert_rejected<T: std::fmt::Debug>(result: &Result<T, Error>, error_type: &str, code: i32) {
    let error = result.as_ref().expect_err("a rejection");
    assert_eq!(
        (error.r#type.as_str(), error.code),
        (error_type, code),
        "{error:?}"
    );
}

#[track_caller]
pub fn assert_not_found<T: std::fmt::Debug>(result: &Result<T, Error>) {
    assert_rejected(result, "NOT_FOUND", 5);
}

#[track_caller]
pub fn assert_conflict<T: std::fmt::Debug>(result: &Result<T, Error>) {
    assert_rejected(result, "CONFLICT", 6);
}

/// A validation error that names `field` first, in its details and in its message.
#[track_caller]
pub fn assert_invalid<T: std::fmt::Debug>(result: &Result<T, Error>, field: &str) {
    assert_rejected(result, "VALIDATION_ERROR", 3);
    let error = result.as_ref().expect_err("a rejection");
    let named = error.details.get(contract::business::FIELD);
    assert_eq!(named.map(String::as_str), Some(field), "{error:?}");
    assert!(error.message.contains(field), "{error:?}");
}
