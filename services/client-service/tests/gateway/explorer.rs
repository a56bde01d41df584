//! `/graphiql`: what it loads, and the operations with which it begins. How it works in a browser is tested in `e2e`.

use std::process::ExitCode;

use anyhow::{Context, Result};
use platform::StartError;
use platform::config::AppEnv;
use serde_json::{Value, json};
use test_shop::{Folder, Request};

use super::test_gateway::TestGateway;

/// The settings that the page of the explorer contains.
pub async fn explorer(gateway: &TestGateway) -> Result<Value> {
    let page = gateway.send(&Request::get("/graphiql")).await?;
    let page = String::from_utf8(page.body.to_vec())?;
    let (_, settings) = page.split_once("id=\"settings\">").context("settings")?;
    let (settings, _) = settings.split_once("</script>").context("the end")?;
    Ok(serde_json::from_str(settings)?)
}

#[tokio::test]
async fn the_samples_of_the_explorer_are_valid() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let settings = explorer(&gateway).await?;
    assert_eq!(settings["introspection"], true);
    let samples = settings["samples"].as_array().context("samples")?;
    assert!(samples.len() >= 5, "{settings}");
    for sample in samples {
        let query = sample["query"].as_str().context("a query")?;
        let variables = sample["variables"].as_str().context("variables")?;
        if query.contains("subscription") {
            // What its text would be rejected for comes before that.
            let error = gateway.ask(query, json!({})).await?.json()?;
            let message = error["errors"][0]["message"].to_string();
            assert!(message.contains("needs a WebSocket"), "{message}");
        } else {
            let variables = serde_json::from_str(variables)?;
            let data = gateway.data(query, variables).await?;
            assert!(data.is_object(), "{data}");
        }
    }
    let settings = [("GRAPHIQL", "true")];
    let production = TestGateway::open_with(AppEnv::Production, &settings).await?;
    assert_eq!(explorer(&production).await?["introspection"], false);
    Ok(())
}

#[tokio::test]
async fn the_explorer_loads_from_the_gateway_alone() -> Result<()> {
    let gateway = TestGateway::open().await?;
    for (path, content_type) in [
        ("/graphiql", "text/html; charset=utf-8"),
        ("/graphiql/explorer.js", "text/javascript; charset=utf-8"),
        ("/graphiql/explorer.css", "text/css; charset=utf-8"),
        ("/graphiql/transport.js", "text/javascript; charset=utf-8"),
        ("/schema.graphql", "text/plain; charset=utf-8"),
    ] {
        let request = Request::get(path).with_header("accept-encoding", "gzip");
        let reply = gateway.send(&request).await?;
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.header("content-type"), Some(content_type));
        assert_eq!(reply.header("content-encoding"), Some("gzip"), "{path}");
        let tag = reply.header("etag").context("a tag")?;
        let again = request.with_header("if-none-match", tag);
        let again = gateway.send(&again).await?;
        assert_eq!(
            (again.status.as_u16(), again.body.len()),
            (304, 0),
            "{path}"
        );
    }
    let page = gateway.send(&Request::get("/graphiql")).await?;
    let policy = page.header("content-security-policy").context("a policy")?;
    for directive in [
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self'",
    ] {
        assert!(policy.contains(directive), "{policy}");
    }
    assert!(!policy.contains("http"), "{policy}");
    let missing = gateway.send(&Request::get("/graphiql/none.js")).await?;
    assert_eq!(missing.status, 404);
    Ok(())
}

#[tokio::test]
async fn a_folder_without_graphiql_stops_the_start() -> Result<()> {
    let folder = Folder::create()?;
    let path = folder.path().to_str().context("a path")?;
    let started = TestGateway::open_with(AppEnv::Development, &[("GRAPHIQL_DIR", path)]).await;
    let error = started.err().context("it started")?;
    let fault = error
        .downcast_ref::<StartError>()
        .context("another error")?;
    assert_eq!(fault.exit_code(), ExitCode::from(2));
    let shown = format!("{error:#}");
    for part in ["GRAPHIQL_DIR", path, "graphiql.js", "cargo xtask graphiql"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    std::fs::write(folder.path().join("graphiql.js"), "alert(1)")?;
    let started = TestGateway::open_with(AppEnv::Development, &[("GRAPHIQL_DIR", path)]).await;
    let shown = format!("{:#}", started.err().context("it started")?);
    assert!(shown.contains("graphiql.js is not that of"), "{shown}");
    Ok(())
}
