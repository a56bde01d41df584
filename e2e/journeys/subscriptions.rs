//! Subscriptions by the clients that front ends use.

use anyhow::{Result, ensure};

use crate::support::{Shop, Topology, node, on, report};

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
    let printed = node("subscriptions.cjs", &[&gateway]).await?;
    let checks = printed.split(' ').next();
    let checks = checks.and_then(|count| count.parse::<u32>().ok());
    ensure!(checks.is_some_and(|it| it >= 20), "printed {printed:?}");
    report(&format!("subscriptions: {}", printed.trim()));
    Ok(())
}
