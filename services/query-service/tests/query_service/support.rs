//! A log to write to, and query-services that read it, each like a separate process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use contract::metadata;
use contract::query::category_query_client::CategoryQueryClient;
use contract::query::change_query_client::ChangeQueryClient;
use contract::query::order_query_client::OrderQueryClient;
use contract::query::product_query_client::ProductQueryClient;
use contract::query::projection_query_client::ProjectionQueryClient;
use contract::query::saga_query_client::SagaQueryClient;
use domain::category::{
    Category, CategoryCreated, CategoryDeleted, CategoryEvent, Membership, MembershipEvent,
};
use domain::product::{Product, ProductCreated, ProductDeleted, ProductEvent, ProductUpdated};
use domain::stock::{Stock, StockClosed, StockEvent, StockUpdated};
use domain::value::{CategoryName, Description, EntityId, Price, ProductName, StockLevel};
use event_sourcing::memory::MemoryEventStore;
use event_sourcing::{
    Aggregate, Clock, CommandId, Commit, DomainEvent, EncodedEvent, EventStore, ExpectedVersion,
    Metadata, NewEvent, Projection, StreamId, SystemClock, Write,
};
use platform::config::{DatabaseUrl, Databases};
use platform::runtime::GrpcListener;
use query_service::{Config, QueryService};
use tempfile::TempDir;
use test_postgres::TestDatabase;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};
use uuid::Uuid;

pub const LIMIT: Duration = Duration::from_secs(30);

/// A log and a query database, on which services are started and stopped.
pub struct TestService {
    pub log: Arc<MemoryEventStore>,
    pub url: String,
    pub own: Config,
    /// The clock of services.
    pub clock: Arc<dyn Clock>,
    commands: AtomicU64,
    _folder: Option<TempDir>,
    _server: Option<TestDatabase>,
}

/// A running query-service and clients of it.
pub struct Service {
    pub running: QueryService,
    pub address: SocketAddr,
    pub categories: CategoryQueryClient<Channel>,
    pub products: ProductQueryClient<Channel>,
    pub orders: OrderQueryClient<Channel>,
    pub sagas: SagaQueryClient<Channel>,
    pub projections: ProjectionQueryClient<Channel>,
    pub changes: ChangeQueryClient<Channel>,
}

/// Events of one stream.
pub type Events = (StreamId, Vec<EncodedEvent>);

impl TestService {
    pub fn sqlite() -> Self {
        let folder = TempDir::new().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("query.db").display());
        Self::new(url, Some(folder), None)
    }

    pub async fn postgres() -> Self {
        Self::on(test_postgres::database().await)
    }

    pub fn on(server: TestDatabase) -> Self {
        Self::new(server.url.clone(), None, Some(server))
    }

    /// One on each engine.
    pub async fn both() -> [Self; 2] {
        [Self::sqlite(), Self::postgres().await]
    }

    fn new(url: String, folder: Option<TempDir>, server: Option<TestDatabase>) -> Self {
        Self {
            log: Arc::new(MemoryEventStore::new(Arc::new(SystemClock))),
            url,
            own: Config::default(),
            clock: Arc::new(SystemClock),
            commands: AtomicU64::new(1),
            _folder: folder,
            _server: server,
        }
    }

    pub fn config(&self) -> Databases {
        let url = DatabaseUrl::parse(&self.url).expect("a URL");
        Databases {
            event_store: url.clone(),
            database: url,
            database_setting: "QUERY_DATABASE_URL",
            pool_size: 4,
            migrate: true,
            start_timeout: LIMIT,
        }
    }

    /// Starts a service and waits until it has caught up.
    pub async fn start(&self) -> Service {
        let service = self.start_on(self.log.clone()).await;
        let built = async {
            while !(service.running.has_caught_up() && service.running.health().is_ready()) {
                tokio::task::yield_now().await;
            }
        };
        let in_time = tokio::time::timeout(LIMIT, built).await;
        assert!(in_time.is_ok(), "the read side was not built in time");
        service
    }

    /// Starts a service that reads `log`, without waiting for it to catch up.
    pub async fn start_on(&self, log: Arc<dyn EventStore>) -> Service {
        let config = self.config();
        let clock = Arc::clone(&self.clock);
        let started = QueryService::start(&config, &self.own, log, clock);
        let running = started.await.expect("a started service");
        let listener = GrpcListener::bind("TEST", "127.0.0.1:0".parse().expect("an address"))
            .await
            .expect("a free port");
        let address = listener.address();
        listener.serve(running.routes(), running.tasks());
        let channel = Endpoint::from_shared(format!("http://{address}"))
            .expect("an endpoint")
            .connect()
            .await
            .expect("a connection");
        Service {
            running,
            address,
            categories: CategoryQueryClient::new(channel.clone()),
            products: ProductQueryClient::new(channel.clone()),
            orders: OrderQueryClient::new(channel.clone()),
            sagas: SagaQueryClient::new(channel.clone()),
            projections: ProjectionQueryClient::new(channel.clone()),
            changes: ChangeQueryClient::new(channel),
        }
    }

    /// Appends one commit and returns its last position.
    pub async fn append(&self, writes: Vec<Events>) -> u64 {
        let number = self.commands.fetch_add(1, Ordering::Relaxed);
        let writes = writes
            .into_iter()
            .map(|(stream, events)| Write {
                stream,
                expected: ExpectedVersion::Any,
                events: events
                    .into_iter()
                    .map(|event| NewEvent {
                        event,
                        metadata: Metadata::default(),
                    })
                    .collect(),
            })
            .collect();
        let id = CommandId(Uuid::from_u128(number.into()));
        let now = SystemClock.now();
        let commit = Commit::try_new(id, now, writes, None).expect("a commit");
        let receipts = self.log.append(&[commit]).await.expect("appended");
        for receipt in receipts {
            receipt.expect("accepted");
        }
        self.log.head().await.expect("a head").0
    }
}

