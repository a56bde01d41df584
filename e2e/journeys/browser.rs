//! The pages of the gateway in Chromium, and pages of other origins that call it.

use anyhow::{Context, Result, ensure};
use test_shop::Folder;

use crate::support::{Packages, Shop, Topology, graphiql, node, on_with, report};

#[tokio::test]
async fn graphiql_in_a_browser_on_sqlite() -> Result<()> {
    with_graphiql(Topology::OneProcess).await
}

#[tokio::test]
async fn graphiql_in_a_browser_on_postgres() -> Result<()> {
    with_graphiql(Topology::THREE_PROCESSES).await
}

async fn with_graphiql(topology: Topology) -> Result<()> {
    let folder = graphiql().await?;
    let settings = [("GRAPHIQL_DIR", folder.as_str())];
    on_with(topology, &settings, async |shop| {
        browser(&["editor", &gateway(shop)?], 40).await
    })
    .await
}

/// As on a machine without Node.
#[tokio::test]
async fn the_form_without_graphiql_in_a_browser() -> Result<()> {
    let empty = Folder::create()?;
    let cache = empty.path().to_str().context("a path")?;
    let settings = [("XDG_CACHE_HOME", cache)];
    on_with(Topology::OneProcess, &settings, async |shop| {
        browser(&["form", &gateway(shop)?], 23).await
    })
    .await
}

#[tokio::test]
async fn pages_of_other_origins_in_a_browser() -> Result<()> {
    let production = ("APP_ENV", "production");
    let listed = ("CORS_ALLOWED_ORIGINS", "http://front.example");
    on_with(Topology::OneProcess, &[], async |development| {
        on_with(Topology::OneProcess, &[production], async |closed| {
            on_with(Topology::OneProcess, &[production, listed], async |open| {
                let gateways = [gateway(development)?, gateway(closed)?, gateway(open)?];
                let [development, closed, open] = gateways.each_ref().map(String::as_str);
                browser(&["origins", development, closed, open], 10).await
            })
            .await
        })
        .await
    })
    .await
}

fn gateway(shop: &Shop) -> Result<String> {
    Ok(shop.system.gateway(0)?.to_string())
}

/// Runs the program. Fewer checks than `min_checks` mean that it has not done everything.
async fn browser(arguments: &[&str], min_checks: u32) -> Result<()> {
    let checks = node(Packages::Browser, "browser.cjs", arguments).await?;
    ensure!(checks >= min_checks, "{checks} checks");
    let what = arguments.first().copied().unwrap_or_default();
    report(&format!("browser, {what}: {checks} checks"));
    Ok(())
}
