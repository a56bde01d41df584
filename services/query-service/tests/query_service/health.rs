//! Health of the projections and the database, and readiness.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::projection::ProjectionStore;
use event_sourcing::{LeaseStore, SystemClock};
use platform::config::DatabaseUrl;
use query_service::projections::Products;
use query_service::{LagLimits, QueryService};
use read_model_sql::{Database, SqlLeaseStore, SqlProjectionStore};
use serde_json::Value;
use test_postgres::{Cluster, PgBouncer, PoolMode};
use tokio::time::Instant;

use crate::gated::Gated;
use crate::support::{LIMIT, Service, TestService, lease, product, unreadable};

/// Longer than any of these tests. On SQLite a lease of more than twice the service's own is treated as one from
/// before the clock was set back.
const LONG: Duration = Duration::from_secs(20);

/// Another process with this query database.
async fn other_process(world: &TestService) -> Database {
    let database = Database::open(&world.url, 1, Arc::new(SystemClock)).await;
    database.expect("the query database")
}

/// Takes the projection of products over from the service, or releases it.
async fn hold_products(database: &Database, is_held: bool) {
    let leases = SqlLeaseStore::new(database.clone());
    let names = [lease::<Products>()];
    if !is_held {
        let released = leases.release_leases(&names, "elsewhere").await;
        return released.expect("released");
    }
    let seized = leases.seize_leases(&names, "elsewhere", LONG).await;
    let token = seized.expect("seized").remove(0).token;
    // From here on the writes of the service's runner are rejected: its token is too old.
    let rows = SqlProjectionStore::<Products>::open(database.clone()).await;
    let started = rows.expect("the table").begin(token).await;
    started.expect("started").expect("the newest token");
}

async fn run(database: &Database, script: &'static str) {
    let mut transaction = database.begin().await.expect("a transaction");
    let done = transaction.run_script("break something", script).await;
    done.expect("the script runs");
    transaction.commit("break something").await.expect("commit");
}

