//! Cached reads: never older than the requested minimum, and without a call to the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use contract::query::{
    CategoryIdsRequest, OrderIdsRequest, OrderListRequest, OrderQueryRequest, OrderStatus,
    ProductQueryRequest, ProductWindowRequest,
};
use event_sourcing::SystemClock;
use read_model_sql::Database;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::order_events::{O, S};
use crate::support::{
    LIMIT, Service, TestService, added, at, category, position, product, product_updated, stock,
};

fn request() -> ProductQueryRequest {
    ProductQueryRequest { id: "p".to_owned() }
}

fn number(name: &str) -> u64 {
    name.parse().expect("the name is a number")
}

/// Reads in a loop, always with the newest known position as the minimum, and checks that the answer is not older and
/// that it is the fold of the events up to its position.
async fn check_reads(service: Arc<Service>, written: Arc<AtomicU64>, reads: watch::Sender<u64>) {
    let mut client = service.products.clone();
    loop {
        let min = written.load(Ordering::SeqCst);
        // Every commit is one event, and the product's name is the position of its event.
        let reply = client.get_product_with_category(at(min, request())).await;
        let reply = reply.expect("found");
        let at = position(&reply);
        let name = number(&reply.into_inner().product.expect("set").name);
        assert!(at >= min, "minimum {min}, answered at {at}");
        assert!(name >= min, "minimum {min}, got the state of {name}");
        assert_eq!(name, at, "answered at {at} with the state of {name}");
        if min == LAST {
            return;
        }
        reads.send_modify(|count| *count += 1);
    }
}

const LAST: u64 = 100;

#[tokio::test(flavor = "multi_thread")]
async fn two_services_on_one_database_never_answer_below_the_minimum() {
    // More reads between two writes than there are readers, so that each reader has some cache hits.
    const READS_BETWEEN: u64 = 16;
    let world = TestService::postgres().await;
    let services = [Arc::new(world.start().await), Arc::new(world.start().await)];
    let head = world.append(vec![product("p", "1", "1", None)]).await;
    assert_eq!(head, 1);
    let written = Arc::new(AtomicU64::new(1));
    let (reads, mut counted) = watch::channel(0);
    let mut readers = JoinSet::new();
    for service in services.iter().chain(&services) {
        let service = Arc::clone(service);
        readers.spawn(check_reads(service, Arc::clone(&written), reads.clone()));
    }
    drop(reads);
    for number in 2..=LAST {
        let enough = *counted.borrow() + READS_BETWEEN;
        let waited = counted.wait_for(|count| *count >= enough);
        let waited = tokio::time::timeout(LIMIT, waited).await.expect("in time");
        // The readers end early only if one of them failed, which joining them reports.
        if waited.is_err() {
            break;
        }
        let event = product_updated("p", &number.to_string(), None, "1", [None, None]);
        let head = world.append(vec![event]).await;
        assert_eq!(head, number);
        written.store(head, Ordering::SeqCst);
    }
    tokio::time::timeout(LIMIT, readers.join_all())
        .await
        .expect("in time");
    for service in services {
        Arc::into_inner(service).expect("the last one").stop().await;
    }
}

/// A request with a short deadline.
fn soon<T>(head: u64, message: T) -> tonic::Request<T> {
    let mut request = at(head, message);
    request.set_timeout(Duration::from_millis(500));
    request
}

/// Whether reads of a row with its category, a list and a batch succeed.
async fn is_catalogue_answered(service: &mut Service, head: u64) -> bool {
    let window = ProductWindowRequest {
        limit: Some(20),
        ..ProductWindowRequest::default()
    };
    let ids = CategoryIdsRequest {
        ids: vec!["c".to_owned()],
    };
    let row = soon(head, request());
    let row = service.products.get_product_with_category(row).await;
    let list = service.products.list_products_window(soon(head, window));
    let batch = service.categories.get_categories_by_ids(soon(head, ids));
    row.is_ok() && list.await.is_ok() && batch.await.is_ok()
}

