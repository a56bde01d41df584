//! Subscriptions to orders.

use anyhow::{Result, ensure};
use platform::config::AppEnv;
use serde_json::{Value, json};
use test_shop::{Socket, position};

use super::test_gateway::{TestGateway, text};

fn statuses(value: &Value) -> Vec<&str> {
    value["completedSteps"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

#[tokio::test]
async fn an_order_is_followed_with_its_saga() -> Result<()> {
    for (settings, end) in [
        (vec![], "CONFIRMED"),
        (
            vec![("PAYMENTS_URL", "simulated://?decline_over=1")],
            "CANCELLED",
        ),
    ] {
        let gateway = TestGateway::open_with(AppEnv::Development, &settings).await?;
        let product = gateway.product("Lamp", None).await?;
        let create = "mutation($id: ID!) { createOrder(input: {userId: \"ann\", items: [{productId: $id, quantity: 1}]}) { id } }";
        let created = gateway.data(create, json!({"id": product})).await?;
        let id = text(&created["createOrder"]["id"])?;
        let mut socket = Socket::open(gateway.address()).await?;
        let query = "subscription($id: ID!) { orderUpdated(orderId: $id, after: \"0\") { status sagaState { state completedSteps compensatedSteps } } }";
        socket.subscribe("1", query, &json!({"id": id})).await?;
        let mut last = 0;
        let mut steps = 0;
        loop {
            let payload = socket.payload("1").await?;
            let at = position(&payload)?;
            ensure!(at > last, "{payload}");
            last = at;
            let order = &payload["data"]["orderUpdated"];
            let saga = &order["sagaState"];
            ensure!(statuses(saga).len() >= steps, "progress: {payload}");
            steps = statuses(saga).len();
            if order["status"] == end && saga["state"] != "running" {
                break;
            }
        }
    }
    Ok(())
}
