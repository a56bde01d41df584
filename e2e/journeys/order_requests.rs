//! Requests for orders: repeated, in lists, and immediately after the creation.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use test_shop::{Answer, Operation};

use crate::support::{CREATE_ORDER, Shop, Topology, of, on, order_input, text};

#[tokio::test]
async fn order_requests_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, journey).await
}

#[tokio::test]
async fn order_requests_on_postgres() -> Result<()> {
    on(Topology::Services { each: 2 }, journey).await
}

async fn journey(shop: &mut Shop) -> Result<()> {
    let input = json!({ "name": "Pot", "price": 10, "stockQuantity": 1000 });
    let pot = shop.session()?.create_product(input).await?;
    a_key_has_one_order(shop, &pot).await?;
    reads_see_orders(shop, &pot).await?;
    lists(shop, &pot).await
}

fn gateways(shop: &Shop) -> Result<[SocketAddr; 2]> {
    let first = shop.system.gateway(0)?;
    Ok([first, shop.system.gateway(1).unwrap_or(first)])
}

async fn keyed(gateway: SocketAddr, key: &str, input: Value) -> Result<Answer> {
    let operation = Operation::new(CREATE_ORDER).with(input);
    operation
        .with_header("Idempotency-Key", key)
        .send(gateway)
        .await
}

async fn a_key_has_one_order(shop: &Shop, pot: &str) -> Result<()> {
    let [first, other] = gateways(shop)?;
    let input = order_input("key", &[(pot, 2)]);
    let placed = keyed(first, "order-1", input.clone()).await?;
    let id = text(of(&placed.data()?, "createOrder")?, "id")?.to_owned();
    let mut session = shop.session()?;
    session.order_once(&id, "CONFIRMED").await?;
    let head = shop.head().await?;
    for gateway in [first, other] {
        let again = keyed(gateway, "order-1", input.clone()).await?;
        assert_eq!(again.body, placed.body, "the first response, unchanged");
    }
    ensure!(shop.head().await? == head, "a repeat wrote an event");
    let reused = keyed(other, "order-1", order_input("key", &[(pot, 3)])).await?;
    assert_eq!(reused.code(), Some("IDEMPOTENCY_KEY_REUSED"));
    assert_eq!(session.stock(pot).await?, [998, 1000, 2]);
    Ok(())
}

/// Immediately after its creation an order can be read at any gateway, whatever its saga's status.
async fn reads_see_orders(shop: &Shop, pot: &str) -> Result<()> {
    let gateways = gateways(shop)?;
    let mut session = shop.session()?;
    for round in 0..20 {
        session.move_to(gateways[round % 2]);
        let user = format!("reader-{round}");
        let id = session.place_order(&user, &[(pot, 1)]).await?;
        session.move_to(gateways[(round + 1) % 2]);
        let order = session.order(&id).await?;
        assert_eq!(text(&order, "userId")?, user);
        let saga = of(&order, "sagaState")?;
        assert_eq!(of(saga, "type")?, "order", "its saga can be read too");
        session.cancel_order(&id, "read").await?;
        let orders = "query($user: ID!) { userOrders(userId: $user) { id } }";
        let listed = session.run(orders, json!({ "user": user })).await?;
        assert_eq!(listed, json!([{ "id": id }]));
        session.order_once(&id, "CANCELLED").await?;
    }
    Ok(())
}

async fn lists(shop: &Shop, pot: &str) -> Result<()> {
    let mut session = shop.session()?;
    let mut placed = Vec::new();
    for _ in 0..7 {
        placed.push(session.place_order("lister", &[(pot, 1)]).await?);
    }
    for id in &placed {
        session.order_once(id, "CONFIRMED").await?;
    }
    let cancelled = placed[3].clone();
    session.cancel_order(&cancelled, "not that one").await?;
    session.order_once(&cancelled, "CANCELLED").await?;
    // In descending order of creation.
    placed.reverse();
    let of_user = "query($status: OrderStatus, $limit: Int, $offset: Int) { \
        userOrders(userId: \"lister\", status: $status, limit: $limit, offset: $offset) { id } }";
    let kept: Vec<_> = placed.iter().filter(|id| **id != cancelled).collect();
    for (variables, expected) in [
        (json!({}), placed.iter().collect()),
        (json!({ "limit": 3 }), placed[..3].iter().collect()),
        (
            json!({ "limit": 3, "offset": 5 }),
            placed[5..].iter().collect(),
        ),
        (json!({ "offset": 7 }), Vec::new()),
        (json!({ "status": "CONFIRMED" }), kept.clone()),
        (
            json!({ "status": "CONFIRMED", "limit": 2, "offset": 2 }),
            kept[2..4].to_vec(),
        ),
        (json!({ "status": "CANCELLED" }), vec![&cancelled]),
        (json!({ "status": "SHIPPED" }), Vec::new()),
    ] {
        let listed = session.run(of_user, variables.clone()).await?;
        let listed = listed.as_array().context("no list")?;
        let ids = listed.iter().map(|order| text(order, "id"));
        let ids = ids.collect::<Result<Vec<_>>>()?;
        assert_eq!(ids, expected, "{variables}");
    }
    let all = "{ orders(limit: 3) { id userId } }";
    let listed = session.run(all, json!({})).await?;
    let expected: Vec<_> = placed[..3]
        .iter()
        .map(|id| json!({ "id": id, "userId": "lister" }))
        .collect();
    assert_eq!(
        listed,
        json!(expected),
        "the orders of all users, the latest first"
    );
    let none = session
        .run("{ userOrders(userId: \"unknown\") { id } }", json!({}))
        .await?;
    assert_eq!(none, json!([]));
    Ok(())
}
