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
async fn the_same_key_gives_the_first_answer_again() -> Result<()> {
    let stage = TestGateway::open().await?;
    let request = keyed("k1", CREATE, &json!({"name": "Tea"}));
    let first = stage.send(&request).await?;
    assert!(
        first.json()?["data"]["a"]["id"].is_string(),
        "{:?}",
        first.json()
    );
    stage.wire.take();
    let again = stage.send(&request).await?;
    assert_eq!(again.body, first.body);
    assert_eq!(
        again.header("x-min-position"),
        first.header("x-min-position")
    );
    assert_eq!(stage.wire.methods(), ["Begin"]);
    let other = stage
        .send(&keyed("k2", CREATE, &json!({"name": "Coffee"})))
        .await?;
    assert_ne!(
        other.json()?["data"]["a"]["id"],
        first.json()?["data"]["a"]["id"]
    );
    Ok(())
}

#[tokio::test]
async fn a_refusal_is_an_answer_too() -> Result<()> {
    let stage = TestGateway::open().await?;
    let request = keyed("k", CREATE, &json!({"name": ""}));
    let first = stage.send(&request).await?;
    assert_eq!(code(&first)?, "VALIDATION_ERROR");
    assert_eq!(stage.send(&request).await?.body, first.body);
    Ok(())
}

/// Nothing but the kept answer remembers a refusal: executed again, the request could end otherwise.
#[tokio::test]
async fn an_answer_that_may_not_be_kept_is_none() -> Result<()> {
    let stage = TestGateway::open().await?;
    for name in ["", "Tea"] {
        let lost = || Fault::After(Status::unavailable("gone"));
        let finish = "/proto.Idempotency/Finish";
        stage
            .wire
            .break_next(finish, [lost(), lost(), lost(), lost()]);
        let request = keyed(&format!("k{name}"), CREATE, &json!({ "name": name }));
        let first = stage.send(&request).await?;
        assert_eq!(code(&first)?, "SERVICE_UNAVAILABLE");
        let outcomes = |body: &Value| {
            let errors = body["errors"].as_array().cloned().unwrap_or_default();
            let outcome = |error: &Value| error["extensions"]["outcome"].clone();
            errors.iter().map(outcome).collect::<Vec<_>>()
        };
        // Both were refused, or both took effect.
        let expected = match name {
            "" => json!(["unknown", "unknown"]),
            _ => json!(["committed", "committed"]),
        };
        assert_eq!(json!(outcomes(&first.json()?)), expected);
        stage.wire.take();
        let again = stage.send(&request).await?;
        let expected = match name {
            "" => json!("VALIDATION_ERROR"),
            _ => Value::Null,
        };
        let seen = again.json()?;
        let seen = seen.pointer("/errors/0/extensions/code");
        assert_eq!(seen.cloned().unwrap_or_default(), expected, "it was kept");
        assert_eq!(stage.wire.methods(), ["Begin"]);
        assert_eq!(stage.send(&request).await?.body, again.body);
    }
    Ok(())
}

#[tokio::test]
async fn a_key_belongs_to_one_request() -> Result<()> {
    let stage = TestGateway::open().await?;
    stage
        .send(&keyed("k", CREATE, &json!({"name": "Tea"})))
        .await?;
    let others = [
        keyed("k", CREATE, &json!({"name": "Coffee"})),
        keyed("k", "mutation { deleteCategory(id: 1) }", &json!({})),
    ];
    for other in others {
        let reply = stage.send(&other).await?;
        assert_eq!(reply.status, 422);
        assert_eq!(code(&reply)?, "IDEMPOTENCY_KEY_REUSED");
    }
    Ok(())
}

#[tokio::test]
async fn a_key_has_1_to_255_characters_and_is_for_mutations() -> Result<()> {
    let stage = TestGateway::open().await?;
    for bad in [String::new(), "k".repeat(256)] {
        let reply = stage
            .send(&keyed(&bad, CREATE, &json!({"name": "Tea"})))
            .await?;
        assert_eq!(reply.status, 400);
        assert_eq!(code(&reply)?, "BAD_REQUEST");
    }
    let reply = stage
        .send(&keyed(
            &"k".repeat(256),
            "{ categories { id } }",
            &json!({}),
        ))
        .await?;
    assert_eq!(reply.json()?["data"], json!({"categories": []}));
    assert_eq!(stage.wire.methods(), ["ListCategories"]);
    Ok(())
}

#[tokio::test]
async fn a_repeat_after_an_unknown_outcome_finds_what_was_done() -> Result<()> {
    let stage = TestGateway::open().await?;
    let lost = || Fault::After(Status::unavailable("gone"));
    stage.wire.break_next(
        "/proto.ProductCommand/Create",
        [lost(), lost(), lost(), lost()],
    );
    let request = keyed("k", CREATE, &json!({"name": "Tea"}));
    let first = stage.send(&request).await?;
    assert_eq!(code(&first)?, "SERVICE_UNAVAILABLE");
    let again = stage.send(&request).await?.json()?;
    assert_eq!(again["errors"], Value::Null, "{again}");
    let data = stage
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
async fn while_the_first_runs_the_second_has_to_wait() -> Result<()> {
    let stage = TestGateway::open().await?;
    let gate = Arc::new(Notify::new());
    let held = Fault::Held(Arc::clone(&gate));
    stage
        .wire
        .break_next("/proto.CategoryCommand/Create", [held]);
    let request = keyed("k", CREATE, &json!({"name": "Tea"}));
    let first = stage.send(&request);
    let second = async {
        stage.wire.called("Create").await?;
        let refused = stage.send(&request).await?;
        // The first one keeps its claim as long as it runs.
        stage.wire.called("Renew").await?;
        gate.notify_one();
        anyhow::Ok(refused)
    };
    let (first, second) = tokio::try_join!(first, second)?;
    assert_eq!(second.status, 409);
    assert_eq!(code(&second)?, "IDEMPOTENCY_IN_PROGRESS");
    assert!(second.json()?["errors"][0]["extensions"]["retryAfter"].is_u64());
    assert!(first.json()?["data"]["a"]["id"].is_string());
    assert_eq!(stage.send(&request).await?.body, first.body);
    Ok(())
}

#[tokio::test]
async fn a_request_ends_although_its_client_has_gone() -> Result<()> {
    let stage = TestGateway::open().await?;
    let gate = Arc::new(Notify::new());
    let held = Fault::Held(Arc::clone(&gate));
    stage
        .wire
        .break_next("/proto.CategoryCommand/Create", [held]);
    let request = keyed("k", CREATE, &json!({"name": "Tea"}));
    tokio::select! {
        reply = stage.send(&request) => anyhow::bail!("answered already: {reply:?}"),
        called = stage.wire.called("Create") => called?,
    }
    gate.notify_one();
    stage.wire.called("Finish").await?;
    stage.wire.take();
    let kept = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            let again = stage.send(&request).await?;
            if again.status != 409 {
                return anyhow::Ok(again);
            }
        }
    });
    let again = kept.await??;
    assert!(again.json()?["data"]["a"]["id"].is_string());
    assert!(stage.wire.methods().iter().all(|method| method == "Begin"));
    Ok(())
}
