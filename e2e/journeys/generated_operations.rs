//! Operations that another program generates from the schema.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::timeout;

use crate::support::{Shop, Topology, on, report};

const MIN_OPERATIONS: u32 = 500;
const RUN_TIMEOUT: Duration = Duration::from_secs(90);

#[tokio::test]
async fn operations_generated_by_schemathesis_on_sqlite() -> Result<()> {
    on(Topology::OneProcess, journey).await
}

#[tokio::test]
async fn operations_generated_by_schemathesis_on_postgres() -> Result<()> {
    on(Topology::THREE_PROCESSES, journey).await
}

async fn journey(shop: &mut Shop) -> Result<()> {
    // Installing it is not part of the time.
    test_python::python().await?;
    let gateway = shop.system.gateway(0)?.to_string();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("foreign/generated_operations.py");
    let arguments = [gateway.as_str()];
    let running = test_python::run(&script, &arguments);
    let printed = timeout(RUN_TIMEOUT, running).await;
    let printed = printed.context("it took too long")??;
    let count = printed.split(' ').next();
    let count = count.and_then(|count| count.parse::<u32>().ok());
    ensure!(
        count.is_some_and(|it| it >= MIN_OPERATIONS),
        "printed {printed:?}"
    );
    report(&format!("schemathesis: {}", printed.trim()));
    Ok(())
}
