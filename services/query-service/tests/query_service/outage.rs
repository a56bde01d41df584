//! After a crash of the query database, lost commits are folded again. After a crash of a process, another one takes
//! over.

use std::sync::Arc;
use std::time::Duration;

use contract::query::{Empty, ProductQueryRequest};
use contract::status::Outcome;
use event_sourcing::{LeaseStore, SystemClock};
use query_service::projections::Products;
use read_model_sql::{Database, SqlLeaseStore};
use sqlx::{Connection, PgConnection};
use test_faults::Link;
use test_postgres::Cluster;
use tokio::time::{Instant, timeout};
use tonic::{Code, Status};

use crate::support::{LIMIT, Service, TestService, at, lease, position, product};

fn request() -> ProductQueryRequest {
    ProductQueryRequest { id: "p".to_owned() }
}

/// Retries a read until it succeeds; every error until then must be an expected one.
async fn answered(service: &mut Service, head: u64) {
    let until = Instant::now() + LIMIT;
    loop {
        match service.products.get_product(at(head, request())).await {
            Ok(reply) => {
                assert!(position(&reply) >= head);
                return;
            }
            Err(error) => assert_eq!(error.code(), Code::Unavailable, "{error}"),
        }
        assert!(Instant::now() < until, "the service did not recover");
    }
}

#[tokio::test]
async fn a_crash_of_the_query_database_loses_nothing() {
    let cluster = Cluster::start().await;
    let world = TestService::on(cluster.database().await);
    let mut service = world.start().await;
    let mut head = world.append(vec![product("p", "P", "1", None)]).await;
    for round in 0..3 {
        answered(&mut service, head).await;
        for number in 0..40 {
            let id = format!("p{round}x{number}");
            world.append(vec![product(&id, &id, "1", None)]).await;
        }
        // Some of these may be folded but not on the disk yet.
        cluster.stop_immediately().await;
        head = world
            .append(vec![product(&format!("down{round}"), "D", "1", None)])
            .await;
        let error = service.products.get_product(at(head, request())).await;
        let error = error.expect_err("the database is down");
        assert_eq!(error.code(), Code::Unavailable, "{error}");
        cluster.start_again().await;
        answered(&mut service, head).await;
        let list = service.products.list_products(at(head, Empty {})).await;
        let products = list.expect("answered").into_inner().products;
        assert_eq!(products.len(), 1 + (round + 1) * 41);
    }
    service.stop().await;
}

/// Otherwise each read would wait for seconds, and the test would not end in time.
#[tokio::test]
async fn while_the_query_database_is_known_to_be_down_reads_fail_at_once() {
    let database = test_postgres::database().await;
    let linked = Link::to_postgres("the query database", &database.url).await;
    let (link, url) = linked.expect("a link");
    let mut world = TestService::on(database);
    world.url = url;
    let mut service = world.start().await;
    let head = world.append(vec![product("p", "P", "1", None)]).await;
    answered(&mut service, head).await;
    link.stop();
    let failing = async {
        for number in 0..100 {
            let unknown = ProductQueryRequest {
                id: format!("unknown{number}"),
            };
            let read = service.products.get_product(at(head, unknown)).await;
            let listed = service.products.list_products(at(head, Empty {})).await;
            for error in [read.expect_err("down"), listed.expect_err("down")] {
                assert_eq!(error.code(), Code::Unavailable, "{error}");
                let message = "the read side's database does not answer";
                assert_eq!(error.message(), message);
            }
        }
    };
    let in_time = timeout(LIMIT, failing).await;
    in_time.expect("reads fail at once");
    link.mend();
    answered(&mut service, head).await;
    service.stop().await;
}

#[tokio::test]
async fn a_read_whose_deadline_passes_is_deadline_exceeded() {
    const LOCK_ALL: &str = "BEGIN; DO $$ DECLARE name text; BEGIN \
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP \
            EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', name); \
        END LOOP; END $$";
    let world = TestService::postgres().await;
    let mut service = world.start().await;
    let head = world.append(vec![product("p", "P", "1", None)]).await;
    answered(&mut service, head).await;
    let lock = PgConnection::connect(&world.url).await;
    let mut lock = lock.expect("a server");
    let locked = sqlx::raw_sql(LOCK_ALL).execute(&mut lock).await;
    locked.expect("locks");
    // The client's own timer fires slightly later than the service's or, on a busy machine, earlier.
    let mut error = Status::cancelled("no call yet");
    for _ in 0..20 {
        if error.code() != Code::Cancelled {
            break;
        }
        // A row that is not cached.
        let unknown = ProductQueryRequest {
            id: "none".to_owned(),
        };
        let mut request = at(head, unknown);
        request.set_timeout(Duration::from_secs(1));
        let read = service.products.get_product(request).await;
        error = read.expect_err("the rows are locked");
    }
    assert_eq!(error.code(), Code::DeadlineExceeded, "{error}");
    assert_eq!(Outcome::of(&error), Some(Outcome::None));
    lock.close().await.expect("closed");
    answered(&mut service, head).await;
    service.stop().await;
}

#[tokio::test]
async fn on_sqlite_a_start_does_not_wait_for_the_lease_of_a_crashed_process() {
    let world = TestService::sqlite();
    world.start().await.stop().await;
    let database = Database::connect(&world.url, 1, Arc::new(SystemClock)).await;
    let database = database.expect("a database");
    let leases = [lease::<Products>()];
    let taken = SqlLeaseStore::new(database.clone())
        .acquire_leases(&leases, "killed", Duration::from_hours(1), None)
        .await;
    assert_eq!(taken.expect("a lease").len(), 1);
    database.close().await;
    let mut service = world.start().await;
    let head = world.append(vec![product("p", "P", "1", None)]).await;
    let reply = service.products.get_product(at(head, request())).await;
    assert!(position(&reply.expect("an answer")) >= head);
    service.stop().await;
}
