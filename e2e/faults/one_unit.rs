//! Many buyers order the last piece: exactly one gets it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde_json::json;
use tokio::sync::{Barrier, Semaphore};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::support::{
    Audit, CREATE_ORDER, Client, LedgerSums, RequestResult, SagaCount, Shop, Status, Topology,
    long, on, order_input, report,
};

/// The number of buyers in the short and the long version.
const BUYERS: (usize, usize) = (2_000, 10_000);
/// Concurrent requests. Each is a connection, and a process may have about a thousand open files.
const CONNECTIONS: usize = 400;
const SETTLE_TIMEOUT: Duration = Duration::from_mins(2);

#[tokio::test]
async fn exactly_one_buyer_gets_the_last_piece_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, all_buy).await
}

#[tokio::test]
async fn exactly_one_buyer_gets_the_last_piece_on_postgres() -> Result<()> {
    on(Topology::Services { each: 2 }, all_buy).await
}

async fn all_buy(shop: &mut Shop) -> Result<()> {
    let buyers = if long() { BUYERS.1 } else { BUYERS.0 };
    let input = json!({ "name": "The last one", "price": 100, "stockQuantity": 1 });
    let product = shop.session()?.create_product(input).await?;
    let first = shop.system.gateway(0)?;
    let gateways = [first, shop.system.gateway(1).unwrap_or(first)];
    let start = Instant::now();
    order_at_once(&gateways, &product, buyers).await?;
    let placed = start.elapsed();
    SagaCount::all_ended(shop.system.store(), SETTLE_TIMEOUT).await?;
    report(&format!(
        "{buyers} buyers for one piece: placed after {placed:.1?}, decided after {:.1?}",
        start.elapsed()
    ));

    let mut audit = Audit::of(shop.system.store()).await?;
    audit.check_ends(&LedgerSums::of(shop.system.store()).await?);
    audit.verdict()?;
    let orders = audit.orders.len();
    let of = |status| {
        audit
            .orders
            .values()
            .filter(|order| order.status == status)
            .count()
    };
    // A buyer whose connection was lost may have placed two orders.
    ensure!(orders >= buyers, "only {orders} orders");
    let outcome = (of(Status::Confirmed), of(Status::Cancelled));
    assert_eq!(outcome, (1, orders - 1), "confirmed and cancelled");
    let mut session = shop.session()?;
    assert_eq!(session.stock(&product).await?, [0, 1, 1]);
    let confirmed = "{ orders(status: CONFIRMED) { items { productId } } }";
    let confirmed = session.run(confirmed, json!({})).await?;
    assert_eq!(confirmed, json!([{ "items": [{ "productId": product }] }]));
    Ok(())
}

/// Builds all requests before the first is sent, so that they are concurrent.
async fn order_at_once(gateways: &[SocketAddr], product: &str, buyers: usize) -> Result<()> {
    let (ready, connections) = (
        Arc::new(Barrier::new(buyers)),
        Arc::new(Semaphore::new(CONNECTIONS)),
    );
    let mut ordering = JoinSet::new();
    for buyer in 0..buyers {
        let (ready, connections) = (Arc::clone(&ready), Arc::clone(&connections));
        let mut client = Client::new(gateways, buyer);
        let input = order_input(&format!("buyer-{buyer}"), &[(product, 1)]);
        ordering.spawn(async move {
            ready.wait().await;
            let _open = connections.acquire().await?;
            match client.ask(CREATE_ORDER, &input, None).await {
                RequestResult::Done(_) => Ok(()),
                other => bail!("buyer {buyer}: {other}"),
            }
        });
    }
    while let Some(ordered) = ordering.join_next().await {
        ordered??;
    }
    Ok(())
}
