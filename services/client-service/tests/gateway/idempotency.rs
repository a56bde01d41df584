//! The Idempotency-Key header.

use anyhow::Result;
use serde_json::{Value, json};
use test_shop::{Reply, Request};
use tonic::Status;

use super::stage::{Fault, Stage, graphql, text};

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
    let stage = Stage::open().await?;
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
    let stage = Stage::open().await?;
    let request = keyed("k", CREATE, &json!({"name": ""}));
    let first = stage.send(&request).await?;
    assert_eq!(code(&first)?, "VALIDATION_ERROR");
    assert_eq!(stage.send(&request).await?.body, first.body);
    Ok(())
}

#[tokio::test]
async fn a_key_belongs_to_one_request() -> Result<()> {
    let stage = Stage::open().await?;
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
    let stage = Stage::open().await?;
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
    let stage = Stage::open().await?;
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
async fn of_two_at_the_same_time_one_runs() -> Result<()> {
    let stage = Stage::open().await?;
    let request = keyed("k", CREATE, &json!({"name": "Tea"}));
    let (one, two) = tokio::join!(stage.send(&request), stage.send(&request));
    let replies = [one?, two?];
    let answered: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
    assert!(!answered.is_empty());
    for reply in &replies {
        if reply.status == 409 {
            assert_eq!(code(reply)?, "IDEMPOTENCY_IN_PROGRESS");
            assert!(reply.json()?["errors"][0]["extensions"]["retryAfter"].is_u64());
        } else {
            assert_eq!(reply.body, answered[0].body);
        }
    }
    let id = text(&answered[0].json()?["data"]["a"]["id"])?;
    let again = stage.send(&request).await?;
    assert_eq!(again.json()?["data"]["a"]["id"], id.as_str());
    Ok(())
}
