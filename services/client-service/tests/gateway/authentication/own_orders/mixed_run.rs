//! Two customers and an administrator at the same time: nothing that one of the customers receives names the other.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use test_shop::Socket;
use test_tokens::Secrets;

use crate::authentication::authorised::{CANCEL, Client, PLACE};
use crate::test_gateway::{TestGateway, graphql, text};

const ROUNDS: usize = 8;
const FOLLOW: &str = "subscription($id: ID!) { orderUpdated(orderId: $id, after: \"0\") {
    id nodeId userId status shippingAddress { street } sagaState { type state } } }";
const ORDER: &str = "id nodeId userId status shippingAddress { street city } trackingNumber
    sagaState { type state completedSteps failureReason }";

/// What belongs to a customer.
#[derive(Default)]
struct Owned(Vec<String>);

impl Owned {
    fn of(client: &Client<'_>) -> Self {
        Self(vec![
            client.subject.clone(),
            format!("{} Street", client.subject),
        ])
    }
}

/// Reads an order in every way, and its list.
async fn read(client: &Client<'_>, order: &Value) -> Result<String> {
    let (id, node) = (&order["id"], &order["nodeId"]);
    let query = format!(
        "query($id: ID!, $node: ID!, $user: ID!) {{
            order(id: $id) {{ {ORDER} }}
            node(id: $node) {{ ... on Order {{ {ORDER} }} }}
            nodes(ids: [$node]) {{ nodeId ... on Order {{ {ORDER} }} }}
            userOrders(userId: $user, limit: 3) {{ {ORDER} }}
            ordersConnection(userId: $user, first: 3) {{ totalCount edges {{ cursor node {{ {ORDER} }} }}
                pageInfo {{ startCursor endCursor hasNextPage }} }}
            sagaState(orderId: $id) {{ type state }}
            sagaStatus(orderId: $id) {{ sagaId state completedSteps error }}
        }}"
    );
    let variables = json!({"id": id, "node": node, "user": client.subject});
    let data = client.data(&query, variables).await?;
    for field in ["order", "node"] {
        assert_eq!(data[field]["userId"], client.subject.as_str(), "{data}");
    }
    text(&data["sagaStatus"]["sagaId"])
}

/// Asks for what is another one's, by every name that it has.
async fn pry(client: &Client<'_>, order: &Value, owner: &str) -> Result<()> {
    let variables = json!({"id": order["id"], "node": order["nodeId"], "user": owner});
    let queries = [
        "query($id: ID!) { order(id: $id) { id userId } }",
        "query($node: ID!) { node(id: $node) { nodeId } }",
        "query($user: ID!) { userOrders(userId: $user) { id } }",
        "query($user: ID!) { ordersConnection(userId: $user, first: 9) { totalCount edges { cursor } } }",
        "{ ordersConnection(first: 9) { totalCount edges { cursor } } }",
        "{ orders { id } }",
        "query($id: ID!) { sagaState(orderId: $id) { state } sagaStatus(orderId: $id) { sagaId } }",
        "mutation($id: ID!) { cancelOrder(input: {orderId: $id}) }",
        "mutation($id: ID!) { shipOrder(id: $id) { id userId } }",
        "mutation($user: ID!, $id: ID!) { createOrder(input: {userId: $user, items: [{productId: $id, quantity: 1}]}) { id } }",
    ];
    for query in queries {
        let body = client.pry(query, &variables).await?;
        let data = body["data"].as_object().into_iter().flatten();
        let given: Vec<_> = data.filter(|(_, value)| !value.is_null()).collect();
        ensure!(
            given.is_empty() && body["errors"].is_array(),
            "{query}: {body}"
        );
    }
    Ok(())
}

