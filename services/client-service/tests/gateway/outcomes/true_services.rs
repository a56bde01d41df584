//! The same with the real services: the reported outcome is compared with the stored events.

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
/// The product count is read from the read side.
const DOCUMENT: &str = "mutation { createCategory(input: {name: \"Tea\"}) { id productCount } }";
const ONE_TRY: [(&str, &str); 2] = [("CLIENT_WRITE_TRIES", "1"), ("CLIENT_READ_TRIES", "1")];
/// Longer than a lease that was not released.
const TIMEOUT: Duration = Duration::from_mins(1);

fn keyed() -> Request {
    graphql(DOCUMENT, &json!({})).with_header("idempotency-key", "k")
}

fn extensions_of(body: &Value) -> &Value {
    &body["errors"][0]["extensions"]
}

/// The ids of all categories.
async fn stored(gateway: &TestGateway) -> Result<Vec<String>> {
    let data = gateway.data("{ categories { id } }", json!({})).await?;
    let rows = data["categories"].as_array().cloned().unwrap_or_default();
    rows.iter().map(|row| text(&row["id"])).collect()
}

#[tokio::test]
async fn a_failed_read_after_a_commit_reports_the_committed_category() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let lost = || Fault::Before(Status::unavailable("connection lost"));
    gateway.wire.break_next(READ, [lost(), lost()]);
    let body = gateway.ask(DOCUMENT, json!({})).await?.json()?;
    let extensions = extensions_of(&body);
    assert_eq!(extensions["outcome"], "committed", "{body}");
    assert_eq!(extensions["retryAfter"], Value::Null, "{body}");
    assert_eq!(
        extensions["position"], body["extensions"]["position"],
        "{body}"
    );
    let mut after = graphql("{ categories { id } }", &json!({}));
    after = after.with_header("x-min-position", &text(&extensions["position"])?);
    let seen = gateway.send(&after).await?.json()?;
    assert_eq!(
        seen["data"]["categories"],
        json!([{"id": extensions["id"]}])
    );
    Ok(())
}

/// How a call fails.
fn fault(kind: usize) -> Fault {
    let lost = || Status::unavailable("connection lost");
    match kind {
        0 => Fault::Before(lost()),
        1 => Fault::After(lost()),
        2 => Fault::Before(Outcome::None.unavailable("conflicts")),
        _ => Fault::After(Status::internal("a fault")),
    }
}

/// The response to a repeat, once the key is no longer claimed.
async fn again(gateway: &TestGateway) -> Result<Reply> {
    until_within(TIMEOUT, "the end of the claim", async || {
        let reply = gateway.send(&keyed()).await?;
        ensure!(reply.status != 409, "the key is claimed");
        Ok(reply)
    })
    .await
}

async fn lose(point: &str, kind: usize) -> Result<()> {
    let gateway = TestGateway::open_with(AppEnv::Development, &ONE_TRY).await?;
    gateway.wire.break_next(point, [fault(kind)]);
    let first = gateway.send(&keyed()).await?.json()?;
    let before = stored(&gateway).await?;
    let (outcome, id) = (
        &extensions_of(&first)["outcome"],
        &extensions_of(&first)["id"],
    );
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
    let again = again(&gateway).await?;
    let id = &again.json()?["data"]["createCategory"]["id"];
    ensure!(id.is_string(), "{:?}", again.json());
    ensure!(
        json!(stored(&gateway).await?) == json!([id]),
        "there is one"
    );
    ensure!(
        gateway.send(&keyed()).await?.body == again.body,
        "the first answer again"
    );
    Ok(())
}

#[tokio::test]
async fn a_repeat_with_the_key_resolves_any_lost_call() -> Result<()> {
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
async fn a_rejection_after_a_committed_mutation_is_stored_with_both() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let document = "mutation {
        a: createCategory(input: {name: \"Tea\"}) { id }
        b: createCategory(input: {name: \"Tea\"}) { id } }";
    let request = graphql(document, &json!({})).with_header("idempotency-key", "k");
    let first = gateway.send(&request).await?;
    let body = first.json()?;
    assert_eq!(body["data"], Value::Null);
    let extensions = extensions_of(&body);
    assert_eq!(
        (&extensions["code"], &extensions["outcome"]),
        (&json!("CONFLICT"), &Value::Null),
        "{body}"
    );
    let [id] = &stored(&gateway).await?[..] else {
        anyhow::bail!("one category");
    };
    let committed = &body["extensions"]["committed"];
    assert_eq!(committed[0]["path"], json!(["a"]), "{body}");
    assert_eq!(committed[0]["id"], json!(id), "{body}");
    assert_eq!(gateway.send(&request).await?.body, first.body);
    Ok(())
}