impl Service {
    pub async fn stop(self) {
        drop((self.categories, self.products, self.orders, self.sagas));
        drop((self.projections, self.changes));
        self.running.stop(LIMIT).await;
    }
}

/// The name of a projection's lease.
pub fn lease<P: Projection>() -> Arc<str> {
    format!("projection/{}/v{}", P::NAME, P::SCHEMA_VERSION).into()
}

/// A request with the minimum position `min`.
pub fn at<T>(min: u64, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(Duration::from_secs(10));
    metadata::insert_position(request.metadata_mut(), metadata::MIN_POSITION, min);
    request
}

/// The position that a reply reflects.
pub fn position<T>(response: &Response<T>) -> u64 {
    metadata::position(response.metadata(), metadata::POSITION)
        .expect("a number")
        .expect("a position")
}

/// The position that an error reflects, if it has one.
pub fn error_position(status: &Status) -> Option<u64> {
    metadata::position(status.metadata(), metadata::POSITION).expect("a number")
}

pub fn entity(id: &str) -> EntityId {
    EntityId::parse("id", id).expect("an id")
}

fn events<A: Aggregate>(id: &str, events: &[A::Event]) -> Events {
    (
        A::stream(id),
        events.iter().map(DomainEvent::encode).collect(),
    )
}

pub fn category(id: &str, name: &str) -> Events {
    let event = CategoryEvent::Created(CategoryCreated {
        category_id: entity(id),
        name: CategoryName::parse("name", name).expect("a name"),
        description: None,
    });
    events::<Category>(id, &[event])
}

pub fn category_deleted(id: &str) -> Events {
    let event = CategoryEvent::Deleted(CategoryDeleted {
        category_id: entity(id),
    });
    events::<Category>(id, &[event])
}

pub fn added(category: &str, product: &str) -> Events {
    let event = MembershipEvent::added(&entity(category), &entity(product));
    events::<Membership>(category, &[event])
}

pub fn removed(category: &str, product: &str) -> Events {
    let event = MembershipEvent::removed(&entity(category), &entity(product));
    events::<Membership>(category, &[event])
}

pub fn product(id: &str, name: &str, price: &str, category: Option<&str>) -> Events {
    let event = ProductEvent::Created(ProductCreated {
        product_id: entity(id),
        name: ProductName::parse("name", name).expect("a name"),
        description: None,
        price: Price::parse("price", price).expect("a price"),
        category_id: category.map(entity),
    });
    events::<Product>(id, &[event])
}

pub fn product_updated(
    id: &str,
    name: &str,
    description: Option<&str>,
    price: &str,
    categories: [Option<&str>; 2],
) -> Events {
    let [before, after] = categories.map(|category| category.map(entity));
    let event = ProductEvent::Updated(ProductUpdated {
        product_id: entity(id),
        name: ProductName::parse("name", name).expect("a name"),
        description: description
            .map(|text| Description::parse("description", text).expect("a description")),
        price: Price::parse("price", price).expect("a price"),
        category_id: after,
        previous_category_id: before,
    });
    events::<Product>(id, &[event])
}

pub fn product_deleted(id: &str, category: Option<&str>) -> Events {
    let event = ProductEvent::Deleted(ProductDeleted {
        product_id: entity(id),
        category_id: category.map(entity),
    });
    events::<Product>(id, &[event])
}

pub fn stock(id: &str, on_hand: i64, reserved: i64) -> Events {
    let level = |count| StockLevel::parse("quantity", count).expect("a level");
    let event = StockEvent::Updated(StockUpdated {
        product_id: entity(id),
        on_hand: level(on_hand),
        reserved: level(reserved),
    });
    events::<Stock>(id, &[event])
}

pub fn stock_closed(id: &str) -> Events {
    let event = StockEvent::Closed(StockClosed {
        product_id: entity(id),
    });
    events::<Stock>(id, &[event])
}

/// A product event that cannot be decoded.
pub fn unreadable(id: &str) -> Events {
    let event = EncodedEvent {
        event_type: "ProductUpdated",
        schema_version: 1,
        data: "{}".to_owned(),
    };
    (Product::stream(id), vec![event])
}
