//! The Idempotency-Key header.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use test_shop::{Reply, Request};
use tokio::sync::Notify;
use tonic::Status;

use super::test_gateway::{Fault, TestGateway, graphql};

const CREATE: &str = "mutation($name: String!) {
    a: createCategory(input: {name: $name}) { id name }
    b: createProduct(input: {name: $name, price: 1}) { id stockQuantity } }";

fn keyed(key: &str, query: &str, variables: &Value) -> Request {
    graphql(query, variables).with_header("idempotency-key", key)
}

fn code(reply: &Reply) -> Result<Value> {
    Ok(reply.json()?["errors"][0]["extensions"]["code"].take())
}

#[tokio::test]
async fn the_same_key_returns_the_first_response_again() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let request = keyed("k1", CREATE, &json!({"name": "Tea"}));
    let first = gateway.send(&request).await?;
    assert!(
        first.json()?["data"]["a"]["id"].is_string(),
        "{:?}",
        first.json()
    );
    gateway.wire.take();
    let again = gateway.send(&request).await?;
    assert_eq!(again.body, first.body);
    assert_eq!(
        again.header("x-min-position"),
        first.header("x-min-position")
    );
    assert_eq!(gateway.wire.methods(), ["Begin"]);
    let other = gateway
        .send(&keyed("k2", CREATE, &json!({"name": "Coffee"})))
        .await?;
    assert_ne!(
        other.json()?["data"]["a"]["id"],
        first.json()?["data"]["a"]["id"]
    );
    Ok(())
}

#[tokio::test]
async fn a_rejection_is_stored_too() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let request = keyed("k", CREATE, &json!({"name": ""}));
    let first = gateway.send(&request).await?;
    assert_eq!(code(&first)?, "VALIDATION_ERROR");
    assert_eq!(gateway.send(&request).await?.body, first.body);
    Ok(())
}

/// Only the stored response records a rejection: executed again, the request could have another result.
#[tokio::test]
async fn a_response_that_may_not_be_stored_is_not_sent() -> Result<()> {
    let gateway = TestGateway::open().await?;
    for name in ["", "Tea"] {
        let lost = || Fault::After(Status::unavailable("connection lost"));
        let finish = "/proto.Idempotency/Finish";
        gateway
            .wire
            .break_next(finish, [lost(), lost(), lost(), lost()]);
        let request = keyed(&format!("k{name}"), CREATE, &json!({ "name": name }));
        let first = gateway.send(&request).await?;
        assert_eq!(code(&first)?, "SERVICE_UNAVAILABLE");
        let outcomes = |body: &Value| {
            let errors = body["errors"].as_array().cloned().unwrap_or_default();
            let outcome = |error: &Value| error["extensions"]["outcome"].clone();
            errors.iter().map(outcome).collect::<Vec<_>>()
        };
        // Both were rejected, the second one before it was sent, or both took effect.
        let expected = match name {
            "" => json!(["unknown"]),
            _ => json!(["committed", "committed"]),
        };
        assert_eq!(json!(outcomes(&first.json()?)), expected);
        gateway.wire.take();
        let again = gateway.send(&request).await?;
        let expected = match name {
            "" => json!("VALIDATION_ERROR"),
            _ => Value::Null,
        };
        let seen = again.json()?;
        let seen = seen.pointer("/errors/0/extensions/code");
        assert_eq!(seen.cloned().unwrap_or_default(), expected, "it was stored");
        assert_eq!(gateway.wire.methods(), ["Begin"]);
        assert_eq!(gateway.send(&request).await?.body, again.body);
    }
    Ok(())
}

#[tokio::test]
async fn a_key_belongs_to_one_request() -> Result<()> {
    let gateway = TestGateway::open().await?;
    gateway
        .send(&keyed("k", CREATE, &json!({"name": "Tea"})))
        .await?;
    let others = [
        keyed("k", CREATE, &json!({"name": "Coffee"})),
        keyed("k", "mutation { deleteCategory(id: 1) }", &json!({})),
    ];
    for other in others {
        let reply = gateway.send(&other).await?;
        assert_eq!(reply.status, 422);
        assert_eq!(code(&reply)?, "IDEMPOTENCY_KEY_REUSED");
    }
    Ok(())
}

