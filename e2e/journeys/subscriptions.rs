//! Subscriptions by the clients that front ends use.

use anyhow::{Result, ensure};

use crate::support::{Packages, Shop, Topology, node, on, report};

#[tokio::test]
async fn subscriptions_by_npm_clients_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, journey).await
}

#[tokio::test]
async fn subscriptions_by_npm_clients_on_postgres() -> Result<()> {
    on(Topology::THREE_PROCESSES, journey).await
}

async fn journey(shop: &mut Shop) -> Result<()> {
    let gateway = shop.system.gateway(0)?.to_string();
    let checks = node(Packages::Protocols, "subscriptions.cjs", &[&gateway]).await?;
    ensure!(checks >= 20, "{checks} checks");
    report(&format!("subscriptions: {checks} checks"));
    Ok(())
}
