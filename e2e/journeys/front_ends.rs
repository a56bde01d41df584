//! The clients and code generators of front ends, as they come from npm.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use test_shop::Folder;

use crate::support::{Packages, Shop, Topology, node, on, on_with, report};

const MANIFEST: &str = "from-gateway/gql/persisted-documents.json";

#[tokio::test]
async fn apollo_client_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, apollo).await
}

#[tokio::test]
async fn apollo_client_on_postgres() -> Result<()> {
    on(Topology::THREE_PROCESSES, apollo).await
}

#[tokio::test]
async fn urql_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, urql).await
}

#[tokio::test]
async fn urql_on_postgres() -> Result<()> {
    on(Topology::THREE_PROCESSES, urql).await
}

#[tokio::test]
async fn what_graphql_codegen_generates_is_all_that_a_gateway_executes() -> Result<()> {
    let folder = Folder::create()?;
    let path = folder.path();
    on(Topology::OneProcess, async |shop: &mut Shop| {
        run(shop, ("codegen.cjs", 7), Some(path)).await
    })
    .await?;
    let manifest = path.join(MANIFEST);
    let manifest = manifest.to_str().context("the folder's name is UTF-8")?;
    let settings = [("GRAPHQL_OPERATIONS", manifest)];
    for topology in [Topology::OneProcess, Topology::THREE_PROCESSES] {
        on_with(topology, &settings, async |shop: &mut Shop| {
            run(shop, ("registered.cjs", 27), Some(path)).await
        })
        .await?;
    }
    Ok(())
}

async fn apollo(shop: &mut Shop) -> Result<()> {
    run(shop, ("apollo.cjs", 23), None).await
}

async fn urql(shop: &mut Shop) -> Result<()> {
    run(shop, ("urql.cjs", 25), None).await
}

/// Fewer checks than expected mean that the program has not done everything.
async fn run(shop: &Shop, (script, checks): (&str, u32), folder: Option<&Path>) -> Result<()> {
    let gateway = shop.system.gateway(0)?.to_string();
    let folder = folder.map(|path| path.to_str().context("the folder's name is UTF-8"));
    let folder = folder.transpose()?;
    let arguments: Vec<&str> = std::iter::once(gateway.as_str()).chain(folder).collect();
    let path = format!("front-ends/{script}");
    let done = node(Packages::FrontEnds, &path, &arguments).await?;
    ensure!(done >= checks, "{script}: {done} checks");
    report(&format!("{script}: {done} checks"));
    Ok(())
}
