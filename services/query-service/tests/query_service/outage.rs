//! The query database may crash, and lose its last moments: they are folded again.

use contract::query::{Empty, ProductQueryRequest};
use test_postgres::Cluster;
use tokio::time::Instant;
use tonic::Code;

use crate::support::{LIMIT, Service, World, at, position, product};

fn request() -> ProductQueryRequest {
    ProductQueryRequest { id: "p".to_owned() }
}

/// Reads until it is answered; every error on the way is the right one.
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
async fn a_crash_of_the_query_database_is_survived_and_loses_nothing() {
    let cluster = Cluster::start().await;
    let world = World::on(cluster.database().await);
    let mut service = world.start().await;
    let mut head = world.append(vec![product("p", "P", "1", None)]).await;
    for round in 0..3 {
        answered(&mut service, head).await;
        for number in 0..40 {
            let id = format!("p{round}x{number}");
            world.append(vec![product(&id, &id, "1", None)]).await;
        }
        // Whatever of these was folded may not be on the disk yet.
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
