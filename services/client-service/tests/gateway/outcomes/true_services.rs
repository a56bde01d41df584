//! The same with the true services: what is said is compared with what is stored.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use contract::status::Outcome;
use futures::future::try_join_all;
use platform::config::AppEnv;
use serde_json::{Value, json};
use test_shop::{Reply, Request, until_within};
use tonic::Status;

use crate::test_gateway::{Fault, TestGateway, graphql, text};

const BEGIN: &str = "/proto.Idempotency/Begin";
const CREATE: &str = "/proto.CategoryCommand/Create";
const FINISH: &str = "/proto.Idempotency/Finish";
const READ: &str = "/query.CategoryQuery/GetCategoriesByIds";
/// Its count is read from the read side.
const DOCUMENT: &str = "mutation { createCategory(input: {name: \"Tea\"}) { id productCount } }";
const ONE_TRY: [(&str, &str); 2] = [("CLIENT_WRITE_TRIES", "1"), ("CLIENT_READ_TRIES", "1")];
/// Longer than a claim that was not given back.
const LIMIT: Duration = Duration::from_mins(1);

fn keyed() -> Request {
    graphql(DOCUMENT, &json!({})).with_header("idempotency-key", "k")
}

fn said(body: &Value) -> &Value {
    &body["errors"][0]["extensions"]
}

/// The ids of the categories that are there.
async fn stored(stage: &TestGateway) -> Result<Vec<String>> {
    let data = stage.data("{ categories { id } }", json!({})).await?;
    let rows = data["categories"].as_array().cloned().unwrap_or_default();
    rows.iter().map(|row| text(&row["id"])).collect()
}

#[tokio::test]
async fn a_count_that_cannot_be_read_leaves_a_category_that_is_named() -> Result<()> {
    let stage = TestGateway::open().await?;
    let gone = || Fault::Before(Status::unavailable("gone"));
    stage.wire.break_next(READ, [gone(), gone()]);
    let body = stage.ask(DOCUMENT, json!({})).await?.json()?;
    let said = said(&body);
    assert_eq!(said["outcome"], "committed", "{body}");
    assert_eq!(said["retryAfter"], Value::Null, "{body}");
    assert_eq!(said["position"], body["extensions"]["position"], "{body}");
    let mut after = graphql("{ categories { id } }", &json!({}));
    after = after.with_header("x-min-position", &text(&said["position"])?);
    let seen = stage.send(&after).await?.json()?;
    assert_eq!(seen["data"]["categories"], json!([{"id": said["id"]}]));
    Ok(())
}

/// How a call fails.
fn fault(kind: usize) -> Fault {
    let lost = || Status::unavailable("gone");
    match kind {
        0 => Fault::Before(lost()),
        1 => Fault::After(lost()),
        2 => Fault::Before(Outcome::None.unavailable("conflicts")),
        _ => Fault::After(Status::internal("a fault")),
    }
}

/// The answer to a repeat, as soon as the key is free.
async fn again(stage: &TestGateway) -> Result<Reply> {
    until_within(LIMIT, "the end of the claim", async || {
        let reply = stage.send(&keyed()).await?;
        ensure!(reply.status != 409, "the key is claimed");
        Ok(reply)
    })
    .await
}

async fn lose(point: &str, kind: usize) -> Result<()> {
    let stage = TestGateway::open_with(AppEnv::Development, &ONE_TRY).await?;
    stage.wire.break_next(point, [fault(kind)]);
    let first = stage.send(&keyed()).await?.json()?;
    let before = stored(&stage).await?;
    let (outcome, id) = (&said(&first)["outcome"], &said(&first)["id"]);
    ensure!(
        !first["errors"].is_null(),
        "the fault went unnoticed: {first}"
    );
    ensure!(outcome != "none", "an earlier request may have: {first}");
    ensure!(
        outcome != "committed" || json!(before) == json!([id]),
        "{before:?}: {first}"
    );
    let is_known = [READ, FINISH].contains(&point);
    ensure!(!is_known || outcome == "committed", "it is known: {first}");
    let again = again(&stage).await?;
    let id = &again.json()?["data"]["createCategory"]["id"];
    ensure!(id.is_string(), "{:?}", again.json());
    ensure!(json!(stored(&stage).await?) == json!([id]), "there is one");
    ensure!(
        stage.send(&keyed()).await?.body == again.body,
        "the first answer again"
    );
    Ok(())
}

#[tokio::test]
async fn the_repeat_of_a_key_resolves_whatever_was_lost() -> Result<()> {
    let points = [BEGIN, CREATE, READ, FINISH];
    let all = points
        .into_iter()
        .flat_map(|point| (0..4).map(move |kind| (point, kind)));
    let all = all.map(|(point, kind)| async move {
        let lost = lose(point, kind).await;
        lost.with_context(|| format!("{point}, kind {kind}"))
    });
    try_join_all(all).await?;
    Ok(())
}

#[tokio::test]
async fn a_refusal_after_a_mutation_that_took_effect_is_kept_with_both() -> Result<()> {
    let stage = TestGateway::open().await?;
    let document = "mutation {
        a: createCategory(input: {name: \"Tea\"}) { id }
        b: createCategory(input: {name: \"Tea\"}) { id } }";
    let request = graphql(document, &json!({})).with_header("idempotency-key", "k");
    let first = stage.send(&request).await?;
    let body = first.json()?;
    assert_eq!(body["data"], Value::Null);
    let said = said(&body);
    assert_eq!(
        (&said["code"], &said["outcome"]),
        (&json!("CONFLICT"), &Value::Null),
        "{body}"
    );
    let [id] = &stored(&stage).await?[..] else {
        anyhow::bail!("one category");
    };
    let committed = &body["extensions"]["committed"];
    assert_eq!(committed[0]["path"], json!(["a"]), "{body}");
    assert_eq!(committed[0]["id"], json!(id), "{body}");
    assert_eq!(stage.send(&request).await?.body, first.body);
    Ok(())
}
