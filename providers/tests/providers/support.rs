//! Databases, clocks, charges and shipments.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use command_database::CommandDatabase;
use domain::fulfilment::{Charge, ReservedItem, Shipment};
use domain::value::{EntityId, Money, Quantity, ShippingAddress, UserId};
use event_sourcing::Clock;
use event_sourcing::clock::ManualClock;
use platform::config::{DatabaseUrl, Engine};
use providers::payments::SimulatedPayments;
use providers::shipping::SimulatedShipping;
use providers::simulated::{
    LedgerTask, Provider, ProviderKind, Rng, SimulatedLedger, SimulationConfig,
};
use sagas::OperationKey;
use tempfile::TempDir;
use test_postgres::TestDatabase;
use tokio_util::task::TaskTracker;

/// Longer than any wait here, so that a test that waits forever fails.
pub const WAIT_TIMEOUT: Duration = Duration::from_mins(1);

/// A command database for one or more processes. It is deleted on drop.
pub struct Home {
    url: DatabaseUrl,
    _folder: Option<TempDir>,
    _database: Option<TestDatabase>,
}

/// Runs a test on both engines, each with a fresh database.
pub async fn on_both_engines(test: impl AsyncFn(&Home)) {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        eprintln!("on {engine:?}");
        test(&Home::new(engine).await).await;
    }
}

impl Home {
    pub async fn new(engine: Engine) -> Self {
        let (folder, database) = match engine {
            Engine::Sqlite => (Some(tempfile::tempdir().expect("a folder")), None),
            Engine::Postgres => (None, Some(test_postgres::database().await)),
        };
        let url = match (&folder, &database) {
            (Some(folder), _) => format!("sqlite://{}/command.db", folder.path().display()),
            (None, Some(database)) => database.url.clone(),
            (None, None) => unreachable!("one of them was made"),
        };
        Self {
            url: DatabaseUrl::parse(&url).expect("a database"),
            _folder: folder,
            _database: database,
        }
    }

    pub async fn database(&self) -> CommandDatabase {
        CommandDatabase::connect(&self.url, 4, true)
            .await
            .expect("a database")
    }

    pub async fn book(&self) -> (SimulatedLedger, LedgerTask) {
        SimulatedLedger::open(self.database().await, clock())
    }

    pub async fn payments(&self, config: SimulationConfig) -> SimulatedPayments {
        SimulatedPayments::new(self.provider(ProviderKind::PAYMENT, config, 1).await)
    }

    pub async fn shipping(&self, config: SimulationConfig) -> SimulatedShipping {
        SimulatedShipping::new(self.provider(ProviderKind::SHIPMENT, config, 1).await)
    }

    pub async fn provider(
        &self,
        kind: ProviderKind,
        config: SimulationConfig,
        seed: u64,
    ) -> Provider {
        let (book, _task) = self.book().await;
        Provider::new(kind, config, Rng::seeded(seed), book, TaskTracker::new())
    }
}

pub const NOON: &str = "2030-01-01T12:00:00Z";

pub fn noon() -> DateTime<Utc> {
    NOON.parse().expect("a time")
}

pub fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::new(noon()))
}

pub fn key(text: &str) -> OperationKey {
    OperationKey::try_new(text).expect("a key")
}

pub fn charge(order: &str, cents: i64) -> Charge {
    Charge {
        order_id: id(order),
        user_id: UserId::parse("user", "anna@example.com").expect("a user"),
        amount: Money::from_cents(cents),
    }
}

pub fn shipment(order: &str, pieces: i64) -> Shipment {
    Shipment {
        order_id: id(order),
        address: Some(address("1 High Street", "Town", "12345")),
        goods: vec![ReservedItem {
            product_id: id("tea"),
            quantity: Quantity::parse("quantity", pieces).expect("a quantity"),
        }],
    }
}

pub fn address(street: &str, city: &str, postal_code: &str) -> ShippingAddress {
    ShippingAddress::parse("address", street, city, postal_code).expect("an address")
}

pub fn id(text: &str) -> EntityId {
    EntityId::parse("id", text).expect("an id")
}

/// Awaits `future` with a timeout.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(WAIT_TIMEOUT, future)
        .await
        .unwrap_or_else(|_| panic!("{what} took too long"))
}

/// Polls until the answer is `Some`, with a timeout.
pub async fn eventually<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    soon(what, async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}