#[tokio::test]
async fn a_request_that_is_not_executed_leaves_its_key_free() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let unknown = CREATE.replace("id", "unknown");
    for query in [
        "mutation {",
        &unknown,
        "mutation($n: Int!) { nothing(n: $n) }",
    ] {
        let reply = gateway
            .send(&keyed("k", query, &json!({"name": "Tea"})))
            .await?;
        assert_eq!(reply.status, 400, "{query}");
    }
    assert!(gateway.wire.methods().is_empty());
    let reply = gateway
        .send(&keyed("k", CREATE, &json!({"name": "Tea"})))
        .await?;
    assert!(reply.json()?["data"]["a"]["id"].is_string());
    Ok(())
}

#[tokio::test]
async fn a_key_has_1_to_255_characters_and_is_for_mutations() -> Result<()> {
    let gateway = TestGateway::open().await?;
    for bad in [String::new(), "k".repeat(256)] {
        let reply = gateway
            .send(&keyed(&bad, CREATE, &json!({"name": "Tea"})))
            .await?;
        assert_eq!(reply.status, 400);
        assert_eq!(code(&reply)?, "BAD_REQUEST");
    }
    let reply = gateway
        .send(&keyed(
            &"k".repeat(256),
            "{ categories { id } }",
            &json!({}),
        ))
        .await?;
    assert_eq!(reply.json()?["data"], json!({"categories": []}));
    assert_eq!(gateway.wire.methods(), ["ListCategories"]);
    Ok(())
}

#[tokio::test]
async fn a_repeat_after_an_unknown_outcome_resolves_it() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let lost = || Fault::After(Status::unavailable("connection lost"));
    gateway.wire.break_next(
        "/proto.ProductCommand/Create",
        [lost(), lost(), lost(), lost()],
    );
    let request = keyed("k", CREATE, &json!({"name": "Tea"}));
    let first = gateway.send(&request).await?;
    assert_eq!(code(&first)?, "SERVICE_UNAVAILABLE");
    let again = gateway.send(&request).await?.json()?;
    assert_eq!(again["errors"], Value::Null, "{again}");
    let data = gateway
        .data("{ products { id } categories { id } }", json!({}))
        .await?;
    assert_eq!(data["products"], json!([{"id": again["data"]["b"]["id"]}]));
    assert_eq!(
        data["categories"],
        json!([{"id": again["data"]["a"]["id"]}])
    );
    Ok(())
}

#[tokio::test]
async fn a_repeat_while_the_first_is_running_gets_in_progress() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let release = Arc::new(Notify::new());
    let held = Fault::Held(Arc::clone(&release));
    gateway
        .wire
        .break_next("/proto.CategoryCommand/Create", [held]);
    let request = keyed("k", CREATE, &json!({"name": "Tea"}));
    let first = gateway.send(&request);
    let second = async {
        gateway.wire.called("Create").await?;
        let rejected = gateway.send(&request).await?;
        // The first one renews its lease while it runs.
        gateway.wire.called("Renew").await?;
        release.notify_one();
        anyhow::Ok(rejected)
    };
    let (first, second) = tokio::try_join!(first, second)?;
    assert_eq!(second.status, 409);
    assert_eq!(code(&second)?, "IDEMPOTENCY_IN_PROGRESS");
    let retry_after = second.json()?["errors"][0]["extensions"]["retryAfter"].take();
    assert_eq!(retry_after, 1);
    let header = second.header("retry-after").map(ToOwned::to_owned);
    assert_eq!(header, Some(retry_after.to_string()));
    assert_eq!(first.header("retry-after"), None);
    assert!(first.json()?["data"]["a"]["id"].is_string());
    assert_eq!(gateway.send(&request).await?.body, first.body);
    Ok(())
}

#[tokio::test]
async fn a_request_completes_after_its_client_disconnects() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let release = Arc::new(Notify::new());
    let held = Fault::Held(Arc::clone(&release));
    gateway
        .wire
        .break_next("/proto.CategoryCommand/Create", [held]);
    let request = keyed("k", CREATE, &json!({"name": "Tea"}));
    tokio::select! {
        reply = gateway.send(&request) => anyhow::bail!("answered already: {reply:?}"),
        called = gateway.wire.called("Create") => called?,
    }
    release.notify_one();
    gateway.wire.called("Finish").await?;
    gateway.wire.take();
    let stored = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            let again = gateway.send(&request).await?;
            if again.status != 409 {
                return anyhow::Ok(again);
            }
        }
    });
    let again = stored.await??;
    assert!(again.json()?["data"]["a"]["id"].is_string());
    assert!(
        gateway
            .wire
            .methods()
            .iter()
            .all(|method| method == "Begin")
    );
    Ok(())
}