/// Whether reads of an order, a batch and a list of orders succeed.
async fn are_orders_answered(service: &mut Service, head: u64) -> bool {
    let id = || "o".to_owned();
    let row = soon(head, OrderQueryRequest { id: id() });
    let row = service.orders.get_order(row).await;
    let batch = soon(head, OrderIdsRequest { ids: vec![id()] });
    let batch = service.orders.get_orders(batch).await;
    let list = soon(head, OrderListRequest::default());
    let list = service.orders.list_orders(list).await;
    row.is_ok() && batch.is_ok() && list.is_ok()
}

/// Whether repeated reads succeed while these tables are locked.
async fn needs_no_database(
    world: &TestService,
    service: &mut Service,
    lock_tables: &'static str,
    is_answered: impl AsyncFn(&mut Service) -> bool,
) -> bool {
    let database = Database::open(&world.url, 1, Arc::new(SystemClock))
        .await
        .expect("a database");
    let until = Instant::now() + LIMIT;
    // A load that runs while the follower catches up is not cached, so the first round may not be enough.
    let mut is_from_memory = false;
    while !is_from_memory && Instant::now() < until {
        is_answered(service).await;
        let mut lock = database.begin().await.expect("a transaction");
        lock.run_script("lock the tables", lock_tables)
            .await
            .expect("locked");
        is_from_memory = is_answered(service).await;
        drop(lock);
    }
    database.close().await;
    is_from_memory
}

#[tokio::test]
async fn cached_reads_need_no_database() {
    let world = TestService::postgres().await;
    let mut service = world.start().await;
    let head = world
        .append(vec![
            category("c", "C"),
            product("p", "P", "1", Some("c")),
            stock("p", 1, 0),
            added("c", "p"),
        ])
        .await;
    let tables = "LOCK TABLE products_g1, categories_g1 IN ACCESS EXCLUSIVE MODE";
    let is_answered = async |service: &mut Service| is_catalogue_answered(service, head).await;
    let is_from_memory = needs_no_database(&world, &mut service, tables, is_answered).await;
    assert!(is_from_memory, "every read needed the database");
    service.stop().await;
}

#[tokio::test]
async fn cached_orders_need_no_database_until_a_saga_changes_them() {
    let world = TestService::postgres().await;
    let mut service = world.start().await;
    let head = world.append(vec![O.created(), S.started()]).await;
    let tables = "LOCK TABLE orders_g1 IN ACCESS EXCLUSIVE MODE";
    let is_answered = async |service: &mut Service| are_orders_answered(service, head).await;
    let is_from_memory = needs_no_database(&world, &mut service, tables, is_answered).await;
    assert!(is_from_memory, "every read needed the database");

    let head = world.append(vec![S.suspended("pay")]).await;
    let id = "o".to_owned();
    let reply = service.orders.get_order(at(head, OrderQueryRequest { id }));
    let order = reply.await.expect("found").into_inner().order;
    assert_eq!(order.expect("set").status(), OrderStatus::Failed);
    let reply = service
        .orders
        .list_orders(at(head, OrderListRequest::default()));
    let list = reply.await.expect("answered").into_inner().orders;
    assert_eq!(list[0].status(), OrderStatus::Failed);
    service.stop().await;
}

#[tokio::test]
async fn when_the_folding_process_stops_another_one_takes_over() {
    let world = TestService::postgres().await;
    let first = world.start().await;
    let mut second = world.start().await;
    let head = world.append(vec![product("p", "P", "1", None)]).await;
    let reply = second.products.get_product(at(head, request())).await;
    reply.expect("the first folds, the second answers");
    first.stop().await;
    let head = world
        .append(vec![product_updated("p", "P2", None, "1", [None, None])])
        .await;
    let reply = second.products.get_product(at(head, request())).await;
    let found = reply.expect("the second folds").into_inner().product;
    assert_eq!(found.expect("set").name, "P2");
    second.stop().await;
}
