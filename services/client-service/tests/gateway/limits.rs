//! A request that exceeds a limit is rejected quickly, without calling a service.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;

use super::test_gateway::TestGateway;

/// The shortest of several runs counts, because the machine may be busy during one of them.
const TRIES: usize = 5;

#[tokio::test]
async fn rejections_call_no_service_and_are_fast() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let deep = format!(
        "{{ category(id: 1) {} }}",
        "{ products { category ".repeat(9) + "{ id }" + &"}}".repeat(9)
    );
    let bomb = (0..99).fold("{ ...f0 }".to_owned(), |text, i| {
        format!(
            "{text} fragment f{i} on Query {{ ...f{n} ...f{n} ...f{n} }}",
            n = i + 1
        )
    });
    let aliases = (0..31).fold(String::new(), |text, i| format!("{text} a{i}: __typename"));
    let cases = [
        (deep, "QUERY_TOO_DEEP"),
        (
            "{ categories { products { category { products { id } } } } }".to_owned(),
            "QUERY_TOO_COMPLEX",
        ),
        (format!("{{ {aliases} }}"), "QUERY_TOO_COMPLEX"),
        (
            format!("{{ __typename {} }}", "@include(if: true) ".repeat(21)),
            "QUERY_TOO_COMPLEX",
        ),
        (
            format!("{{ {} }}", "categoryExists(id: 1) ".repeat(61)),
            "QUERY_TOO_COMPLEX",
        ),
        (
            format!("{{ {} }}", "__typename ".repeat(9_000)),
            "QUERY_TOO_COMPLEX",
        ),
        ("{ a".repeat(30_000), "QUERY_TOO_DEEP"),
        ("[".repeat(99_000), "QUERY_TOO_DEEP"),
        (
            format!("{bomb} fragment f99 on Query {{ __typename }}"),
            "QUERY_TOO_DEEP",
        ),
    ];
    let limit = if cfg!(debug_assertions) {
        Duration::from_secs(1)
    } else {
        Duration::from_millis(5)
    };
    for (query, code) in cases {
        let start = &query[..query.len().min(60)];
        let mut best = Duration::MAX;
        for _ in 0..TRIES {
            let started = Instant::now();
            let error = gateway.error(&query, json!({})).await?;
            best = best.min(started.elapsed());
            assert_eq!(error["code"], code, "{start}");
        }
        assert!(best <= limit, "{start} took {best:?}");
    }
    assert_eq!(gateway.wire.methods(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_limit_counts_however_its_number_is_written() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let query = "query($n: Int) { products(limit: $n) { category { products { id } } } }";
    for variables in ["{\"n\": 100}", "{\"n\": 100.0}", "{\"n\": 1e2}"] {
        let body = format!(
            "{{\"query\": {}, \"variables\": {variables}}}",
            json!(query)
        );
        let request = test_shop::Request::post_json("/graphql", body);
        let reply = gateway.send(&request).await?;
        let code = reply.json()?["errors"][0]["extensions"]["code"].take();
        assert_eq!(code, "QUERY_TOO_COMPLEX", "{variables}");
    }
    Ok(())
}

/// Each unknown name of a document is compared with all names of its type.
#[tokio::test]
async fn a_long_document_gets_no_suggestions() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let message = async |query: &str| {
        let body = gateway.ask(query, json!({})).await?.json()?;
        anyhow::Ok(body["errors"][0]["message"].to_string())
    };
    let short = "{ categoris { id } }";
    let shown = message(short).await?;
    assert!(shown.contains("Did you mean"), "{shown}");
    let padded = format!("{short} # {}", "x".repeat(8 * 1024));
    let shown = message(&padded).await?;
    assert!(
        shown.contains("Unknown field") && !shown.contains("Did you mean"),
        "{shown}"
    );
    let long = "n".repeat(90_000);
    let many = (0..1_900).map(|n| format!("unknown_field_of_a_long_name_{n}"));
    let many = many.collect::<Vec<_>>().join(" ");
    let limit = if cfg!(debug_assertions) {
        Duration::from_secs(1)
    } else {
        Duration::from_millis(50)
    };
    for query in [
        format!("{{ {long} }}"),
        format!("{{ category(id: 1) {{ {many} }} }}"),
    ] {
        let mut best = Duration::MAX;
        for _ in 0..TRIES {
            let started = Instant::now();
            message(&query).await?;
            best = best.min(started.elapsed());
        }
        assert!(best <= limit, "{} took {best:?}", &query[..40]);
    }
    Ok(())
}

#[tokio::test]
async fn errors_quote_a_document_in_part() -> Result<()> {
    const MAX_BYTES: usize = 8_000;
    let gateway = TestGateway::open().await?;
    let name = "n".repeat(90_000);
    let unknown = (0..50).map(|n| format!("unknown{n}"));
    let unknown = unknown.collect::<Vec<_>>().join(" ");
    for query in [
        format!("{{ {name} }}"),
        format!("{{ category({name}: 1) {{ id }} }}"),
        format!("{{ category(id: 1) {{ ...{name} }} }}"),
        format!("{{ __typename @{name} }}"),
        format!("query($v: {name}) {{ __typename }}"),
        format!("{{ {unknown} }}"),
    ] {
        let body = gateway.ask(&query, json!({})).await?.json()?;
        let start = &query[..40];
        assert!(body["errors"][0]["message"].is_string(), "{start}");
        let bytes = body.to_string().len();
        assert!(bytes <= MAX_BYTES, "{start}: {bytes} bytes");
    }
    Ok(())
}

#[tokio::test]
async fn requests_within_the_limits_are_executed() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let standard = include_str!("introspection.graphql");
    let data = gateway.data(standard, json!({})).await?;
    assert_eq!(data["__schema"]["queryType"]["name"], "Query");
    gateway
        .data(
            "{ products(limit: 100) { id category { id name } } }",
            json!({}),
        )
        .await?;
    gateway
        .data("{ products(limit: 500) { id category { id } } }", json!({}))
        .await?;
    Ok(())
}
