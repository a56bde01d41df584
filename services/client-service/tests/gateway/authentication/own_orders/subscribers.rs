//! Subscribers of one order get it if it is theirs.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use test_shop::Socket;
use test_tokens::Secrets;

use crate::authentication::authorised::Client;
use crate::test_gateway::TestGateway;

const FOLLOW: &str =
    "subscription($id: ID!) { orderUpdated(orderId: $id, after: \"0\") { id userId status } }";
const SHIP: &str = "mutation($v: ID!) { shipOrder(id: $v) { status } }";

/// Reads messages until the order has a status.
async fn until(socket: &mut Socket, status: &str) -> Result<()> {
    while socket.payload("1").await?["data"]["orderUpdated"]["status"] != status {}
    Ok(())
}

#[tokio::test]
async fn subscribers_of_the_same_document_get_their_own_orders_alone() -> Result<()> {
    let secrets = Secrets::create()?;
    let gateway = TestGateway::open_secured(&secrets, &[]).await?;
    let admin = Client::admin(&gateway, &secrets);
    let product = admin.product().await?;
    let anna = Client::customer(&gateway, &secrets, "anna");
    let boris = Client::customer(&gateway, &secrets, "boris");
    let mut streams = Vec::new();
    // In each order of their starts: the administrator, the owner, or the other customer.
    for start in 0..3 {
        let order = anna.place(&product).await?;
        let variables = json!({"id": order});
        let mut clients = [&admin, &anna, &boris];
        clients.rotate_left(start);
        let mut sockets = Vec::new();
        for client in clients {
            let mut socket = Socket::open_with(gateway.address(), &client.payload()).await?;
            socket.subscribe("1", FOLLOW, &variables).await?;
            sockets.push(socket);
        }
        let events = boris.events(FOLLOW, &variables).await?;
        let of = |index: usize| (index + 3 - start) % 3;
        anna.until(&order, "CONFIRMED").await?;
        admin.data(SHIP, json!({"v": order})).await?;
        until(&mut sockets[of(0)], "SHIPPED").await?;
        until(&mut sockets[of(1)], "SHIPPED").await?;
        let late = boris.events(FOLLOW, &variables).await?;

        let socket = &mut sockets[of(2)];
        socket.subscribe("2", "{ __typename }", &json!({})).await?;
        let message = socket.next().await?;
        ensure!(message["id"] == "2", "{message}");
        streams.extend([events, late]);
    }
    // The streams end with the gateway.
    gateway.stop(Duration::from_secs(30)).await?;
    for stream in streams {
        assert_eq!(stream.rest().await?, [""; 0]);
    }
    Ok(())
}
