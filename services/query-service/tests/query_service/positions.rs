//! Read your writes.

use std::time::Duration;

use contract::query::{CategoryQueryRequest, Empty, ProductQueryRequest};
use contract::status::Reason;
use event_sourcing::projection::ProjectionStore;
use event_sourcing::{LeaseStore, SystemClock};
use query_service::projections::Products;
use read_model_sql::{Database, SqlLeaseStore, SqlProjectionStore};
use std::sync::Arc;
use tonic::Code;

use crate::support::{
    TestService, at, category, error_position, lease, position, product, unreadable,
};

fn request() -> ProductQueryRequest {
    ProductQueryRequest { id: "p".to_owned() }
}

/// Longer than the test. On SQLite a lease of more than twice the usual time counts as expired.
const HELD: Duration = Duration::from_secs(20);

/// Prevents a running service from folding products.
async fn hold_products(world: &TestService) {
    let database = Database::open(&world.url, 1, Arc::new(SystemClock))
        .await
        .expect("a database");
    let leases = SqlLeaseStore::new(database.clone());
    let held = leases
        .seize_leases(&[lease::<Products>()], "another process", HELD)
        .await
        .expect("answered");
    assert_eq!(held.len(), 1);
    let rows = SqlProjectionStore::<Products>::open(database.clone()).await;
    let started = rows.expect("a table").begin(held[0].token).await;
    assert!(started.expect("answered").is_some());
    database.close().await;
}

#[tokio::test]
async fn a_read_sees_every_write_that_its_caller_has_seen() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        for number in 0..50 {
            let name = format!("name {number}");
            let head = world.append(vec![product("p", &name, "1", None)]).await;
            let reply = service.products.get_product(at(head, request())).await;
            let reply = reply.expect("found");
            assert!(position(&reply) >= head);
            assert_eq!(reply.into_inner().product.expect("set").name, name);
        }
        service.stop().await;
    }
}

#[tokio::test]
async fn an_event_that_does_not_concern_a_table_advances_its_position_too() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        world.append(vec![category("c", "C")]).await;
        let head = world.append(vec![product("p", "P", "1", None)]).await;
        let request = CategoryQueryRequest { id: "c".to_owned() };
        let reply = service.categories.get_category(at(head, request)).await;
        assert_eq!(position(&reply.expect("found")), head);
        service.stop().await;
    }
}

#[tokio::test]
async fn a_position_above_the_head_is_rejected() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let head = world.append(vec![product("p", "P", "1", None)]).await;
        let error = service.products.get_product(at(head + 1, request())).await;
        let error = error.expect_err("above the head");
        assert_eq!(error.code(), Code::InvalidArgument);
        assert_eq!(Reason::of(&error), Some(Reason::PositionAboveHead));
        service.stop().await;
    }
}

#[tokio::test]
async fn a_lagging_read_side_reports_it_before_the_deadline() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        hold_products(&world).await;
        let head = world
            .append(vec![product("p", "P", "1", None), category("c", "C")])
            .await;
        let mut late = at(head, request());
        late.set_timeout(Duration::from_millis(300));
        let error = service
            .products
            .get_product(late)
            .await
            .expect_err("lagging");
        assert_eq!(error.code(), Code::Unavailable, "{error}");
        assert_eq!(Reason::of(&error), Some(Reason::ReadSideBehind));
        assert_eq!(error_position(&error), Some(0));
        // The rows folded so far can be read, and so can the other table.
        let error = service.products.get_product(at(0, request())).await;
        assert_eq!(error.expect_err("not there yet").code(), Code::NotFound);
        let list = service.categories.list_categories(at(head, Empty {})).await;
        assert_eq!(list.expect("answered").into_inner().categories.len(), 1);
        service.stop().await;
    }
}

#[tokio::test]
async fn a_parked_projection_is_stalled_and_the_others_continue() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let good = world.append(vec![product("p", "P", "1", None)]).await;
        world.append(vec![unreadable("p")]).await;
        let head = world.append(vec![category("c", "C")]).await;
        let error = service.products.get_product(at(head, request())).await;
        let error = error.expect_err("stalled");
        assert_eq!(error.code(), Code::Unavailable, "{error}");
        assert_eq!(Reason::of(&error), Some(Reason::ReadSideStalled));
        assert_eq!(error_position(&error), Some(good));
        let reply = service.products.get_product(at(good, request())).await;
        assert_eq!(position(&reply.expect("folded before")), good);
        let of = CategoryQueryRequest { id: "c".to_owned() };
        let reply = service.categories.get_category(at(head, of)).await;
        assert_eq!(position(&reply.expect("found")), head);
        service.stop().await;
    }
}

#[tokio::test]
async fn a_new_process_resumes_where_the_last_one_stopped() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let first = world.append(vec![product("p", "P", "1", None)]).await;
        let reply = service.products.get_product(at(first, request())).await;
        reply.expect("found");
        service.stop().await;
        let head = world.append(vec![product("q", "Q", "1", None)]).await;
        let mut service = world.start().await;
        let reply = service.products.get_product(at(head, request())).await;
        assert_eq!(position(&reply.expect("still there")), head);
        service.stop().await;
    }
}

#[tokio::test]
async fn a_product_with_its_category_carries_the_newer_position() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let first = world
            .append(vec![category("c", "C"), product("p", "P", "1", Some("c"))])
            .await;
        let reply = service.products.get_product(at(first, request())).await;
        reply.expect("found");
        hold_products(&world).await;
        let head = world.append(vec![category("d", "D")]).await;
        let list = service.categories.list_categories(at(head, Empty {})).await;
        list.expect("categories are folded");

        let reply = service.products.get_product(at(0, request())).await;
        assert_eq!(position(&reply.expect("found")), first);
        let reply = service.products.get_product_with_category(at(0, request()));
        assert_eq!(position(&reply.await.expect("found")), head);
        let reply = service
            .products
            .list_products_with_categories(at(0, Empty {}));
        assert_eq!(position(&reply.await.expect("found")), head);
        service.stop().await;
    }
}