/// One customer's part; the orders that it has placed.
async fn shop(client: &Client<'_>, product: &str, owned: &mut Owned) -> Result<Vec<Value>> {
    let mut orders = Vec::new();
    for round in 0..ROUNDS {
        // Both customers use the same keys.
        let key = format!("key {round}");
        let place = || {
            let variables = json!({"v": client.order(product)});
            graphql(PLACE, &variables).with_header("idempotency-key", &key)
        };
        let first = client.send(place()).await?;
        let again = client.send(place()).await?;
        assert_eq!(first.body, again.body);
        let order = first.json()?["data"]["createOrder"].take();
        let id = text(&order["id"])?;
        owned.0.extend([id.clone(), text(&order["nodeId"])?]);
        let variables = json!({"id": id});
        let mut socket = Socket::open_with(client.address(), &client.payload()).await?;
        socket.subscribe("1", FOLLOW, &variables).await?;
        let mut events = client.events(FOLLOW, &variables).await?;
        if round % 2 == 0 {
            client.data(CANCEL, json!({"v": {"orderId": id}})).await?;
        }
        loop {
            let message = socket.payload("1").await?;
            client.record(message.to_string());
            let event = events.next().await?;
            client.record(format!("{event:?}"));
            let status = message["data"]["orderUpdated"]["status"].as_str();
            if ["CONFIRMED", "CANCELLED"].contains(&status.context("a status")?) {
                break;
            }
        }
        owned.0.push(read(client, &order).await?);
        orders.push(order);
    }
    Ok(orders)
}

/// The parts of a text that are base64 of text.
fn decoded(text: &str) -> Vec<String> {
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let words = text.split(|c| !is_base64(c)).filter(|it| it.len() >= 8);
    let decoded = words.filter_map(|word| URL_SAFE_NO_PAD.decode(word).ok());
    decoded
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect()
}

fn assert_nothing_of(owned: &Owned, client: &Client<'_>) {
    let received = client.received();
    assert!(received.len() > 50, "{}", received.len());
    for text in received {
        for shown in std::iter::once(text.clone()).chain(decoded(&text)) {
            for name in &owned.0 {
                let subject = &client.subject;
                assert!(!shown.contains(name), "{subject} got {name}: {text}");
            }
        }
    }
}

#[tokio::test]
async fn what_one_customer_receives_names_nothing_of_the_other() -> Result<()> {
    let secrets = Secrets::create()?;
    let gateway = TestGateway::open_secured(&secrets, &[]).await?;
    let admin = Client::admin(&gateway, &secrets);
    let product = admin.product().await?;
    let anna = Client::customer(&gateway, &secrets, "customer-anna");
    let boris = Client::customer(&gateway, &secrets, "customer-boris");
    let (mut of_anna, mut of_boris) = (Owned::of(&anna), Owned::of(&boris));
    let watched = async {
        for _ in 0..ROUNDS {
            let query = format!("{{ orders(limit: 5) {{ {ORDER} }} }}");
            admin.data(&query, json!({})).await?;
        }
        anyhow::Ok(())
    };
    let (orders_of_anna, orders_of_boris, watched) = tokio::join!(
        shop(&anna, &product, &mut of_anna),
        shop(&boris, &product, &mut of_boris),
        watched,
    );
    let (orders_of_anna, orders_of_boris) = (orders_of_anna?, orders_of_boris?);
    watched?;
    for (one, other) in orders_of_anna.iter().zip(&orders_of_boris) {
        let (one, other) = tokio::join!(
            pry(&boris, one, &anna.subject),
            pry(&anna, other, &boris.subject),
        );
        one.and(other)?;
    }
    assert_nothing_of(&of_boris, &anna);
    assert_nothing_of(&of_anna, &boris);
    // The scan finds what there is: the administrator sees both. What it read during the run may be of one of them alone.
    let all = format!("{{ orders(limit: {}) {{ {ORDER} }} }}", 2 * ROUNDS);
    admin.data(&all, json!({})).await?;
    let seen = admin.received().concat();
    ensure!(seen.contains("customer-anna") && seen.contains("customer-boris"));
    ensure!(
        decoded(&anna.received().concat())
            .iter()
            .any(|it| it.starts_with("Order:"))
    );
    Ok(())
}
