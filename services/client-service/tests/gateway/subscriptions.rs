//! Subscriptions over graphql-transport-ws.

use anyhow::{Context, Result, ensure};
use platform::config::AppEnv;
use serde_json::json;
use test_shop::{PROTOCOL, Socket, handshake, position};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::test_gateway::{TestGateway, text};

const CREATED: &str =
    "subscription($after: String) { productCreated(after: $after) { id name category { name } } }";

impl TestGateway {
    async fn rename(&self, id: &str, name: &str) -> Result<()> {
        let query = "mutation($id: ID!, $name: String!) { updateProduct(input: {id: $id, name: $name}) { id } }";
        self.data(query, json!({"id": id, "name": name})).await?;
        Ok(())
    }

    async fn position(&self) -> Result<u64> {
        Ok(u64::try_from(self.events().await?.len())?)
    }
}

#[tokio::test]
async fn each_subscription_reports_its_changes() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let after = json!({"after": "0"});
    let category = gateway.category("Lamps").await?;
    let product = gateway.product("Lamp", Some(&category)).await?;
    gateway.rename(&product, "Light").await?;
    let stock = "mutation($id: ID!) { updateStock(productId: $id, quantity: 7) { id } }";
    gateway.data(stock, json!({"id": product})).await?;
    let other = gateway.category("Rugs").await?;
    let rename = "mutation($id: ID!) { updateCategory(input: {id: $id, name: \"Mats\"}) { id } }";
    gateway.data(rename, json!({"id": other})).await?;

    let cases = [
        (
            "subscription($after: String) { categoryCreated(after: $after) { name } }",
            json!({"categoryCreated": {"name": "Lamps"}}),
        ),
        (
            "subscription($after: String) { categoryUpdated(after: $after) { name productCount } }",
            json!({"categoryUpdated": {"name": "Mats", "productCount": 0}}),
        ),
        (
            CREATED,
            json!({"productCreated": {"id": product, "name": "Light", "category": {"name": "Lamps"}}}),
        ),
        (
            "subscription($after: String) { renamed: productUpdated(after: $after) { id n: name } }",
            json!({"renamed": {"id": product, "n": "Light"}}),
        ),
    ];
    for (id, (query, data)) in cases.into_iter().enumerate() {
        let id = id.to_string();
        let mut socket = Socket::open(gateway.address()).await?;
        socket.subscribe(&id, query, &after).await?;
        let payload = socket.payload(&id).await?;
        assert_eq!(payload["data"], data, "{payload}");
        assert!(payload["errors"].is_null());
    }
    let mut socket = Socket::open(gateway.address()).await?;
    let query = "subscription($ids: [ID!]!) { stockUpdated(productIds: $ids, after: \"0\") { productId newQuantity onHandQuantity } }";
    socket
        .subscribe("s", query, &json!({"ids": [product, "x"]}))
        .await?;
    for _ in 0..2 {
        let expected =
            json!({"stockUpdated": {"productId": product, "newQuantity": 7, "onHandQuantity": 7}});
        let payload = socket.payload("s").await?;
        assert_eq!(payload["data"], expected, "the row as it is now");
    }
    gateway
        .data(
            "mutation($id: ID!) { deleteProduct(id: $id) }",
            json!({"id": product}),
        )
        .await?;
    gateway
        .data(
            "mutation($id: ID!) { deleteCategory(id: $id) }",
            json!({"id": category}),
        )
        .await?;
    let mut socket = Socket::open(gateway.address()).await?;
    for (id, field, gone) in [
        ("1", "productDeleted", &product),
        ("2", "categoryDeleted", &category),
    ] {
        let query = format!("subscription {{ {field}(after: \"0\") }}");
        socket.subscribe(id, &query, &json!({})).await?;
        assert_eq!(socket.payload(id).await?["data"], json!({ field: gone }));
    }
    Ok(())
}

#[tokio::test]
async fn a_subscription_continues_from_any_message() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let mut ids = Vec::new();
    for number in 0..6 {
        ids.push(gateway.product(&format!("P{number}"), None).await?);
    }
    let mut seen = Vec::new();
    let mut after = 0;
    for part in 0..6 {
        let mut socket = Socket::open(gateway.address()).await?;
        let variables = json!({"after": after.to_string()});
        socket.subscribe("1", CREATED, &variables).await?;
        for _ in 0..2 {
            let payload = socket.payload("1").await?;
            let position = position(&payload)?;
            ensure!(position > after, "{position} after {after}");
            after = position;
            seen.push(text(&payload["data"]["productCreated"]["id"])?);
            // The last ones are created while the subscription runs.
            if part >= 2 {
                ids.push(gateway.product(&format!("Q{}", ids.len()), None).await?);
            }
        }
    }
    ensure!(ids.starts_with(&seen), "{seen:?} of {ids:?}");
    Ok(())
}

