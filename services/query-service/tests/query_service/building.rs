//! A read model under construction is not read, and a restored log is detected.

use std::sync::Arc;
use std::time::Duration;

use contract::query::{Empty, ProductQueryRequest};
use contract::status::Reason;
use event_sourcing::testing::ReplaceableStore;
use event_sourcing::{EventStore, Position};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tonic::{Code, Status};

use crate::gated::Gated;
use crate::support::{LIMIT, Service, TestService, at, category, error_position, product};

fn request(id: &str) -> ProductQueryRequest {
    ProductQueryRequest { id: id.to_owned() }
}

/// Waits until the number of products satisfies `until`. Until then reads may only fail because of a build.
async fn count(service: &mut Service, until: impl Fn(usize) -> bool) -> usize {
    let deadline = Instant::now() + LIMIT;
    loop {
        match service.products.list_products(at(0, Empty {})).await {
            Ok(list) => {
                let found = list.into_inner().products.len();
                if until(found) {
                    return found;
                }
            }
            Err(status) => is_building(&status),
        }
        assert!(Instant::now() < deadline, "not in time");
    }
}

fn is_building(status: &Status) {
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    assert_eq!(
        Reason::of(status),
        Some(Reason::ReadSideBuilding),
        "{status}"
    );
    assert!(error_position(status).is_some());
}

#[tokio::test]
async fn reads_fail_with_building_until_the_read_side_has_caught_up() {
    for world in TestService::both().await {
        world.append(vec![category("c", "C")]).await;
        for number in 0..3 {
            let id = format!("p{number}");
            world.append(vec![product(&id, &id, "1", None)]).await;
        }
        let log = Arc::new(Gated::new(Arc::clone(&world.log)));
        let mut service = world
            .start_on(Arc::clone(&log) as Arc<dyn EventStore>)
            .await;
        let started = Instant::now();
        let status = service.products.get_product(at(0, request("p1"))).await;
        is_building(&status.expect_err("nothing is folded yet"));
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "the error is returned quickly"
        );
        let status = service.products.list_products(at(0, Empty {})).await;
        is_building(&status.expect_err("nothing is folded yet"));
        let figures = service.products.get_product_statistics(at(0, Empty {}));
        is_building(&figures.await.expect_err("nothing is folded yet"));
        let status = service.categories.get_category_statistics(at(0, Empty {}));
        is_building(&status.await.expect_err("nothing is folded yet"));

        log.open.add_permits(Semaphore::MAX_PERMITS / 2);
        assert_eq!(
            count(&mut service, |_| true).await,
            3,
            "never a partial count"
        );
        service.stop().await;
    }
}

#[tokio::test]
async fn a_log_that_is_restored_under_a_running_service_is_folded_again() {
    for world in TestService::both().await {
        let mut heads = Vec::new();
        for number in 0..3 {
            let id = format!("p{number}");
            heads.push(world.append(vec![product(&id, &id, "1", None)]).await);
        }
        let present = world.log.restored_to(Position(heads[2]));
        let log = Arc::new(ReplaceableStore::new(present));
        let mut service = world
            .start_on(Arc::clone(&log) as Arc<dyn EventStore>)
            .await;
        assert_eq!(count(&mut service, |found| found == 3).await, 3);
        let cached = service.products.get_product(at(0, request("p2"))).await;
        assert!(cached.is_ok());

        log.restore(Position(heads[0]));
        assert_eq!(count(&mut service, |found| found < 3).await, 1);
        let gone = service.products.get_product(at(0, request("p2"))).await;
        assert_eq!(gone.expect_err("it is lost").code(), Code::NotFound);
        let above = service
            .products
            .get_product(at(heads[2], request("p0")))
            .await;
        assert_eq!(
            Reason::of(&above.expect_err("lost")),
            Some(Reason::PositionAboveHead)
        );
        service.stop().await;
    }
}