/// Waits until the component's status starts with `status` and the service has this readiness. Also checks that
/// `/health` reports every fault.
async fn wait_for_status(service: &Service, part: &str, status: &str, is_ready: bool) {
    let health = service.running.health();
    let deadline = Instant::now() + LIMIT;
    loop {
        let report = health.report();
        let reported = report["services"][part].as_str().unwrap_or_default();
        if reported.starts_with(status) && health.is_ready() == is_ready {
            let is_well = matches!(status, "following" | "connected");
            assert!(is_well || report["status"] == "unavailable", "{report}");
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{part} never has the status {status}: {report}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_service_is_not_ready_before_each_projection_has_caught_up() {
    for world in TestService::both().await {
        for number in 0..3 {
            let id = format!("p{number}");
            world.append(vec![product(&id, &id, "1", None)]).await;
        }
        let gated = Arc::new(Gated::new(Arc::clone(&world.log)));
        let service = world.start_on(Arc::clone(&gated) as _).await;
        wait_for_status(&service, "projection_products", "building (0 of 3)", false).await;
        let waited_for = service.running.health().waited_for();
        assert!(
            waited_for.contains("projection_products (building (0 of 3))"),
            "{waited_for}"
        );
        gated.open.add_permits(1_000_000);
        wait_for_status(&service, "projection_products", "following", true).await;
        service.stop().await;
        // After a restart the projection is already caught up.
        let service = world.start().await;
        wait_for_status(&service, "projection_products", "following", true).await;
        service.stop().await;
    }
}

#[tokio::test]
async fn a_lagging_projection_is_reported_and_the_service_stays_ready() {
    for mut world in TestService::both().await {
        world.own.lag = LagLimits {
            age: Duration::from_millis(100),
            events: 2,
        };
        let service = world.start().await;
        wait_for_status(&service, "projection_products", "following", true).await;
        let database = other_process(&world).await;
        hold_products(&database, true).await;
        for number in 0..3 {
            let id = format!("p{number}");
            world.append(vec![product(&id, &id, "1", None)]).await;
        }
        wait_for_status(&service, "projection_products", "lagging (3 events)", true).await;
        wait_for_status(&service, "projection_orders", "following", true).await;
        hold_products(&database, false).await;
        wait_for_status(&service, "projection_products", "following", true).await;
        database.close().await;
        service.stop().await;
    }
}

#[tokio::test]
async fn a_parked_projection_is_reported_and_the_service_stays_ready_after_a_restart() {
    for world in TestService::both().await {
        let service = world.start().await;
        world.append(vec![product("p", "P", "1", None)]).await;
        world.append(vec![unreadable("p")]).await;
        wait_for_status(&service, "projection_products", "parked at 2", true).await;
        wait_for_status(&service, "projection_orders", "following", true).await;
        service.stop().await;
        let service = world.start().await;
        wait_for_status(&service, "projection_products", "parked at 2", true).await;
        service.stop().await;
    }
}

#[tokio::test]
async fn a_projection_without_its_table_is_damaged_and_the_service_stays_ready() {
    for world in TestService::both().await {
        let service = world.start().await;
        wait_for_status(&service, "projection_products", "following", true).await;
        let database = other_process(&world).await;
        run(&database, "DROP VIEW products; DROP TABLE products_g1").await;
        world.append(vec![product("p", "P", "1", None)]).await;
        wait_for_status(&service, "projection_products", "damaged", true).await;
        wait_for_status(&service, "projection_orders", "following", true).await;
        database.close().await;
        service.stop().await;
    }
}

#[tokio::test]
async fn a_projection_that_cannot_write_fails_and_the_service_stays_ready() {
    // SQLite only: another process locks the file for writing. The PostgreSQL test below stops the server instead.
    let world = TestService::sqlite();
    let service = world.start().await;
    wait_for_status(&service, "projection_products", "following", true).await;
    let database = other_process(&world).await;
    let held = database.begin().await.expect("the write lock");
    world.append(vec![product("p", "P", "1", None)]).await;
    wait_for_status(&service, "projection_products", "failing", true).await;
    drop(held);
    wait_for_status(&service, "projection_products", "following", true).await;
    database.close().await;
    service.stop().await;
}

#[tokio::test]
async fn without_its_database_the_service_is_not_ready() {
    let cluster = Cluster::start().await;
    let world = TestService::on(cluster.database().await);
    let service = world.start().await;
    wait_for_status(&service, "database", "connected", true).await;
    cluster.stop_immediately().await;
    wait_for_status(&service, "database", "disconnected", false).await;
    wait_for_status(&service, "projection_products", "failing", false).await;
    cluster.start_again().await;
    wait_for_status(&service, "database", "connected", true).await;
    wait_for_status(&service, "projection_products", "following", true).await;
    service.stop().await;
}

#[tokio::test]
async fn a_pooler_that_shares_sessions_is_rejected_by_name() {
    let cluster = Cluster::start().await;
    let pooler = PgBouncer::start(&cluster, PoolMode::Transaction).await;
    let world = TestService::sqlite();
    let mut config = world.config();
    config.database = DatabaseUrl::parse(&pooler.url("postgres")).expect("a URL");
    let started = QueryService::start(
        &config,
        &world.own,
        world.log.clone(),
        Arc::new(SystemClock),
    );
    let error = started.await.expect_err("rejected").to_string();
    assert!(error.contains("open the query database"), "{error}");
    assert!(error.contains("pool_mode = session"), "{error}");
}

/// Two read models in one database, in separate schemas.
#[tokio::test]
async fn read_models_in_two_schemas_are_independent() {
    let cluster = Cluster::start().await;
    let server = cluster.database().await;
    let plain = Database::open(&server.url, 1, Arc::new(SystemClock)).await;
    let plain = plain.expect("the database");
    run(&plain, "CREATE SCHEMA a; CREATE SCHEMA b").await;
    plain.close().await;
    let mut worlds = Vec::new();
    for schema in ["a", "b"] {
        let mut world = TestService::sqlite();
        world.url = format!("{}&options[search_path]={schema}", server.url);
        worlds.push(world);
    }
    let services = [worlds[0].start().await, worlds[1].start().await];
    for (number, world) in worlds.iter().enumerate() {
        for product_number in 0..=number {
            let id = format!("p{product_number}");
            world.append(vec![product(&id, &id, "1", None)]).await;
        }
    }
    for (number, service) in services.into_iter().enumerate() {
        let mut service = service;
        let request = contract::query::Empty {};
        let head = number as u64 + 1;
        let list = service
            .products
            .list_products(crate::support::at(head, request))
            .await;
        let products = list.expect("answered").into_inner().products;
        assert_eq!(products.len(), number + 1);
        let report: Value = service.running.health().report();
        assert_eq!(report["status"], "ok", "{report}");
        service.stop().await;
    }
}