#[tokio::test]
async fn without_a_position_it_starts_now_and_a_message_is_visible_to_reads() -> Result<()> {
    let gateway = TestGateway::open().await?;
    gateway.product("Old", None).await?;
    let mut socket = Socket::open(gateway.address()).await?;
    let query = "subscription { productCreated { id } }";
    socket.subscribe("1", query, &json!({})).await?;
    // The first subscription of a source opens its stream.
    gateway.wire.called("FollowChanges").await?;
    socket.subscribe("2", query, &json!({})).await?;
    socket.ping().await?;
    let mut created = Vec::new();
    let mut seen = Vec::new();
    while seen.len() < 20 {
        created.push(
            gateway
                .product(&format!("N{}", created.len()), None)
                .await?,
        );
        let message = socket.next().await?;
        let id = text(&message["payload"]["data"]["productCreated"]["id"])?;
        let reply = gateway.ask(
            "query($id: ID!) { product(id: $id) { id } }",
            json!({"id": id}),
        );
        let reply = reply.await?.json()?;
        assert_eq!(reply["data"]["product"]["id"], id.as_str(), "{reply}");
        seen.push(id);
    }
    ensure!(seen.iter().all(|id| created.contains(id)), "only new ones");
    Ok(())
}

#[tokio::test]
async fn equal_subscriptions_share_their_executions() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let product = gateway.product("Lamp", None).await?;
    let mut sockets = Vec::new();
    for _ in 0..10 {
        let mut socket = Socket::open(gateway.address()).await?;
        let after = gateway.position().await?.to_string();
        let query = "subscription($p: String) { productUpdated(after: $p) { name } }";
        socket.subscribe("1", query, &json!({"p": after})).await?;
        sockets.push(socket);
    }
    gateway.rename(&product, "Light").await?;
    for socket in &mut sockets {
        let payload = socket.payload("1").await?;
        assert_eq!(payload["data"]["productUpdated"]["name"], "Light");
    }
    gateway.wire.take();
    gateway.rename(&product, "Sun").await?;
    for socket in &mut sockets {
        assert_eq!(
            socket.payload("1").await?["data"]["productUpdated"]["name"],
            "Sun"
        );
    }
    let methods = gateway.wire.methods();
    let reads = methods.iter().filter(|name| *name == "GetProduct").count();
    assert_eq!(reads, 1, "{methods:?}");
    Ok(())
}

#[tokio::test]
async fn a_wrong_operation_ends_with_its_errors() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let mut socket = Socket::open(gateway.address()).await?;
    let head = gateway.position().await?;
    let above = format!(
        "subscription {{ productCreated(after: \"{}\") {{ id }} }}",
        head + 1
    );
    for (id, query, code) in [
        ("1", above.as_str(), "BAD_REQUEST"),
        (
            "2",
            "subscription { productCreated(after: \"x\") { id } }",
            "BAD_REQUEST",
        ),
        (
            "3",
            "subscription { productUpdated(id: \"a b\") { id } }",
            "VALIDATION_ERROR",
        ),
        (
            "4",
            "subscription { stockUpdated(productIds: []) { productId } }",
            "VALIDATION_ERROR",
        ),
        ("5", "subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("6", "subscription {", "GRAPHQL_PARSE_FAILED"),
        (
            "7",
            "subscription { productDeleted categoryDeleted }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "8",
            "subscription { productCreated { category { products { category { products { category { products { category { products { category { id } } } } } } } } } } }",
            "QUERY_TOO_DEEP",
        ),
        (
            "9",
            "subscription { productCreated { category { products { category { products { category { products { id } } } } } } } }",
            "QUERY_TOO_COMPLEX",
        ),
    ] {
        socket.subscribe(id, query, &json!({})).await?;
        let errors = socket.errors(id).await?;
        assert_eq!(errors[0]["extensions"]["code"], code, "{query}: {errors}");
        assert!(errors[0]["extensions"]["timestamp"].is_string());
    }
    // The socket and the ids can still be used.
    socket
        .subscribe("1", "{ productExists(id: \"x\") }", &json!({}))
        .await?;
    assert_eq!(socket.payload("1").await?["data"]["productExists"], false);
    assert_eq!(socket.next().await?, json!({"id": "1", "type": "complete"}));
    Ok(())
}

#[tokio::test]
async fn a_wrong_list_of_ids_is_named_with_the_place_in_it() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let mut socket = Socket::open(gateway.address()).await?;
    let query = "subscription($ids: [ID!]!) { stockUpdated(productIds: $ids) { productId } }";
    for (ids, field) in [
        (json!(["a", "b c", ""]), "productIds[1]"),
        (json!([]), "productIds"),
        (json!(vec!["a"; 501]), "productIds"),
    ] {
        socket.subscribe("1", query, &json!({ "ids": ids })).await?;
        let errors = socket.errors("1").await?;
        let error = &errors[0]["extensions"];
        assert_eq!(error["code"], "VALIDATION_ERROR", "{errors}");
        assert_eq!(error["field"], field, "{errors}");
        assert_eq!(error["validationErrors"][0]["field"], field, "{errors}");
    }
    Ok(())
}

