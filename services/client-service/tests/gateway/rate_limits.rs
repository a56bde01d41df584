//! How much a client may ask for in a minute.

use anyhow::{Result, ensure};
use platform::config::AppEnv;
use serde_json::{Value, json};
use test_shop::{Reply, Request, Socket};
use test_tokens::Secrets;

use super::test_gateway::{TestGateway, graphql};

const LIST: &str = "{ products(limit: 500) { id category { id } } }";
const CREATE: &str = "mutation($name: String!) { createCategory(input: {name: $name}) { id } }";

async fn limited_to(units: &str) -> Result<TestGateway> {
    TestGateway::open_with(AppEnv::Development, &[("RATE_LIMIT_PER_MINUTE", units)]).await
}

/// What the headers say is left.
fn remaining(reply: &Reply) -> Result<u64> {
    let header = reply.header("x-ratelimit-remaining").unwrap_or_default();
    Ok(header.parse()?)
}

fn create(name: &str) -> Request {
    graphql(CREATE, &json!({ "name": name }))
}

#[tokio::test]
async fn a_request_over_the_limit_reaches_no_service() -> Result<()> {
    let gateway = limited_to("25").await?;
    let listed = gateway.send(&graphql(LIST, &json!({}))).await?;
    assert_eq!(remaining(&listed)?, 23, "1, and 1 for 1,000 objects");
    let reset = listed.header("x-ratelimit-reset");
    assert_eq!(reset, Some("5"), "2 of 25 in 60 s");
    assert_eq!(listed.header("x-ratelimit-limit"), Some("25"));
    assert_eq!(
        listed.header("ratelimit-policy"),
        Some("\"default\";q=25;w=60")
    );
    assert_eq!(listed.header("ratelimit"), Some("\"default\";r=23;t=5"));
    for name in ["Lamps", "Rugs"] {
        let created = gateway.send(&create(name)).await?;
        assert_eq!(created.status, 200, "{:?}", created.body);
    }
    gateway.wire.take();
    let events = gateway.events().await?.len();
    let rejected = gateway.send(&create("Chairs")).await?;
    assert_eq!(rejected.status, 429);
    let error = rejected.json()?["errors"][0]["extensions"].take();
    assert_eq!(error["code"], "RATE_LIMIT_EXCEEDED");
    assert_eq!(error["outcome"], Value::Null);
    let wait = error["retryAfter"].as_u64().unwrap_or_default();
    ensure!(
        (1..=17).contains(&wait),
        "{error}: at most 7 units of 2.4 s"
    );
    assert_eq!(rejected.header("retry-after"), Some(&*wait.to_string()));
    assert_eq!(rejected.header("x-ratelimit-remaining"), Some("0"));
    let calls = gateway.wire.methods();
    ensure!(
        calls.iter().all(|it| it.starts_with("/grpc.health")),
        "{calls:?}"
    );
    assert_eq!(gateway.events().await?.len(), events);
    Ok(())
}

#[tokio::test]
async fn invalid_requests_cost_too_and_what_could_never_pass_says_so() -> Result<()> {
    let gateway = limited_to("10").await?;
    let invalid = gateway.send(&graphql("{ nonsense", &json!({}))).await?;
    assert_eq!(remaining(&invalid)?, 9);
    let lists = (0..12).map(|n| format!("p{n}: products(limit: 500) {{ category {{ id }} }}"));
    let lists: Vec<String> = lists.collect();
    let query = format!("{{ {} }}", lists.join(" "));
    let large = gateway.send(&graphql(&query, &json!({}))).await?;
    assert_eq!(large.status, 429);
    let error = large.json()?["errors"][0].take();
    assert_eq!(error["extensions"]["retryAfter"], Value::Null);
    assert_eq!(
        error["message"],
        "a client may spend 10 units a minute: this needs 12"
    );
    for path in ["/health", "/metrics"] {
        for _ in 0..20 {
            let status = gateway.send(&Request::get(path)).await?.status;
            assert_ne!(status, 429, "{path}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_rejection_before_the_request_is_read_has_a_media_type_that_is_accepted() -> Result<()> {
    let gateway = limited_to("1").await?;
    gateway.send(&graphql(LIST, &json!({}))).await?;
    for (accept, media) in [
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        (
            "application/graphql-response+json",
            "application/graphql-response+json",
        ),
        ("text/event-stream", "application/graphql-response+json"),
    ] {
        let mut request = graphql(LIST, &json!({}));
        request.headers.retain(|(name, _)| name != "accept");
        let rejected = gateway.send(&request.with_header("accept", accept)).await?;
        assert_eq!(rejected.status, 429, "{accept}");
        let given = rejected.header("content-type");
        assert_eq!(given, Some(&*format!("{media}; charset=utf-8")), "{accept}");
    }
    Ok(())
}

#[tokio::test]
async fn operations_of_a_websocket_cost_as_requests_do() -> Result<()> {
    let gateway = limited_to("20").await?;
    let mut socket = Socket::open(gateway.address()).await?;
    let variables = json!({"name": "Lamps"});
    socket.subscribe("1", CREATE, &variables).await?;
    assert_eq!(socket.next().await?["type"], "next");
    assert_eq!(socket.next().await?["type"], "complete");
    let variables = json!({"name": "Rugs"});
    socket.subscribe("2", CREATE, &variables).await?;
    let error = socket.next().await?;
    assert_eq!(error["type"], "error", "{error}");
    let code = &error["payload"][0]["extensions"]["code"];
    assert_eq!(*code, "RATE_LIMIT_EXCEEDED");
    // The socket is still there.
    socket.subscribe("3", LIST, &json!({})).await?;
    assert_eq!(socket.next().await?["type"], "next");
    Ok(())
}

#[tokio::test]
async fn clients_are_limited_by_default_if_they_are_known() -> Result<()> {
    let secrets = Secrets::create()?;
    let development = AppEnv::Development;
    let secured = TestGateway::open_with(development, &secrets.settings()).await?;
    let reply = secured.send(&graphql("{ __typename }", &json!({}))).await?;
    assert_eq!(reply.header("x-ratelimit-limit"), Some("1000"));
    let open = TestGateway::open().await?;
    let reply = open.send(&graphql("{ __typename }", &json!({}))).await?;
    assert_eq!(reply.header("x-ratelimit-limit"), None);
    Ok(())
}