#[tokio::test]
async fn queries_and_mutations_run_over_the_socket() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let mut socket = Socket::open(gateway.address()).await?;
    let query = "mutation { createCategory(input: {name: \"Lamps\"}) { id name } }";
    socket.subscribe("m", query, &json!({})).await?;
    let payload = socket.payload("m").await?;
    assert_eq!(payload["data"]["createCategory"]["name"], "Lamps");
    assert_eq!(socket.next().await?, json!({"id": "m", "type": "complete"}));
    socket.subscribe("m", query, &json!({})).await?;
    let payload = socket.payload("m").await?;
    assert_eq!(payload["errors"][0]["extensions"]["code"], "CONFLICT");
    assert_eq!(socket.next().await?, json!({"id": "m", "type": "complete"}));
    Ok(())
}

#[tokio::test]
async fn an_operation_of_a_socket_reflects_what_the_socket_has_shown() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let mut socket = Socket::open(gateway.address()).await?;
    let query = "mutation($n: String!) { createCategory(input: {name: $n}) { id } }";
    socket.subscribe("m", query, &json!({"n": "Lamps"})).await?;
    let written = position(&socket.payload("m").await?)?;
    socket.next().await?;
    gateway.wire.take();
    socket
        .subscribe("q", "{ categories { name } }", &json!({}))
        .await?;
    let payload = socket.payload("q").await?;
    assert_eq!(payload["data"]["categories"][0]["name"], "Lamps");
    assert!(position(&payload)? >= written);
    let calls = gateway.wire.take();
    let sent = calls[0].metadata.get("x-min-position").context("sent")?;
    assert_eq!(sent.to_str()?, written.to_string());
    Ok(())
}

#[tokio::test]
async fn the_socket_closes_with_the_protocols_codes() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let address = gateway.address();
    let mut other = Socket::connect(address, "graphql-ws").await?;
    assert_eq!(other.closed().await?.0, 4406);
    let mut silent = Socket::connect(address, PROTOCOL).await?;
    assert_eq!(silent.closed().await?.0, 4408);

    let mut early = Socket::connect(address, PROTOCOL).await?;
    early
        .subscribe("1", "{ productExists(id: 1) }", &json!({}))
        .await?;
    assert_eq!(early.closed().await?, (4401, "Unauthorized".to_owned()));
    let mut twice = Socket::open(address).await?;
    twice.send(&json!({"type": "connection_init"})).await?;
    assert_eq!(twice.closed().await?.0, 4429);
    let mut same = Socket::open(address).await?;
    same.subscribe("a", CREATED, &json!({})).await?;
    same.subscribe("a", CREATED, &json!({})).await?;
    let reason = "Subscriber for a already exists".to_owned();
    assert_eq!(same.closed().await?, (4409, reason));
    let mut wrong = Socket::open(address).await?;
    wrong.send(&json!({"type": "start"})).await?;
    assert_eq!(wrong.closed().await?.0, 4400);
    for (kind, payload) in [
        ("connection_init", json!("token")),
        ("ping", json!([1])),
        ("pong", json!(7)),
    ] {
        let mut other = Socket::connect(address, PROTOCOL).await?;
        other
            .send(&json!({"type": kind, "payload": payload}))
            .await?;
        let reason = format!("the payload of {kind} must be an object");
        assert_eq!(other.closed().await?, (4400, reason));
    }
    let mut nulls = Socket::connect(address, PROTOCOL).await?;
    nulls
        .send(&json!({"type": "connection_init", "payload": null}))
        .await?;
    assert_eq!(nulls.next().await?, json!({"type": "connection_ack"}));
    let mut binary = Socket::open(address).await?;
    binary.send_frame(Message::binary(vec![1])).await?;
    assert_eq!(binary.closed().await?.0, 4400);
    let mut long = Socket::open(address).await?;
    let text = "x".repeat(64 * 1024 + 1);
    long.send_frame(Message::text(text)).await?;
    assert_eq!(long.closed().await?.0, 1009);
    Ok(())
}

#[tokio::test]
async fn the_clients_close_is_answered() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let mut socket = Socket::open(gateway.address()).await?;
    let frame = CloseFrame {
        code: 1000.into(),
        reason: "done".into(),
    };
    socket.send_frame(Message::Close(Some(frame))).await?;
    assert_eq!(socket.closed().await?.0, 1000);
    Ok(())
}

#[tokio::test]
async fn a_page_of_another_origin_is_rejected() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let headers = format!("sec-websocket-protocol: {PROTOCOL}\r\norigin: http://evil.example\r\n");
    let (answer, _) = handshake(gateway.address(), &headers).await?;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    let own = format!("origin: http://{}\r\n", gateway.address());
    let (answer, _) = handshake(gateway.address(), &own).await?;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    Ok(())
}

#[tokio::test]
async fn sockets_and_subscriptions_are_limited() -> Result<()> {
    let limits = [
        ("GRAPHQL_MAX_SOCKETS", "2"),
        ("GRAPHQL_MAX_SUBSCRIPTIONS", "3"),
        ("GRAPHQL_MAX_OPERATIONS_PER_SOCKET", "2"),
    ];
    let gateway = TestGateway::open_with(AppEnv::Development, &limits).await?;
    let mut first = Socket::open(gateway.address()).await?;
    let mut second = Socket::open(gateway.address()).await?;
    let protocol = format!("sec-websocket-protocol: {PROTOCOL}\r\n");
    let (answer, _) = handshake(gateway.address(), &protocol).await?;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");

    for id in ["1", "2", "3"] {
        first.subscribe(id, CREATED, &json!({})).await?;
    }
    let errors = first.errors("3").await?;
    assert_eq!(errors[0]["extensions"]["code"], "BAD_REQUEST");
    second.subscribe("1", CREATED, &json!({})).await?;
    second.ping().await?;
    second.subscribe("2", CREATED, &json!({})).await?;
    let errors = second.errors("2").await?;
    assert_eq!(errors[0]["extensions"]["code"], "SERVICE_UNAVAILABLE");
    // A completed subscription and a closed socket make room.
    first.send(&json!({"id": "1", "type": "complete"})).await?;
    first.ping().await?;
    loop {
        second
            .subscribe("2", CREATED, &json!({"after": "0"}))
            .await?;
        gateway
            .product(&format!("P{}", gateway.position().await?), None)
            .await?;
        if second.next().await?["type"] == "next" {
            break;
        }
    }
    drop(first);
    loop {
        let (answer, _) = handshake(gateway.address(), &protocol).await?;
        if answer.starts_with("HTTP/1.1 101") {
            return Ok(());
        }
    }
}

#[tokio::test]
async fn a_completed_subscription_gets_no_more_messages() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let mut socket = Socket::open(gateway.address()).await?;
    let query = |name: &str| {
        format!("subscription {{ productCreated(after: \"0\") {{ id {name}: name }} }}")
    };
    socket.subscribe("1", &query("a"), &json!({})).await?;
    gateway.product("One", None).await?;
    assert_eq!(
        socket.payload("1").await?["data"]["productCreated"]["a"],
        "One"
    );
    socket.send(&json!({"id": "1", "type": "complete"})).await?;
    // The same id for another operation gets only messages of that one.
    socket.subscribe("1", &query("b"), &json!({})).await?;
    gateway.product("Two", None).await?;
    for name in ["One", "Two"] {
        let payload = socket.payload("1").await?;
        assert_eq!(payload["data"]["productCreated"]["b"], name, "{payload}");
    }
    Ok(())
}
